"""Invented logs in every form that can be read."""

from __future__ import annotations
