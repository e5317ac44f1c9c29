"""Values of features that go too closely with clicks: counted while a log streams by, judged at its end.

A leak is something recorded after, or because of, the click. Numbers alone cannot tell it from a very
good feature (retargeting looks the same), so such values are only *suspect*: results are shown with them and without.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..log_table import Roles

LEAST_CLICKS = 20
"""Least clicks on a value that can be suspect."""
LEAST_SHARE, TELLING = 0.05, 3.0
"""Suspect: a value on at least that share of a campaign's clicks, and (share of the clicks) x (how many times as often on
clicks as on the rest) at least this. In the iPinYou log the three known tags reach 3.3 to 650 and everything else less than
1.5."""
AVOIDED, SELDOM = 20.0, 0.01
"""Suspect, too: a value that would stand on at least `AVOIDED` clicks if these were like the other rows, and stands on at most the
share `SELDOM` of that number. In the iPinYou log no value would stand on more than 15 clicks and stands on none."""
MOST_VALUES = 200_000
"""Most values of a feature counted at a time; beyond that values seen once, without a click, are dropped."""
PRESENT = "(anything)"
"""Stands for a column that is filled in."""
ALL_CAMPAIGNS = "(all)"
"""Names the campaigns together, where no single one has clicks enough."""


@dataclass(frozen=True)
class Suspect:
    """A value that is suspect in one campaign (or in all together): `share` of its clicks have it, `other` of its other rows."""

    campaign: str
    column: str
    value: str
    share: float
    other: float

    @property
    def times(self) -> float:
        """How many times as often it stands on clicks."""
        return self.share / self.other if self.other else float("inf")

    def __str__(self) -> str:
        what = f"{self.column} = {self.value!r}" if self.value else f"{self.column} missing"
        what = f"{self.column} filled in" if self.value == PRESENT else what
        where = f"campaign {self.campaign}" if self.campaign != ALL_CAMPAIGNS else "all campaigns"
        return f"{where}: {what} on {self.share:.1%} of the clicks and {self.other:.3%} of the other rows"


@dataclass
class LeakCounts:
    """Rows and clicks of each value of each feature, by campaign."""

    roles: Roles
    _values: dict[str, pd.DataFrame] = field(default_factory=dict)
    _totals: pd.DataFrame | None = None

    def add(self, table: pa.Table) -> None:
        """Count a chunk; rows whose outcome was not seen are left out."""
        if "known" in table.column_names:
            table = table.filter(table["known"])
        click = np.asarray(table["click"])
        campaign = table["campaign"].combine_chunks()
        names = np.array(campaign.dictionary.to_pylist() or [""], dtype=object)
        whose = np.asarray(campaign.indices)
        ones = np.zeros(len(click), dtype=np.int64)
        self._totals = _sum(self._totals, _count(whose, ones, click, names, np.array([""], dtype=object)))
        for name in self.roles.features:
            column = table[name].combine_chunks()
            row, code, values = _cells(column, is_list=name in self.roles.lists)
            part = _count(whose[row], code, click[row], names, values)
            self._values[name] = _forget(_sum(self._values.get(name), part))

    def add_counts(self, other: LeakCounts) -> None:
        """Add those of other rows."""
        self._totals = _sum(self._totals, other._totals)
        for name, counts in other._values.items():
            self._values[name] = _forget(_sum(self._values.get(name), counts))

    def suspects(self) -> list[Suspect]:
        """Return the suspect values, the strongest first."""
        if self._totals is None:
            return []
        totals = self._totals.groupby(level="campaign").sum()
        found = [suspect for name in self.roles.features for suspect in self._of(name, totals)]
        return sorted(found, key=lambda suspect: (-suspect.share * np.log(suspect.times + 1), suspect.column))

    def _of(self, name: str, totals: pd.DataFrame) -> Iterator[Suspect]:
        counts = self._values[name]
        empty = counts[counts.index.get_level_values("value") == ""].groupby(level="campaign").sum()
        if len(empty):
            filled = totals - empty.reindex(totals.index, fill_value=0)
            filled.index = pd.MultiIndex.from_product([filled.index, [PRESENT]], names=["campaign", "value"])
            counts = pd.concat([counts, filled])
        share, other, clicks, expected = _shares(counts, totals)
        rest = (totals["rows"] - totals["clicks"]).clip(lower=1)
        least = other + 0.5 / rest.loc[counts.index.get_level_values("campaign")].to_numpy()
        frequent = (clicks >= LEAST_CLICKS) & (share >= LEAST_SHARE) & (share * share / least >= TELLING)
        avoided = (expected >= AVOIDED) & (clicks <= SELDOM * expected)
        pairs = counts.index.to_list()
        for i in np.flatnonzero(frequent | avoided).tolist():
            yield Suspect(str(pairs[i][0]), name, str(pairs[i][1]), float(share[i]), float(other[i]))
        yield from self._of_all(
            name, counts, expected, {pairs[i][1] for i in np.flatnonzero(avoided).tolist()}
        )

    def _of_all(
        self, name: str, counts: pd.DataFrame, expected: NDArray[np.float64], found: set[str]
    ) -> Iterator[Suspect]:
        """Values that clicks avoid in all campaigns together, where no single one has clicks enough to tell."""
        if counts.index.get_level_values("campaign").nunique() < 2:
            return
        whole = counts.assign(expected=expected).groupby(level="value").sum()
        assert self._totals is not None  # noqa: S101 - there are counts
        clicks = int(self._totals["clicks"].sum())
        rest = int(self._totals["rows"].sum()) - clicks
        avoided = (whole["expected"] >= AVOIDED) & (whole["clicks"] <= SELDOM * whole["expected"])
        for value, row in whole[avoided].iterrows():
            if value not in found:
                share, other = row["clicks"] / max(clicks, 1), (row["rows"] - row["clicks"]) / max(rest, 1)
                yield Suspect(ALL_CAMPAIGNS, name, str(value), float(share), float(other))


def _shares(counts: pd.DataFrame, totals: pd.DataFrame) -> tuple[NDArray[np.float64], ...]:
    """Of each value the share of its campaign's clicks and of the other rows, its clicks, and those that shares make expected."""
    of = totals.loc[counts.index.get_level_values("campaign")]
    clicks, all_clicks = counts["clicks"].to_numpy(), of["clicks"].to_numpy()
    rest = np.maximum((of["rows"] - of["clicks"]).to_numpy(), 1)
    other = (counts["rows"].to_numpy() - clicks) / rest
    return clicks / np.maximum(all_clicks, 1), other, clicks, other * all_clicks


