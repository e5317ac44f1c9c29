"""A scenario fitted to a log, and the page that compares the two."""

from __future__ import annotations
