"""The sentences that studies end with."""

from __future__ import annotations
