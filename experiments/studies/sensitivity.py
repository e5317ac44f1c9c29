"""The study ``sensitivity``: which of the uncertain inputs move the value of joint data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..cells.cell import Cell
from ..config.changes import as_overrides
from ..config.study_settings import SensitivitySettings
from ..errors import BadInput
from ..estimate.intervals import Estimate
from ..estimate.ladder import row_of
from ..estimate.metrics import unit_of
from ..estimate.sensitivity import morris_effects, morris_points, sobol_indices, sobol_points
from ..report.plots.figure import Figure
from ..report.plots.tornado import draw_tornado
from ..report.wording.sensitivity import effect_table, sentences
from .base import Row, Study
from .cell_plans import CellPlan
from .sampled_markets import JointValue, mean_values, refuse_ranges, settings_at, values_at

PANELS = {"morris_mean": "Effect over the range", "sobol_total": "Share of variance, interactions included"}
"""Estimand -> its panel in the tornado."""


class Sensitivity(Study[SensitivitySettings]):
    """Morris's screening of all ranges; Sobol's indices of those that matter most, the others left as they are."""

    headline: ClassVar[Mapping[str, tuple[str, str]]] = {"largest effect": ("morris_size", "effect")}

    def check(self) -> None:
        """Refuse a market with nothing to join, or nothing that is uncertain; every corner of the ranges is a market."""
        settings = self.settings
        if len(settings.scenario.source) < 2:
            has = ", ".join(settings.scenario.source) or "none"
            raise BadInput(f"source: the study sensitivity joins two sources or more, and there is: {has}")
        refuse_ranges(settings.study.ranges, "the study sensitivity")
        _ = self._screened

    def stages(self) -> Iterator[list[Cell]]:
        """Yield the screening; then, with what it found, the indices."""
        yield [cell for market in self._screened for cell in market.cells()]
        if self.settings.study.sobol.factors:
            yield [cell for market in self._followed_up() for cell in market.cells()]

    def rows(self, cells: pd.DataFrame) -> Iterator[Row]:  # noqa: ARG002
        """Yield effects and indices, a row a key."""
        study = self.settings.study
        for row in self._effects().to_dict("records"):
            for name in ("mean", "size"):
                yield self._row(f"morris_{name}", name, row, "effect", study.morris.trajectories)
            yield self._row("morris_spread", "spread", row, "effect", study.morris.trajectories)
        if study.sobol.factors:
            indices = sobol_indices(self._leading(), mean_values(self._followed_up()))
            for row in indices.to_dict("records"):
                for name in ("first", "total"):
                    yield self._row(f"sobol_{name}", name, row, "variance_share", study.sobol.base)

    def sentences(self, summary: pd.DataFrame) -> Iterator[str]:
        """Yield which keys move the value of joint data."""
        yield from sentences(summary, self.unit.name)

    def shown(self, summary: pd.DataFrame) -> Iterator[Any]:
        """Yield the keys by what they move."""
        yield effect_table(summary, self.settings.study.ranges, self.unit.name)

    def figures(self, summary: pd.DataFrame) -> Iterator[Figure]:
        """Yield the tornado."""
        rows = summary[summary["estimand"].isin(list(PANELS))]
        table = rows.assign(panel=rows["estimand"].map(PANELS))
        yield Figure("tornado", table, draw_tornado)

    @cached_property
    def _points(self) -> NDArray[np.float64]:
        study = self.settings.study
        keys = [one.key for one in study.ranges]
        return morris_points(keys, study.morris.trajectories, study.morris.levels)

    @cached_property
    def _screened(self) -> list[JointValue]:
        ranges = self.settings.study.ranges
        return [
            self._market(values_at(ranges, shares), f"screening {number}")
            for number, shares in enumerate(self._points.tolist())
        ]

    def _effects(self) -> pd.DataFrame:
        study, results = self.settings.study, mean_values(self._screened)
        return morris_effects([one.key for one in study.ranges], self._points, results, study.morris.levels)

    def _leading(self) -> list[str]:
        """The keys whose effects are the largest; as many as are to be followed up."""
        effects = self._effects().sort_values("size", ascending=False, kind="stable")
        return list(effects["key"][: self.settings.study.sobol.factors])

    def _followed_up(self) -> list[JointValue]:
        try:
            keys = self._leading()
        except ValueError:  # cells of the screening failed: the driver will say which
            return []
        ranges = {one.key: one for one in self.settings.study.ranges}
        points = sobol_points(keys, self.settings.study.sobol.base)
        return [
            self._market(values_at([ranges[key] for key in keys], shares), f"index {number}")
            for number, shares in enumerate(points.tolist())
        ]

    def _market(self, values: Mapping[str, Any], name: str) -> JointValue:
        """The value of joint data with these changes, in the size that ``study.requests`` and ``study.replications`` say."""
        study = self.settings.study
        there = settings_at(self.settings, values, study.requests)
        return JointValue(CellPlan(there, self.state, f"{name}: {as_overrides(values)}"), study.replications)

    def _row(self, estimand: str, name: str, row: Mapping[Any, Any], metric: str, n: int) -> Row:
        low, high = (row.get(f"{name}_{end}", math.nan) for end in ("low", "high"))
        found = Estimate(row[name], low, high, n)
        return row_of(estimand, row["key"], metric, unit_of(metric, self.unit.name), found)
