"""Worlds drawn from the stated ranges: in what share of them joining pays, and what decides it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from ...cells.cell import Cell
from ...config.changes import varied
from ...config.patch import has
from ...config.settings import Settings
from ...config.study_settings import Range
from ...config.value_settings import SmallWorlds, ValueSettings
from ...errors import BadInput
from ...estimate.intervals import Estimate, mean_interval
from ...estimate.ladder import PROFIT, summary_row
from ...estimate.money import per_request
from ...estimate.plausible_range import range_rows
from ...report.numbers import counted
from ...report.wording.plausible_range import plausible_range
from ...report.wording.sampled_markets import WHICH, goes_with, percent, share_of
from ..base import MarketPart, Row
from ..business.money import has_costs, terms
from ..business.overtaking import Overtaking
from ..business.own_data import OwnData
from ..business.upgrade import Upgrade
from ..cell_plans import CellPlan
from ..sampled_markets import JointValue, SampledMarkets, World, key_rows, result_columns, sampled, share_rows
from .learning import ladders


@dataclass(frozen=True)
class WorldResult:
    """One result of every world.

    Attributes:
        names: how the summary calls a positive, a negative and no finding.
        sentence: what is said of the shares, with {pays} and {costs}.
        what: how that sentence's subject is called where the keys are named.
    """

    names: tuple[str, str, str]
    sentence: str
    what: str


RESULTS = {
    "value": WorldResult(
        ("joining pays", "joining costs", "no difference shown"),
        f"Of {{worlds}} drawn from the stated ranges joining is shown to pay in {{pays}}, and to cost in {{costs}}; {WHICH}.",
        "its value",
    ),
    "learned": WorldResult(
        ("learned joining pays", "learned joining costs", "no difference shown by learned joining"),
        "Where values are learned, joining is shown to pay in {pays} of these worlds, and to cost in {costs}.",
        "its value where it is learned",
    ),
    "sight": WorldResult(
        ("seeing all pays", "seeing all costs", "no difference shown by seeing all"),
        "Of {worlds} drawn from the stated ranges bidding by all that follows an impression is shown to earn more than bidding by "
        f"clicks alone, on the same data, in {{pays}}, and less in {{costs}}; {WHICH}.",
        "that difference",
    ),
    "net": WorldResult(
        ("pays after costs", "does not pay after costs", "no difference shown after costs"),
        "After costs it is shown to pay in {pays} of these worlds, and not to pay in {costs}.",
        "its net value",
    ),
    "lead": WorldResult(
        ("the slow plan ends ahead", "the slow plan ends behind", "no lead shown"),
        "The slow plan is shown to end ahead of the fast one in {pays} of these worlds, and behind it in {costs}.",
        "its lead",
    ),
    "upgrade": WorldResult(
        ("better data pay", "better data cost", "no difference shown by better data"),
        "Better data (study.upgrade) are shown to pay in {pays} of these worlds, and to cost in {costs}.",
        "their value",
    ),
}
"""Column of ``worlds.csv`` -> what is made of it."""


def said_of(column: str, what: str) -> str:
    """Return the column that has the finding of a result, or the estimand of what it is decided by; the value's has no prefix."""
    return what if column == "value" else f"{column}_{what}"


def ranges_here(settings: Settings[ValueSettings]) -> tuple[Range, ...]:
    """Return the ranges of what this market has: not of sources that were left out, nor of prices where there is no landscape."""
    market, priced = settings.scenario.model_dump(), settings.scenario.rivals.landscape is not None
    return tuple(
        one
        for one in settings.study.ranges
        if has(market, one.key) and (priced or not one.key.startswith("rivals."))
    )


def small_worlds(settings: Settings[ValueSettings]) -> SmallWorlds | None:
    """Return the size of the range over plausible settings; None where it is not asked for, or ``study.worlds`` gives more."""
    study = settings.study
    return None if study.worlds or (study.ranges and not ranges_here(settings)) else study.range


