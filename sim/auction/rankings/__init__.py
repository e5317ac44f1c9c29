"""The ranking rules by name: a line here, and a file in this folder with its ``weights``.

A rule gives each bidder a score that is affine in its bid, ``slope x bid + offset``. The slots go to the highest scores, and what a
winner pays is worked out in its own money, so that every mechanism's ``charge`` goes with every rule. A file holds:

``weights(number, exponent)``: slopes (bidders,) and offsets (bidders,), in currency per impression;
``NEUTRAL``: the number of a bidder that ``auction.rank.by_bidder`` does not name;
``LEAST``, ``MOST``: the numbers that are allowed; ``USES``: the keys of ``auction.rank`` that the rule reads.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

RANKINGS = (
    "bid",
    "quality",
    "virtual_value",
)
"""Rule of ``auction.rank``, which is also the name of its file."""


def ranking(rule: str) -> ModuleType:
    """Return the module of a rule."""
    return import_module(f"{__name__}.{rule}")
