"""Invented logs in every form that can be read."""
