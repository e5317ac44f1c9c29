"""The range of the value over plausible settings, as one bar on the page of a study of joint data."""

from __future__ import annotations

from dataclasses import dataclass

from ...estimate.ladder import VALUE, lookup
from ...estimate.plausible_range import QUANTILES, RANGE
from ..folders.study import StudyFolder
from ..numbers import number


@dataclass(frozen=True)
class Strip:
    """Marks between the ends of one scale; places are in percent of its length.

    Attributes:
        marks: label, value, the value as it is read, and place of the 10 %, 50 % and 90 % quantile of the drawn markets, and of the study itself.
        zero: the place of zero.
        unit: of the values.
        worlds: the number of markets.
    """

    marks: tuple[tuple[str, float, str, float], ...]
    zero: float
    unit: str
    worlds: int


def plausible_strip(study: StudyFolder) -> Strip | None:
    """Return the bar; None where no range was drawn."""
    found = {name: lookup(study.summary, RANGE, arm=name) for name in QUANTILES}
    own = lookup(study.summary, VALUE)
    if own is None or any(one is None for one in found.values()):
        return None
    values = {name: one.estimate for name, one in found.items() if one is not None}
    low, high = min(0.0, own.estimate, *values.values()), max(0.0, own.estimate, *values.values())
    if low == high:
        return None

    def place(value: float) -> float:
        return 100 * (value - low) / (high - low)

    labels = {"p10": "10 %", "p50": "median", "p90": "90 %"}
    marks = [(labels[name], value, number(value), place(value)) for name, value in values.items()]
    marks.append(("this study", own.estimate, number(own.estimate), place(own.estimate)))
    rows = study.summary[study.summary["estimand"] == RANGE]
    return Strip(tuple(marks), place(0.0), str(rows["unit"].iloc[0]), int(rows["n_replications"].iloc[0]))
