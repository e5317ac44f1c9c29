"""Studies on a log."""

from __future__ import annotations
