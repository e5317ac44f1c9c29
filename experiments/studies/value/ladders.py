"""The ladder of arms, with exact or learned values or both: what the study `value` is for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import pandas as pd

from ...cells.cell_lists import Cells, joined
from ...cells.replications import WIDTH_PILOT
from ...config.value_settings import ValueSettings
from ...estimate.intervals import combined, required_replications
from ...estimate.ladder import PROFIT, adjusted, arms_by_replication, ladder_summary, lookup
from ...estimate.metrics import at_point
from ...estimate.sides import Sides
from ...report import value_tables
from ...report.plots.figure import Figure
from ...report.plots.ladder import draw_ladder, ladder_points
from ...report.wording.learning import learning_sentences
from ...report.wording.media import media_line
from ...report.wording.value import holders, others, verdict
from ...storage.cell_results import table
from ..base import MarketPart, Row
from ..cell_plans import CellPlan
from ..tuning.tuned_policies import Retuned
from . import learning, notes


class Ladders(MarketPart[ValueSettings]):
    """Every arm in every replication; where both valuations are asked for, once more with learned values."""

    def __init__(self, ladders: Sequence[tuple[CellPlan, tuple[str, ...]]], retuned: Retuned) -> None:
        super().__init__(ladders[0][0])
        self._ladders, self._retuned = ladders, retuned
        self._learned = ladders[1][0] if len(ladders) > 1 else None

    def pilots(self) -> Cells:
        """Return the cells that fix the number of replications for a wanted half-width."""
        return joined([*(plan.pilot() for plan, _ in self._ladders), width_pilot(self.plan)])

    def cells(self) -> Cells:
        """Return every arm in all replications, after the pilots."""
        count = range(replications(self.plan))
        plans = self._ladders
        return joined(part for plan, arms in plans for part in (plan.pilot(), plan.cells(arms, count)))

    def rows(self, cells: pd.DataFrame) -> list[Row]:
        """Return the ladder and what separates its rungs; then the learned ladder, and what learning costs."""
        settings, (scale, money) = self.settings, self.unit
        exact = at_point(cells, self.plan.study_point)
        rivals = settings.scenario.bidders.count > 1
        summary = ladder_summary(exact, self._sides, unit_scale=scale, unit=money, per_bidder=rivals)
        if self._learned and len(learned := at_point(cells, self._learned.study_point)):
            sides = self._sides, self._learned.sides()
            further = learning.rows(settings, exact, learned, sides)
            summary = adjusted(pd.concat([summary, further], ignore_index=True))
        return summary.to_dict("records")

    def sentences(self, summary: pd.DataFrame) -> Iterator[str]:
        """Yield what joining is worth, what media money buys with it, who gains, and what learning costs."""
        who, count = self.settings.study.who, self.settings.scenario.bidders.count
        yield verdict(summary, self._sides, holders=holders(who, count))
        money = self.settings.money.requests_per_month
        label, currency = self._sides.label(self._sides.silo), self.settings.scenario.currency
        yield from media_line(summary, label, currency, money)
        yield from filter(None, [others(summary)])
        yield from learning_sentences(summary, self.settings.study, self._sides, self.unit.name)

    def notes(self, summary: pd.DataFrame) -> Iterator[str]:
        """Yield what spoils the verdict, and what a study of this size can show."""
        study = self.settings.study
        yield from notes.of_settings(self.settings)
        yield from notes.budget(summary, self.settings)
        yield from notes.tuned(self.settings, self._retuned)
        yield from notes.near_tie(self.state.of(self.plan.pilot()), self._sides)
        yield from notes.reading(self.settings, self.plan.sources_read)
        if value := lookup(summary, "value_of_joint_data"):
            yield from notes.width(value, study.half_width, study.max_replications)
            yield from notes.power(value, self.unit.name)

    def shown(self, summary: pd.DataFrame) -> Iterator[Any]:
        """Yield the tables of arms, of differences, of sources, and of what learning costs."""
        yield value_tables.ladder_table(summary, self._sides)
        yield value_tables.estimand_table(summary, self._sides)
        if self.settings.study.lattice and (summary["estimand"] == "shapley").any():
            yield value_tables.source_table(summary, self.plan.sources)
        if len(costs := learning.table(summary)):
            yield value_tables.learning_table(costs)

    def tables(self, summary: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
        """Return what learning costs each arm, where both valuations are asked for."""
        costs = learning.table(summary)
        return {"learning": costs} if len(costs) else {}

    def figures(self, summary: pd.DataFrame) -> Iterator[Figure]:
        """Yield the ladder."""
        yield Figure("ladder", ladder_points(summary), partial(draw_ladder, sides=self._sides))

    def about(self) -> dict[str, Any]:
        """Return the number of replications, the silo, what was chosen on pilots, and whose data each silo is."""
        sides = self._sides
        about = {"silo": sides.silo, **sides.chosen, "owners": sides.owners}
        return {"replications": replications(self.plan), **about}

    @cached_property
    def _sides(self) -> Sides:
        return self.plan.sides()


def width_pilot(plan: CellPlan) -> Cells:
    """Return joint, and what it may be compared with, on the replications that fix the number of replications."""
    return plan.cells(("joint", *plan.siloed), WIDTH_PILOT)


def replications(plan: CellPlan) -> int:
    """Return how many replications a ladder has: as configured, or as a pilot shows for the wanted half-width."""
    study = plan.study
    if study.half_width is None:
        return int(study.replications)
    sides = plan.sides()
    found = plan.state.of(width_pilot(plan))
    if not found:
        return len(WIDTH_PILOT)
    scale = plan.settings.unit.scale
    profit = arms_by_replication(table(found), sides, unit_scale=scale)[PROFIT]
    pairs = combined(profit, sides.weights) if set(sides.weights) <= set(profit) else ()
    needed = required_replications(pairs, study.half_width) if len(pairs) > 1 else len(WIDTH_PILOT)
    return min(needed, int(study.max_replications))