def possible(
    settings: Settings[ValueSettings], ranges: Sequence[Range], error: BadInput
) -> tuple[tuple[Range, ...], tuple[tuple[str, str], ...]]:
    """Return the ranges both ends of which make a market here, and of each other one its key with the first problem.

    None is left where each by itself makes a market and together they do not, as ``error`` says.
    """
    kept, left_out = [], []
    for one in ranges:
        try:
            for end in (0.0, 1.0):
                varied(settings, {one.key: one.at(end)}, place="study.ranges")
        except BadInput as problem:
            left_out.append((one.key, problem.problems[0]))
        else:
            kept.append(one)
    if left_out:
        return tuple(kept), tuple(left_out)
    return (), tuple((one.key, error.problems[0]) for one in ranges)


class DrawnMarket:
    """One drawn market: the value of joint data there, and what the firm plans."""

    def __init__(self, plan: CellPlan, small: SmallWorlds | None) -> None:
        self.plan, settings = plan, plan.settings
        size = settings.study.point if small is None else small
        self.joint = JointValue(plan, size.replications)
        self.learned = self.own_data = self.overtaking = self.better = None
        if small is not None:
            return
        for twin, _ in ladders(plan)[1:]:
            self.learned = JointValue(twin, size.replications)
        self.own_data = OwnData(plan, parts=(0.0, 0.5, 1.0)) if OwnData.is_wanted(settings) else None
        self.overtaking = Overtaking(plan) if Overtaking.is_wanted(settings) else None
        self.better = Upgrade(plan) if Upgrade.is_wanted(settings) else None

    def cells(self) -> list[Cell]:
        """Return what all of that needs."""
        parts = [
            one for one in (self.learned, self.own_data, self.overtaking, self.better) if one is not None
        ]
        return [*self.joint.cells(), *(cell for part in parts for cell in part.cells())]

    def net(self) -> Estimate | None:
        """Return the present value after costs; None where no volume is stated, or cells failed."""
        known, found = terms(self.plan.settings), self.joint.found()
        if known is None or found is None:
            return None
        if self.own_data is not None:
            switching = self.own_data.switching()
            return switching[1].net_value(switching[0].best_month()) if switching else None
        value, data_cost, _ = per_request(*found)
        return mean_interval(known.annuity * known.a_month(value, data_cost) - known.once)


