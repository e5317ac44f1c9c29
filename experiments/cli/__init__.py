"""The command line: `main` is the console script `jointbid`."""

from __future__ import annotations

from .main import main

__all__ = ["main"]
