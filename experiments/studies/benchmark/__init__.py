"""The study `benchmark`: strategies on a versioned suite of markets."""

from __future__ import annotations
