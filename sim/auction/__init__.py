"""Mechanisms and their compiled kernels."""
