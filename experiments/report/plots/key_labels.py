"""Configuration keys in words and with their units, for axes."""

from __future__ import annotations

UNITS = {
    "_per_h": "per hour", "_h": "hours", "_ms": "ms", "_cpm": "currency per thousand", "_months": "months", "_pct": "%",
    "_rate": "share", "coverage": "share", "consent": "share", "accuracy": "share", "redundancy": "correlation",
    "people": "number",
}  # fmt: skip
"""End of a key -> its unit; the first that fits. Most keys carry their unit in their name."""
UNIT_ENDINGS = ("_per_h", "_h", "_ms", "_cpm", "_months", "_pct")
"""Endings that are nothing but the unit."""
LABELS = {
    "bidders.count": "bidders (number)",
    "bidders.budget": "budget of each bidder (currency a replication)",
    "supply.requests": "bid requests in a replication (number)",
    "study.train_requests": "randomised impressions to learn from (number)",
}
"""Keys that say it better otherwise."""


def key_words(key: str) -> str:
    """Return a key in words: ``source.profile.match_rate`` is the "match rate of profile"."""
    if key in LABELS:
        return LABELS[key].partition(" (")[0]
    *rooms, name = key.split(".")
    for ending in UNIT_ENDINGS:
        name = name.removesuffix(ending)
    words = name.replace("_", " ")
    return f"{words} of {rooms[-1].replace('_', ' ')}" if rooms else words


def key_label(key: str) -> str:
    """Return an axis' label: the key in words, and its unit where it has one."""
    if key in LABELS:
        return LABELS[key]
    unit = next((unit for ending, unit in UNITS.items() if key.endswith(ending)), "")
    return f"{key_words(key)} ({unit})" if unit else key_words(key)
