"""The range of the value of joint data over plausible settings, in words, apart from the simulation error."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ...estimate.ladder import lookup
from ...estimate.plausible_range import PERCENT, QUANTILES, RANGE
from ..numbers import counted, interval, number

NAMED = 2
"""Keys that are named, those of the strongest rank correlations."""


def plausible_range(summary: pd.DataFrame, worlds: int, unit: str) -> Iterator[str]:
    """Yield the quantiles of the value over drawn worlds, and the keys that it goes with most."""
    money, percent = (
        {name: lookup(summary, RANGE, metric, name) for name in QUANTILES}
        for metric in ("focal_profit", PERCENT)
    )
    low, middle, high = (money[name] for name in QUANTILES)
    if low is None or middle is None or high is None:
        return
    said = f"{number(low.estimate)} to {number(high.estimate)} {unit} (median {number(middle.estimate)})"
    if (share := percent["p10"]) and (most := percent["p90"]):
        said += f", {number(share.estimate)} to {number(most.estimate)} % of the silo's profit"
    yield (
        f"Range over plausible settings: {said}, the 10 % to 90 % quantiles of {counted(worlds, 'market')} drawn from "
        "study.ranges. It holds what is not known of the market; the interval holds simulation error only."
    )
    yield from _keys(summary)


def _keys(summary: pd.DataFrame) -> Iterator[str]:
    keys = summary.loc[summary["estimand"] == "decided_by", "arm"]
    found = [(key, lookup(summary, "decided_by", "rank_correlation", key)) for key in keys]
    known = [(key, one) for key, one in found if one is not None and one.has_interval]
    known.sort(key=lambda pair: -abs(pair[1].estimate))
    if len(known) >= NAMED:
        named = " and ".join(f"{key} ({number(one.estimate)}, {interval(one)})" for key, one in known[:NAMED])
        yield f"Of {len(known)} settings it correlates most with {named}; rank correlation, 95 % interval."
