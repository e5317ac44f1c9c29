"""The study `value` where the joint data could be better than they are: what streaming, say, is worth over tonight's copy.

Who holds all data plays once in the market as it is, and once with the keys of ``study.upgrade`` changed, on the same draws.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ...cells.cell import Cell
from ...config.changes import as_overrides, varied
from ...config.settings import Settings
from ...config.value_settings import ValueSettings
from ...estimate.intervals import mean_interval
from ...estimate.ladder import PROFIT, lookup, summary_row
from ...estimate.metrics import metric_table
from ...report.wording.business import upgrade_sentence
from ..base import MarketPart, Row
from ..cell_plans import CellPlan

UPGRADE = "value_of_upgrade"
"""The estimand: the focal advertiser's profit with better joint data less that with those at hand."""


class Upgrade(MarketPart[ValueSettings]):
    """One market twice: as it is, and with better data.

    Raises:
        BadInput: unknown keys, or values that make no market.
    """

    def __init__(self, plan: CellPlan) -> None:
        super().__init__(plan)
        better = varied(plan.settings, plan.study.upgrade, place="study.upgrade")
        self._both = plan, CellPlan(better, plan.state, f"{plan.study_point}, better data".removeprefix(", "))

    @staticmethod
    def is_wanted(settings: Settings[ValueSettings]) -> bool:
        """Return whether an upgrade is named."""
        return bool(settings.study.upgrade)

    def cells(self) -> list[Cell]:
        """Return the arm `joint` in both markets; that of the market as it is is the ladder's."""
        return [cell for plan in self._both for cell in plan.cells(("joint",), self.plan.replications)]

    def differences(self) -> pd.Series[float] | None:
        """Return what better data bring, a value a replication; None where a cell failed."""
        profits = []
        for plan in self._both:
            cells = self.state.complete(plan.cells(("joint",), self.plan.replications))
            if cells is None:
                return None
            found = metric_table(cells, unit_scale=self.unit.scale, wanted=(PROFIT,))
            profits.append(found[PROFIT].droplevel("arm"))
        return profits[1] - profits[0]

    def rows(self, cells: pd.DataFrame) -> Iterator[Row]:  # noqa: ARG002
        """Yield what better data are worth."""
        gained = self.differences()
        if gained is not None:
            yield summary_row(UPGRADE, "joint", PROFIT, self.unit.name, mean_interval(gained))

    def sentences(self, summary: pd.DataFrame) -> Iterator[str]:
        """Yield what better data are worth over joint data as they are."""
        if (found := lookup(summary, UPGRADE)) is not None:
            yield upgrade_sentence(found, as_overrides(self.settings.study.upgrade or {}), self.unit.name)
