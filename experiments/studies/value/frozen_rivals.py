"""Rivals who keep the bid curves of before beside those who re-optimise when information changes, in one study."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ...cells.cell_lists import Cells
from ...config.changes import varied
from ...config.settings import Settings
from ...config.value_settings import ValueSettings
from ...estimate.frozen_rivals import effect_rows, frozen_rows
from ...estimate.ladder import ladder_summary
from ...estimate.metrics import at_point
from ...report.wording.value import frozen_sentence
from ..base import MarketPart, Row
from ..cell_plans import CellPlan
from .ladders import replications


class FrozenRivals(MarketPart[ValueSettings]):
    """The arms that are compared once more, rivals frozen, where curves are fitted and all sides re-optimise."""

    def __init__(self, plan: CellPlan) -> None:
        super().__init__(plan)
        there = varied(plan.settings, {"study.rivals": "frozen"}, place="study.rivals")
        self._frozen = CellPlan(there, plan.state, "study.rivals=frozen")

    @staticmethod
    def is_wanted(settings: Settings[ValueSettings]) -> bool:
        """Return whether bid curves are fitted, of rivals too."""
        study = settings.study
        return study.tune is not None and study.tune.values is None and study.rivals == "adapted"

    def plans(self) -> Iterator[tuple[CellPlan, tuple[str, ...]]]:
        """Yield the plan with frozen rivals."""
        yield self._frozen, self._frozen.compared

    def cells(self) -> Cells:
        """Return the compared arms in the ladder's replications."""
        return self._frozen.cells(self._frozen.compared, range(replications(self.plan)))

    def rows(self, cells: pd.DataFrame) -> list[Row]:
        """Return what joining is worth with frozen rivals, and what re-optimising changes."""
        adapted, frozen = (at_point(cells, plan.study_point) for plan in (self.plan, self._frozen))
        if frozen.empty:
            return []
        scale, money = self.unit
        sides = self.plan.sides()
        ladder = ladder_summary(frozen, sides, unit_scale=scale, unit=money)
        effect = effect_rows(adapted, frozen, sides, unit_scale=scale, unit=money)
        return [row for rows in (frozen_rows(ladder), effect) for row in rows.to_dict("records")]

    def sentences(self, summary: pd.DataFrame) -> Iterator[str]:
        """Yield what joining would be worth if rivals kept their curves, and what it would do to the seller."""
        yield from frozen_sentence(summary, self.unit.name)
