"""Closed forms of the base example: the report's sanity check of the engine that wrote the numbers.

One bidder under uniform prices on [0, M] in a second-price auction earns E[vhat^2] / (2M) a request, vhat being what its
data says an impression is worth; n bidders with private match values earn what order statistics of vhat say (theory of
discrete signals; Hummel and McAfee, 2016). The market decides whether a formula applies, not its name: every key that the
formulas do not read must have the value that the base example has.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Mapping
from typing import Any

from jointbid.sim.scenario import Scenario

from ..folders.settings_diff import flat

Worth = list[tuple[float, float]]
"""Values with their probabilities."""

BASE: dict[str, Any] = {
    "supply": {"kind": "synthetic", "context_types": 2},
    "audience": {"profile_types": 2},
    "response": {"family": "additive", "a": 1},
    "source": {"profile": {"owner": "cio"}, "context": {"owner": "cmo"}},
}
"""The base example without the keys that the formulas read."""

READ = re.compile(
    r"name|question|currency|supply\.(requests|horizon_h|hourly)|response\.(a|b|c|interaction|redundancy)|source\.profile\.match_rate|source\.\w+\.owner"
    r"|rivals\.(landscape|high)|bidders\.(count|values|strategy\..+|control_interval_\w+|report_delay_h)|engine\.\w+"
)
"""Keys that the formulas read, and those that change nothing in such a market."""


def closed_form(config: Mapping[str, Any]) -> dict[str, float]:
    """Profit of the focal bidder a request, in currency, by arm; empty where there is no formula for this market."""
    try:
        return _closed_form(config)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return {}


def _closed_form(config: Mapping[str, Any]) -> dict[str, float]:
    if not _is_plain(config):
        return {}
    matched = float(config["source"]["profile"]["match_rate"])
    if config["rivals"]["landscape"] == "uniform" and config["bidders"]["count"] == 1:
        high = float(config["rivals"]["high"])
        return _earned(config, matched, lambda worth: sum(p * v * v for v, p in worth) / (2 * high))
    if config["rivals"]["landscape"] is None and config["bidders"]["values"] == "private" and matched == 1:
        return _among_rivals(config)
    return {}


def _is_plain(config: Mapping[str, Any]) -> bool:
    """Whether nothing beyond the base example is switched on, such as floors, budgets, terms or late answers."""
    own = {key: value for key, value in config.items() if key in Scenario.model_fields}
    return (
        _others(own) == _others(_base())
        and not config.get("collaboration")
        and not config.get("first_party")
        and config["study"].get("valuation", "bayes") == "bayes"
        and config["bidders"]["strategy"]["name"] in {"truthful", "shading"}
    )


@functools.cache
def _base() -> dict[str, Any]:
    return Scenario.model_validate(BASE).model_dump(mode="json")


def _others(market: Mapping[str, Any]) -> dict[str, str]:
    """The keys that the formulas do not read, dotted, with their values."""
    return {key: value for key, value in flat(market).items() if not READ.fullmatch(key)}


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
