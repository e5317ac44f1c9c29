"""The study ``sensitivity`` in a table and in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
from rich.table import Table

from ...config.study_settings import Range
from ...estimate.intervals import Estimate
from ...estimate.ladder import lookup
from ..numbers import interval, number
from ..tables import between, middle, signed, text_table


def effect_table(summary: pd.DataFrame, ranges: Sequence[Range], unit: str) -> Table:
    """A row a key, the one that moves most first: its range, the mean effect of going through it, its share of the variance."""
    rows = []
    for one in sorted(ranges, key=lambda one: -_size(summary, one.key)):
        mean = lookup(summary, "morris_mean", "effect", one.key)
        total = lookup(summary, "sobol_total", "variance_share", one.key)
        rows.append((one.key, f"{one.low:g} to {one.high:g}", mean, _size(summary, one.key), total))
    return text_table(
        f"What moves the value of joint data over each range, {unit}", rows, ("key", str), ("range", str),
        ("effect", signed, between), ("size", number), ("of variance", middle, between),
    )  # fmt: skip


def sentences(summary: pd.DataFrame, unit: str) -> Iterator[str]:
    """What moves most, what its intervals allow to say, and what they cover."""
    sizes = summary[summary["estimand"] == "morris_size"].sort_values(
        "estimate", ascending=False, kind="stable"
    )
    key = str(sizes["arm"].iloc[0])
    size = _size_of(summary, key)
    assert size is not None  # noqa: S101 - it was just found
    rivals = [
        k for k in sizes["arm"][1:] if (other := _size_of(summary, k)) and not other.ci_high < size.ci_low
    ]
    lead = f"; no lead is shown over {', '.join(rivals)}" if rivals else ""
    yield (
        f"The largest effect on the value of joint data is that of {key} over its range: {number(size.estimate)} {unit} on "
        f"average, whichever way (95 % interval {interval(size)}, {size.n} trajectories){lead}."
    )
    up = [k for k in sizes["arm"] if _finding(summary, k) == "positive"]
    down = [k for k in sizes["arm"] if _finding(summary, k) == "negative"]
    open_ = [k for k in sizes["arm"] if k not in {*up, *down}]
    for keys, words in ((up, "raise it"), (down, "lower it"), (open_, "show no direction")):
        if keys:
            yield f"These {words}: {', '.join(keys)}."
    yield "Intervals: which points of the ranges were tried (t over trajectories, SALib's bootstrap), all on the same requests."


def _finding(summary: pd.DataFrame, key: str) -> str:
    mean = lookup(summary, "morris_mean", "effect", key)
    return mean.finding if mean else "no interval"


def _size_of(summary: pd.DataFrame, key: str) -> Estimate | None:
    return lookup(summary, "morris_size", "effect", key)


def _size(summary: pd.DataFrame, key: str) -> float:
    found = _size_of(summary, key)
    return found.estimate if found else 0.0
