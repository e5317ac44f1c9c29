"""The study `value`: what joint data are worth."""

from __future__ import annotations
