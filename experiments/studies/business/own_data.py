"""The study `value` of a firm that builds data of its own: in which month it should switch to them from bought ones, if ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...cells.cell import Cell
from ...cells.lattice import Lattice
from ...cells.replications import PILOT
from ...config.changes import as_overrides, fewer, varied
from ...config.first_party import built_up, with_part
from ...config.settings import Settings
from ...config.value_settings import ValueSettings
from ...estimate.intervals import Estimate, mean_interval
from ...estimate.ladder import PROFIT, lookup, row_of
from ...estimate.metrics import metric_table
from ...estimate.own_data import Switching
from ...report.plots.figure import Figure
from ...report.plots.money import draw_months
from ...report.wording.business import own_data_sentences
from ..base import MarketPart, Row
from ..cell_plans import CellPlan
from .money import UNITS, terms

PARTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Parts of the full match rate at which own data are simulated; between them profit goes in straight lines."""

METRICS = {
    "switch_month": "switch_month",
    "value_of_building": "npv",
    "building_payback": "payback_month",
    "building_volume": "requests_per_month",
}
"""Estimand -> its metric."""


class OwnData(MarketPart[ValueSettings]):
    """The market at each part of the own source's full match rate, and the two ways of holding data that are compared.

    Attributes:
        own: the arm that holds the own source and all others but the bought one.
        bought: the arm that holds the bought source instead.
        steps: the study at each part.

    Raises:
        BadInput: fewer requests make no market.
    """

    def __init__(self, plan: CellPlan, parts: Sequence[float] = PARTS) -> None:
        super().__init__(plan)
        settings = plan.settings
        building, requests = settings.first_party, settings.study.point.requests
        assert building is not None  # noqa: S101 - only then it is wanted
        small = varied(settings, fewer(settings, requests), place="study.point.requests")
        self._parts, self.steps = parts, []
        for part in parts:
            market = with_part(small.scenario, building.own, part)
            point = as_overrides({f"{plan.study_point} built_up".strip(): part})
            self.steps.append(CellPlan(small.model_copy(update={"scenario": market}), plan.state, point))
        lattice = Lattice(tuple(small.scenario.source))
        self.own, self.bought = (
            lattice.arm(tuple(set(lattice.sources) - {other})) for other in (building.bought, building.own)
        )

    @staticmethod
    def is_wanted(settings: Settings[ValueSettings]) -> bool:
        """Return whether the firm builds data of its own."""
        return settings.first_party is not None

    def cells(self) -> list[Cell]:
        """Return own data at each part, bought ones once; on the pilots too."""
        return [
            cell
            for replications in (PILOT, self.steps[0].replications)
            for plan, arms in self._arms()
            for cell in plan.cells(arms, replications)
        ]

    def switching(self) -> tuple[Switching, Switching] | None:
        """Return what own data bring more than bought ones by month, on the pilots and on the replications; None where cells failed."""
        known, plan = terms(self.settings), self.settings.first_party
        if known is None or plan is None:
            return None
        found = []
        for replications in (PILOT, self.steps[0].replications):
            profits = self._per_request(replications)
            if profits is None:
                return None
            own, bought = profits
            part = built_up(known.horizon_months, plan.months_to_half)
            rising = np.array([np.interp(part, self._parts, row) for row in own])
            found.append(Switching(known.requests_per_month * (rising - bought[:, None]), known))
        return found[0], found[1]

    def rows(self, cells: pd.DataFrame) -> Iterator[Row]:  # noqa: ARG002
        """Yield when to switch, what building is worth with the switch of the pilots, and when it is paid back."""
        found = self.switching()
        if found is None:
            return
        pilot, here = found
        month = pilot.best_month()
        estimates: dict[str, Estimate] = {
            "switch_month": here.switch_month(),
            "value_of_building": here.net_value(month),
            "building_payback": here.payback(month),
            "building_volume": here.break_even_volume(month),
        }
        for estimand, value in estimates.items():
            metric = METRICS[estimand]
            unit = UNITS[metric].format(currency=self.settings.scenario.currency)
            yield row_of(estimand, f"{self.own} - {self.bought}", metric, unit, value)

    def tables(self, summary: pd.DataFrame) -> Mapping[str, pd.DataFrame]:  # noqa: ARG002
        """Return by month what own data bring more than bought ones, and the balance of building so far, with intervals."""
        found = self.switching()
        if found is None:
            return {}
        pilot, here = found
        month, count = pilot.best_month(), here.gains.shape[1]
        used = np.where(np.arange(1, count + 1) >= month, here.gains, 0.0)
        panels = {
            "own less bought, in the month": here.gains,
            "balance of building so far": np.cumsum(used - here.terms.monthly, axis=1) - here.terms.once,
        }
        lines = []
        for name, values in panels.items():
            for number in range(count):
                value = mean_interval(values[:, number])
                ends = {"estimate": value.estimate, "ci_low": value.ci_low, "ci_high": value.ci_high}
                currency = self.settings.scenario.currency
                lines.append({"panel": name, "month": number + 1, **ends, "unit": currency})
        return {"own_data": pd.DataFrame(lines)}

    def figures(self, summary: pd.DataFrame) -> Iterator[Figure]:
        """Yield both by month."""
        for name, table in self.tables(summary).items():
            yield Figure(name, table, draw_months)

    def sentences(self, summary: pd.DataFrame) -> Iterator[str]:
        """Yield when to switch, or that it never pays."""
        found = [lookup(summary, name, metric) for name, metric in METRICS.items()]
        known = [one for one in found if one is not None]
        if self.settings.first_party is not None and len(known) == len(METRICS):
            yield from own_data_sentences(self.settings.first_party, self.settings, *known)

    def _arms(self) -> list[tuple[CellPlan, tuple[str, ...]]]:
        """The arms at each part: own data, and once, as they do not depend on it, bought ones."""
        first, *further = self.steps
        return [(first, (self.own, self.bought)), *((plan, (self.own,)) for plan in further)]

    def _per_request(
        self, replications: Sequence[int]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Profit less the price of data: of own ones, shape (replications, parts), and of bought ones, shape (replications,)."""
        tables = [self.state.complete(plan.cells(arms, replications)) for plan, arms in self._arms()]
        wanted = (PROFIT, "data_cost")
        found = [metric_table(table, unit_scale=1.0, wanted=wanted) for table in tables if table is not None]
        if len(found) < len(tables):
            return None
        after = [rows[PROFIT] - rows.get("data_cost", 0.0) for rows in found]
        own = [one.xs(self.own, level="arm").to_numpy(dtype=np.float64) for one in after]
        bought = after[0].xs(self.bought, level="arm").to_numpy(dtype=np.float64)
        return np.array(own, dtype=np.float64).T, bought
