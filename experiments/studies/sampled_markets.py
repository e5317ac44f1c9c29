"""Markets somewhere in the stated ranges of their keys: the drawn markets of a study, and the value of joint data in one of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jointbid.sim.streams import Streams

from ..cells.arms import CLICKS
from ..cells.cell_lists import Cells, joined
from ..cells.lattice import JOINT
from ..cells.replications import PILOT
from ..config.changes import Changes, as_overrides, fewer, varied
from ..config.settings import OwnSettings, Settings
from ..config.study_settings import AttributionSettings, Range, TournamentSettings
from ..config.value_settings import ValueSettings
from ..errors import BadInput
from ..estimate.intervals import Estimate, combined, contrast, percent_difference
from ..estimate.ladder import (
    P_HOLM,
    PROFIT,
    SEEING_CLICKS,
    STEPS,
    arms_by_replication,
    over_silo,
    summary_row,
)
from ..estimate.multiple import holm
from ..estimate.sensitivity import correlation_p_value, rank_correlation, share
from ..estimate.sides import Sides
from .base import Row, StudyPart
from .cell_plans import CellPlan

PILOTS_HERE = PILOT[:2]
"""Each of many markets has fewer pilots, on which its silo is chosen."""

Studied = TypeVar("Studied")
DrawnFrom_co = TypeVar(
    "DrawnFrom_co", bound=AttributionSettings | TournamentSettings | ValueSettings, covariant=True
)


def refuse_ranges(ranges: Sequence[Range], wanted: str) -> None:
    """Refuse to draw from nothing, or from two ranges of one key.

    Raises:
        BadInput: there is no range, or a key has two.
    """
    keys = [one.key for one in ranges]
    if not keys:
        raise BadInput(
            f"study.ranges: {wanted} needs ranges of keys, each as {{key: source.profile.match_rate, low: 0.2, high: 0.9, "
            "source: who says so}"
        )
    if twice := [key for key in dict.fromkeys(keys) if keys.count(key) > 1]:
        raise BadInput([f"study.ranges: {key} has two ranges" for key in twice])


def sampled(
    settings: Settings[AttributionSettings | TournamentSettings | ValueSettings],
    count: int | None = None,
    wanted: str = "study.worlds",
    ranges: Sequence[Range] | None = None,
) -> list[dict[str, Any]]:
    """Draw the values of ``count`` markets, for the key ``wanted``; None: of ``study.worlds``, and of all ``study.ranges``. Each key has draws of its own: one more range, or world, leaves the others as they are.

    Raises:
        BadInput: no range to draw from.
    """
    study = settings.study
    count = study.worlds if count is None else count
    if not count:
        return []
    ranges = study.ranges if ranges is None else ranges
    refuse_ranges(ranges, wanted)
    streams = Streams(settings.seed, 0)
    columns = [streams.uniform(f"world/{one.key}", 0, count).tolist() for one in ranges]
    return [values_at(ranges, shares) for shares in zip(*columns, strict=True)]


def values_at(ranges: Iterable[Range], shares: Sequence[float]) -> dict[str, Any]:
    """Return the value of each key, at a share of its range."""
    return {one.key: one.at(share) for one, share in zip(ranges, shares, strict=True)}


def settings_at(settings: Settings[OwnSettings], changes: Changes, requests: int) -> Settings[OwnSettings]:
    """Return the settings with these changes and at most this number of bid requests."""
    return varied(settings, {**fewer(settings, requests), **changes}, place="study.ranges")


@dataclass(frozen=True)
class World(Generic[Studied]):
    """A market with the values that were drawn for it."""

    number: int
    values: dict[str, Any]
    market: Studied


class SampledMarkets(StudyPart[DrawnFrom_co], Generic[DrawnFrom_co, Studied]):
    """``study.worlds`` markets drawn from ``study.ranges``, each studied in small; a study says how in a class of its own.

    Raises:
        BadInput: in ``check``, no range to draw from, or values that make no market.
    """

    place = "last"

    def check(self) -> None:
        """Draw the worlds."""
        _ = self.worlds

    @cached_property
    def worlds(self) -> list[World[Studied]]:
        """Every drawn world."""
        return self.worlds_with(sampled(self.settings))

    def worlds_with(self, drawn: Iterable[dict[str, Any]]) -> list[World[Studied]]:
        """Return a world for each set of values."""
        return [
            World(number, values, self.market(there, f"world {number}: {as_overrides(values)}"))
            for number, values in enumerate(drawn)
            for there in [settings_at(self.settings, values, self.requests)]
        ]

    @property
    def requests(self) -> int:
        """The bid requests of a world."""
        return self.settings.study.point.requests

    def market(self, settings: Settings[DrawnFrom_co], point: str) -> Studied:
        """Return what is studied in one market; ``point`` names it."""
        raise NotImplementedError

    def row(self, market: Studied) -> Row | None:
        """Return what was found in one market, as a row of ``worlds.csv``; None where cells failed."""
        raise NotImplementedError

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row a world: the drawn values and what was found; failed ones are left out."""
        found = [(world, self.row(world.market)) for world in self.worlds]
        return pd.DataFrame([{"world": w.number, **w.values, **row} for w, row in found if row is not None])

    def tables(self, summary: pd.DataFrame) -> Mapping[str, pd.DataFrame]:  # noqa: ARG002
        """Return every drawn world."""
        return {"worlds": self.table}


