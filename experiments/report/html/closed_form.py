"""What the scenarios `theory*` must give, in closed form: the report's sanity check of the engine that wrote the numbers.

One bidder under uniform prices on [0, M] in a second-price auction earns E[vhat^2] / (2M) a request, vhat being what its
data says an impression is worth; n bidders with private match values earn what order statistics of vhat say (theory of
discrete signals; Hummel and McAfee, 2016). Nothing is said of a market that has more to it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

Worth = list[tuple[float, float]]
"""Values with their probabilities."""

PLAIN_SOURCE = {
    "false_match_rate": 0, "sync_interval_h": 0, "latency_h": 0, "flip_rate_per_h": 0,
    "accuracy": 1, "coverage": 1, "consent": 1, "cost_per_lookup_cpm": 0,
}  # fmt: skip
"""What makes a source more than a match rate; a key that is absent counts as plain."""


def closed_form(config: Mapping[str, Any]) -> dict[str, float]:
    """Profit of the focal bidder a request, in currency, by arm; empty where there is no formula for this market.

    Args:
        config: a study's resolved configuration.
    """
    try:
        return _closed_form(config)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return {}


def _closed_form(config: Mapping[str, Any]) -> dict[str, float]:
    if not str(config["scenario"]["name"]).startswith("theory") or not _plain(config):
        return {}
    matched = float(config["source"]["profile"]["match_rate"])
    if config["rivals"]["landscape"] == "uniform" and config["bidders"]["count"] == 1:
        high = float(config["rivals"]["high"])
        return _earned(config, matched, lambda worth: sum(p * v * v for v, p in worth) / (2 * high))
    if config["rivals"]["landscape"] is None and config["bidders"]["values"] == "private" and matched == 1:
        return _among_rivals(config)
    return {}


def _plain(config: Mapping[str, Any]) -> bool:
    """Whether nothing else is switched on: a second-price auction without floors, budgets, terms or late answers."""
    auction, response, sources = config["auction"], config["response"], config["source"]
    plain_sources = set(sources) == {"profile", "context"} and all(
        float(source.get(key, plain)) == plain
        for source in sources.values()
        for key, plain in PLAIN_SOURCE.items()
    )
    return (
        plain_sources
        and sources["context"]["match_rate"] == 1
        and response["family"] == "additive"
        and config["study"].get("valuation", "bayes") == "bayes"
        and auction["type"] == "second_price"
        and not auction["floor_cpm"]
        and not auction.get("fee")
        and auction["tmax_ms"] is None
        and config["bidders"]["budget"] is None
        and config["bidders"]["strategy"]["name"] in {"truthful", "shading"}
        and not any(config["bidders"].get("terms", {}).values())
    )


def _worth(config: Mapping[str, Any]) -> dict[str, Worth]:
    """What each arm thinks an impression is worth, with the chance of it: theta = a + b x + c z + d x z, x and z signs."""
    about = config["response"]
    a, b, c = (float(about[key]) for key in "abc")
    d, q = float(about["interaction"]), float(about["redundancy"])
    law = {(x, z): (1 + q * x * z) / 4 for x, z in itertools.product((-1, 1), repeat=2)}
    mean = a + d * q
    return {
        "none": [(mean, 1.0)],
        "profile": [(mean + (b + c * q) * x, 0.5) for x in (-1, 1)],
        "context": [(mean + (c + b * q) * z, 0.5) for z in (-1, 1)],
        "joint": [(a + b * x + c * z + d * x * z, p) for (x, z), p in law.items()],
    }


def _earned(config: Mapping[str, Any], matched: float, utility: Any) -> dict[str, float]:
    """Utility of each arm; a match that says nothing of the person mixes the arms with and without the profile."""
    whole = {arm: utility(worth) for arm, worth in _worth(config).items()}
    without = {"profile": "none", "joint": "context"}
    return {
        arm: matched * value + (1 - matched) * whole[without[arm]] if arm in without else value
        for arm, value in whole.items()
    }


def _among_rivals(config: Mapping[str, Any]) -> dict[str, float]:
    n, who = int(config["bidders"]["count"]), config["study"]["who"]
    worth = _worth(config)
    if who in {"universal", n}:
        return {arm: _share(_levels(values), n) for arm, values in worth.items()}
    if who in {"unilateral", 1} and n > 1:
        plain = worth["none"][0][0]
        return {arm: sum(p * max(0.0, v - plain) for v, p in values) for arm, values in worth.items()}
    return {}


def _levels(worth: Worth) -> list[tuple[float, float]]:
    """Each value from low to high, with the chance of a lower one."""
    below, levels = 0.0, []
    for value in sorted({value for value, _ in worth}):
        levels.append((value, below))
        below += sum(p for v, p in worth if v == value)
    return levels


def _share(levels: list[tuple[float, float]], n: int) -> float:
    """What one of n bidders with such independent values earns: an n-th of welfare less revenue."""
    total = 0.0
    for (low, _), (high, below) in itertools.pairwise(levels):
        total += (high - low) * (n * below ** (n - 1) - n * below**n)
    return total / n
