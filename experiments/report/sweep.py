"""What a sweep says: one row a point, with the swept values and the study's headline figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..config.points import Point, Points, digest
from ..estimate.ladder import lookup
from ..storage.names import POINTS, SWEEPS
from ..storage.study_folder import Folder

Headline = Mapping[str, tuple[str, str]]
Swept = tuple[tuple[str, str], ...]
"""The swept keys with their values. Points that differ in ``study.replications`` alone share a folder."""


class Sweep:
    """Collects what each point says, in any order; holds one row of each, and no table.

    Args:
        points: all of them, in the order in which they are shown.
        headline: head -> (estimand, metric), see ``Study.headline``; the first of them leads.
    """

    def __init__(self, points: Points, headline: Headline) -> None:
        self._headline = headline
        self._rows: dict[tuple[str, Swept], dict[str, Any]] = {}
        self._order = [
            (str(folder), tuple(swept.items()))
            for swept, folder in zip(points.swept(), points.folders, strict=True)
        ]
        first = points.folders[0]
        name = digest(sorted({folder.name for folder in points.folders}))
        self.folder = first.parents[1] / SWEEPS / f"{first.parent.name}-{name}"

    def add(self, point: Point, summary: pd.DataFrame | None, *, failed: bool) -> None:
        """Take note of a point's ``summary.csv``, and of whether some of its cells have failed."""
        row: dict[str, Any] = {
            "scenario": point.settings.scenario.name,
            "status": "failed" if failed or summary is None else "done",
            "unit": None,
        }
        if summary is not None:
            row |= _figures(summary, self._headline)
        self._rows[str(point.folder), tuple(point.swept.items())] = row

    def table(self) -> pd.DataFrame:
        """The swept values, the study's folder, scenario and status, and each headline figure with its interval."""
        rows = [
            {key: value_of(text) for key, text in swept}
            | self._rows.get((folder, swept), {"status": "unfinished"})
            | {"folder": folder}
            for folder, swept in self._order
        ]
        return pd.DataFrame(rows)

    def write(self) -> pd.DataFrame:
        """Write the table to the sweep's folder, and return it."""
        table = self.table()
        self.folder.mkdir(parents=True, exist_ok=True)
        folder = Folder(self.folder)
        folder.write_table(f"{POINTS}.csv", table)
        folder.write_table(f"{POINTS}.parquet", table)
        return table


def column(estimand: str, metric: str, headline: Headline) -> str:
    """What a headline figure's column is called: the estimand, and the metric where it is not the leading one."""
    leading = next(iter(headline.values()))[1]
    return estimand if metric == leading else f"{estimand}_{metric}"


def _figures(summary: pd.DataFrame, headline: Headline) -> dict[str, Any]:
    rows, found = headline_rows(summary), dict[str, Any]()
    for number, (estimand, metric) in enumerate(headline.values()):
        name, estimate = column(estimand, metric, headline), lookup(rows, estimand, metric)
        if estimate is not None:
            ends = {f"{name}_low": estimate.ci_low, f"{name}_high": estimate.ci_high}
            found |= {name: estimate.estimate} | ends
        if number == 0 and estimate is not None:
            own = rows[(rows["estimand"] == estimand) & (rows["metric"] == metric)]
            found |= {"unit": str(own["unit"].iloc[0]), "n_replications": estimate.n}
    return found


def headline_rows(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that stand for a study: all of them; of a log those with all tags and no budget limit."""
    if "budget_share" not in summary:
        return summary
    return summary[(summary["tags"] == "all") & (summary["budget_share"] == float("inf"))]


def value_of(text: str) -> float | str:
    """Return a swept value as a number, where it is one."""
    try:
        return float(text)
    except ValueError:
        return text
