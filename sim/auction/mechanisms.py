"""The mechanisms by name. Each is a rule for the winner's charge, in the kernel, by its number here."""

from __future__ import annotations

MECHANISMS = {"second_price": 0, "first_price": 1}
