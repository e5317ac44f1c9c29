"""Policies tuned anew where the information changes."""

from __future__ import annotations
