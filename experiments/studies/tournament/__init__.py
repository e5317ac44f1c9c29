"""The study `tournament`: strategies against each other."""

from __future__ import annotations