def _cells(column: pa.Array, *, is_list: bool) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return the row, the code and the distinct values of each value of a column."""
    row: Any = slice(None)
    if is_list:
        lists = pc.split_pattern(column.cast(pa.string()), ",")
        row = np.repeat(np.arange(len(lists)), np.asarray(pc.list_value_length(lists)))
        column = lists.flatten().dictionary_encode()
    return row, np.asarray(column.indices), np.array(column.dictionary.to_pylist() or [""], dtype=object)


def _count(
    whose: np.ndarray, code: np.ndarray, click: np.ndarray, names: np.ndarray, values: np.ndarray
) -> pd.DataFrame:
    """Rows and clicks by campaign and value."""
    keys, place = np.unique(whose.astype(np.int64) * len(values) + code, return_inverse=True)
    rows, clicks = np.bincount(place, minlength=len(keys)), np.bincount(place, click, minlength=len(keys))
    pairs = [names[keys // len(values)], values[keys % len(values)]]
    index = pd.MultiIndex.from_arrays(pairs, names=["campaign", "value"])
    return pd.DataFrame({"rows": rows, "clicks": clicks.astype(np.int64)}, index=index)


def _sum(so_far: pd.DataFrame | None, part: pd.DataFrame | None) -> pd.DataFrame:
    together = pd.concat([counts for counts in (so_far, part) if counts is not None])
    return together.groupby(level=["campaign", "value"], sort=False).sum()


def _forget(counts: pd.DataFrame) -> pd.DataFrame:
    if len(counts) <= MOST_VALUES:
        return counts
    return counts[(counts["clicks"] > 0) | (counts["rows"] > 1)].nlargest(MOST_VALUES, ["clicks", "rows"])
