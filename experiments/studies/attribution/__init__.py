"""The study `attribution`: rules of attribution against what channels did."""

from __future__ import annotations
