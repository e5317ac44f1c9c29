"""Which cells the study ``attribution`` needs of one firm, and the budgets that their results lead to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from jointbid.sim.scenario import Touchpoints

from ...cells.attribution_season import (
    AS_IS,
    BUDGET,
    HELD_OUT,
    OBSERVED,
    TEST,
    TRUTH,
    WITHOUT,
    credit_column,
    touchpoints_of,
)
from ...cells.cell import Cell
from ...cells.replications import NEXT_SEASON
from ...config.settings import Settings
from ...config.study_settings import AttributionSettings
from ...storage.cell_results import StudyState
from ..cell_plans import cell_of


@dataclass(frozen=True)
class Firm:
    """The cells of one firm in one market. ``study_point`` says which of many markets; empty in the scenario's own."""

    settings: Settings[AttributionSettings]
    study_point: str = ""

    @property
    def plan(self) -> Touchpoints:
        """Its channels."""
        return touchpoints_of(self.settings.played_scenario)

    @property
    def channels(self) -> list[str]:
        """Names of its channels."""
        return list(self.plan.channels)

    def log(self, replications: Iterable[int], *, truth: bool = True) -> list[Cell]:
        """What the firm can see, and with ``truth`` what only the simulator can: each channel's removal."""
        removed = [WITHOUT + channel for channel in self.channels] if truth else []
        return [
            self._cell(arm, replication, self.study_point)
            for replication in replications
            for arm in (OBSERVED, HELD_OUT, *removed)
        ]

    def next(self, replications: Iterable[int], budgets: Iterable[str], state: StudyState) -> list[Cell]:
        """The next season under the budgets that each replication's log leads to; none where its cells failed."""
        cells, wanted = [], list(budgets)
        for replication in replications:
            measured = self.measured(replication, state)
            for name in wanted:
                split = self.split(name, measured)
                if split is not None:
                    point = f"{self.study_point}, budget by {name}".removeprefix(", ")
                    cells.append(self._cell(OBSERVED, replication + NEXT_SEASON, point, split))
        return cells

    def measured(self, replication: int, state: StudyState) -> dict[str, list[dict[str, Any]]]:
        """Rows by arm of one replication, a row a channel."""
        cells = [cell for cell in self.log([replication]) if cell.arm]
        return {cell.arm: result.rows for cell, result in state.of(cells)}

    def split(
        self, name: str, measured: Mapping[str, list[dict[str, Any]]]
    ) -> tuple[tuple[str, float], ...] | None:
        """Daily budgets by channel: the whole in proportion to what a rule, or a measurement, credits; None where it is not known."""
        channels = self.plan.channels
        weights = np.array(
            [channel.daily_budget for channel in channels.values()]
            if name == AS_IS
            else self._credited(name, measured)
        )
        if len(weights) != len(channels) or not np.isfinite(weights).all():
            return None
        weights = np.maximum(weights, 0.0)
        if weights.sum() == 0:
            weights = np.ones(len(weights))
        total = sum(channel.daily_budget for channel in channels.values())
        return tuple(zip(channels, (total * weights / weights.sum()).tolist(), strict=True))

    def _credited(self, name: str, measured: Mapping[str, list[dict[str, Any]]]) -> list[float]:
        if name == TEST:
            return [row["holdout_effect"] for row in measured.get(HELD_OUT, [])]
        if name == TRUTH:
            if OBSERVED not in measured or any(WITHOUT + c not in measured for c in self.channels):
                return []
            return list(true_effects(measured, self.channels).values())
        return [row[credit_column(name)] for row in measured.get(OBSERVED, [])]

    def _cell(
        self, arm: str, replication: int, point: str, split: tuple[tuple[str, float], ...] = ()
    ) -> Cell:
        parameter = BUDGET if split else ""
        return cell_of(
            self.settings, arm, replication, parameter=parameter, policies=split, study_point=point
        )


def true_effects(measured: Mapping[str, list[dict[str, Any]]], channels: Iterable[str]) -> dict[str, float]:
    """What only a simulator knows: expected purchases with all channels less those without each, on the same draws."""
    whole = sum(row["purchases_expected"] for row in measured[OBSERVED])
    return {
        channel: whole - sum(row["purchases_expected"] for row in measured[WITHOUT + channel])
        for channel in channels
    }
