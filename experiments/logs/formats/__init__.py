"""One reader a log format."""

from __future__ import annotations
