"""The command line: `main.main` is the console script `jointbid`."""

from __future__ import annotations