def share_rows(found: pd.DataFrame, column: str, names: Mapping[str, str]) -> Iterator[Row]:
    """Yield the share of worlds with each finding in a column of their table; ``names``: finding -> its name in the summary."""
    for finding, name in names.items():
        hits = int((found[column] == finding).sum())
        yield summary_row("share_of_worlds", name, "worlds", "", share(hits, len(found)))


def key_rows(found: pd.DataFrame, column: str, estimand: str, ranges: Sequence[Range]) -> Iterator[Row]:
    """Yield the rank correlation of each key with a column of the worlds' table.

    The keys are a family, so that each has Holm's p-value beside its own interval.
    """
    keys, result = [one.key for one in ranges], found[column].to_numpy(dtype=float)
    values = [rank_correlation(found[key].to_numpy(dtype=float), result) for key in keys]
    for key, value, p in zip(keys, values, holm(list(map(correlation_p_value, values))), strict=True):
        yield summary_row(estimand, key, "rank_correlation", "", value) | {P_HOLM: p}


def result_columns(name: str, found: Estimate) -> Row:
    """Return the columns of one result of a world: the estimate, its interval, and what that shows."""
    ends = {name: found.estimate, f"{name}_low": found.ci_low, f"{name}_high": found.ci_high}
    return {**ends, f"{name}_finding": found.finding}


@dataclass(frozen=True)
class JointValue:
    """The value of joint data in one market, estimated from few replications."""

    plan: CellPlan
    replications: int

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that are played."""
        return (*self.plan.siloed, JOINT)

    def cells(self) -> Cells:
        """Return all cells that it needs, pilots included."""
        return joined((self.plan.pilot(PILOTS_HERE), self._compared()))

    def differences(self) -> pd.Series[float] | None:
        """Return the focal advertiser's profit with all data less that of the silo by replication; None where cells failed."""
        found = self._profit()
        return None if found is None else combined(found[0], found[1].weights)

    def value(self) -> Estimate | None:
        """Return the mean of the differences; where the silo was chosen, its choice is part of the interval."""
        found = self._profit()
        return None if found is None else over_silo(found[0], found[1].weights, found[1])

    def sight(self) -> Estimate | None:
        """Return what seeing all that follows an impression is worth over clicks; None where joint is not compared with these."""
        found = self._profit() if self.plan.silo == CLICKS else None
        return None if found is None else contrast(found[0], STEPS[SEEING_CLICKS])

    def found(self) -> tuple[pd.DataFrame, Sides] | None:
        """Return the rows of the cells, and what joint data are compared with; None where cells failed."""
        cells = self.plan.state.complete(self._compared())
        return None if cells is None else (cells, self.plan.sides(PILOTS_HERE))

    def _profit(self) -> tuple[pd.DataFrame, Sides] | None:
        """Profit by replication and arm, and what is compared."""
        found, scale = self.found(), self.plan.settings.unit.scale
        if found is None:
            return None
        cells, sides = found
        return arms_by_replication(cells, sides, unit_scale=scale, wanted=(PROFIT,))[PROFIT], sides

    def percent(self) -> float:
        """Return the value of joint data in % of the silo's profit; nan where that is not positive, or cells failed."""
        found = self._profit()
        if found is None:
            return math.nan
        profit, sides = found
        return percent_difference(profit["joint"], profit[sides.silo]).estimate

    def _compared(self) -> Cells:
        return self.plan.cells(self.arms, range(self.replications))


def mean_values(markets: Sequence[JointValue]) -> NDArray[np.float64]:
    """Return the mean value of joint data in each market.

    Raises:
        ValueError: a cell of one of them failed.
    """
    found = [market.differences() for market in markets]
    if any(values is None for values in found):
        raise ValueError("cells failed, and the design needs every point")
    return np.array([float(values.mean()) for values in found if values is not None])