class Worlds(MarketPart[ValueSettings], SampledMarkets[ValueSettings, DrawnMarket]):
    """The value of joint data in each drawn world, net of costs, and of two plans and of better data where these are asked for."""

    @cached_property
    def _small(self) -> SmallWorlds | None:
        return small_worlds(self.settings)

    @cached_property
    def worlds(self) -> list[World[DrawnMarket]]:
        """Every drawn world."""
        return self._drawn[0]

    @cached_property
    def _drawn(self) -> tuple[list[World[DrawnMarket]], tuple[Range, ...], tuple[tuple[str, str], ...]]:
        """The worlds, the ranges that they are drawn from, and each key that makes no market here with its problem."""
        if self._small is None:
            return self.worlds_with(sampled(self.settings)), (), ()
        ranges = ranges_here(self.settings)
        try:
            return self._small_worlds(ranges), ranges, ()
        except BadInput as error:
            if not self._small.auto:
                raise
            kept, left_out = possible(self.settings, ranges, error)
            return self._small_worlds(kept), kept, left_out

    def _small_worlds(self, ranges: tuple[Range, ...]) -> list[World[DrawnMarket]]:
        small = self._small
        if small is None or (small.auto and not ranges):
            return []
        return self.worlds_with(sampled(self.settings, small.worlds, "study.range", ranges))

    @staticmethod
    def is_wanted(settings: Settings[ValueSettings]) -> bool:
        """Return whether worlds are drawn."""
        return bool(settings.study.worlds) or small_worlds(settings) is not None

    @property
    def requests(self) -> int:
        """The bid requests of a world."""
        return self._small.requests if self._small else super().requests

    def plans(self) -> Iterator[tuple[CellPlan, tuple[str, ...]]]:
        """Yield the plan of each world."""
        for world in self.worlds:
            joints = filter(None, (world.market.joint, world.market.learned))
            yield from ((joint.plan, joint.arms) for joint in joints)

    def market(self, settings: Settings[ValueSettings], point: str) -> DrawnMarket:
        """Return the market of one world."""
        return DrawnMarket(CellPlan(settings, self.state, point), self._small)

    def cells(self) -> list[Cell]:
        """Return the cells of all worlds."""
        return [cell for world in self.worlds for cell in world.market.cells()]

    def row(self, market: DrawnMarket) -> Row | None:
        """Return the value of joint data with its interval and what that shows; then the further results there are."""
        value = market.joint.value()
        if value is None:
            return None
        found: Row = {"value": value.estimate, "ci_low": value.ci_low, "ci_high": value.ci_high}
        found["percent"] = market.joint.percent()
        found["finding"] = value.finding
        if learned := market.learned.value() if market.learned else None:
            found |= result_columns("learned", learned)
        if sight := market.joint.sight():  # of the same data: there is nothing to join
            found = result_columns("sight", sight)
        if net := market.net():
            found |= result_columns("net", net)
        if lead := market.overtaking.lead() if market.overtaking else None:
            found |= {**result_columns("lead", lead.at_the_end()), "overtaking_month": lead.month().estimate}
        gained = market.better.differences() if market.better else None
        return found if gained is None else found | result_columns("upgrade", mean_interval(gained))

    def rows(self, cells: pd.DataFrame) -> Iterator[Row]:  # noqa: ARG002
        """Yield the range of the value, the shares of worlds by what was shown, and each key's rank correlation with each result.

        Small worlds have the range, and the keys that it goes with, alone: what is shown in one of them says little.
        """
        if self.table.empty:
            return
        is_joined = "value" in self.table  # else both sides hold the same data
        if is_joined:
            yield from range_rows(self.table, self.unit.name)
        if self._small:
            ranges = self._drawn[1] if is_joined else ()
            yield from key_rows(self.table, "value", "decided_by", ranges)
            return
        for column, outcome in RESULTS.items():
            if (finding := said_of(column, "finding")) not in self.table:
                continue
            findings = dict(zip(("positive", "negative", "no difference shown"), outcome.names, strict=True))
            yield from share_rows(self.table, finding, findings)
            if column == "value":
                mean = mean_interval(self.table[column])
                yield summary_row("value_over_worlds", "mean", PROFIT, self.unit.name, mean)
            yield from key_rows(self.table, column, said_of(column, "decided_by"), self.settings.study.ranges)

    def notes(self, summary: pd.DataFrame) -> Iterator[str]:  # noqa: ARG002
        """Yield which ranges were left out, as they make no market here."""
        _, ranges, left_out = self._drawn
        if left_out:
            keys = ", ".join(dict.fromkeys(key for key, _ in left_out))
            what = (
                "The range over plausible settings leaves out"
                if ranges
                else "No range over plausible settings: it would be of"
            )
            yield f"{what} {keys} (study.range.auto=true): {left_out[0][1]}."

    def sentences(self, summary: pd.DataFrame) -> Iterator[str]:
        """Yield the range of the value; in what share of worlds each result is shown, and which keys go with it."""
        yield from plausible_range(summary, len(self.table), self.unit.name)
        for column, outcome in RESULTS.items():
            if column == "net" and not has_costs(self.settings):
                continue  # what it brings after costs is what it brings
            pays, costs = (share_of(summary, name) for name in outcome.names[:2])
            if pays and costs:
                worlds = counted(len(self.worlds), "world")
                yield outcome.sentence.format(worlds=worlds, pays=percent(pays), costs=percent(costs))
                yield from goes_with(summary, said_of(column, "decided_by"), outcome.what)
