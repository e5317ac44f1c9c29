"""The study ``sensitivity``: which of the things that nobody knows for certain move the value of joint data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

from ..cells.cell import Cell
from ..errors import BadInput
from ..storage.cell_results import Ledger
from . import sampled_markets as drawn
from .base import Said, Study
from .cell_plans import Plan, unit

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from ..report.plots.figure import Figure

WIDE = 0.5
"""An index whose interval reaches further than this to either side says little."""


class Sensitivity(Study):
    """Morris's screening of all ranges; Sobol's indices of those that matter most, the others left as they are."""

    headline: ClassVar[Mapping[str, tuple[str, str]]] = {"largest effect": ("morris_size", "effect")}

    def check(self) -> None:
        """Refuse a market with nothing to join, or nothing that is uncertain; every corner of the ranges is a market."""
        settings = self.settings
        if len(settings.scenario.source) < 2:
            has = ", ".join(settings.scenario.source) or "none"
            raise BadInput(f"source: the study sensitivity joins two sources or more, and there is: {has}")
        drawn.check(settings.study.ranges, "the study sensitivity")
        _ = self._screened

    def stages(self, ledger: Ledger) -> Iterator[list[Cell]]:
        """The screening; then, with what it found, the indices."""
        yield self._cells(self._screened)
        if self.settings.study.sobol.factors:
            yield self._cells(self._followed(ledger))

    def summary(self, cells: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:  # noqa: ARG002
        """Effects and indices, a row a key."""
        import pandas as pd

        from ..estimate import SUMMARY_COLUMNS

        rows = list(self._rows(ledger))
        return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))

    def say(self, summary: pd.DataFrame, ledger: Ledger) -> Said:  # noqa: ARG002
        """The keys by what they move, and a sentence."""
        from ..report.wording.sensitivity import effect_table, sentences

        _, money = unit(self.settings)
        ranges = self.settings.study.ranges
        return Said(verdict=tuple(sentences(summary, money)), shown=(effect_table(summary, ranges, money),))

    def figures(self, summary: pd.DataFrame, ledger: Ledger) -> Iterator[Figure]:  # noqa: ARG002
        """The tornado."""
        from ..report.plots.figure import Figure
        from ..report.plots.tornado import draw_tornado

        wanted = {
            "morris_mean": "Effect over the range",
            "sobol_total": "Share of variance, interactions included",
        }
        rows = summary[summary["estimand"].isin(list(wanted))]
        table = rows.assign(panel=rows["estimand"].map(wanted))
        yield Figure("tornado", table, partial(draw_tornado, table))

    @cached_property
    def _points(self) -> NDArray[np.float64]:
        from ..estimate.sensitivity import morris_points

        study = self.settings.study
        return morris_points(
            [one.key for one in study.ranges], study.morris.trajectories, study.morris.levels
        )

    @cached_property
    def _screened(self) -> list[Plan]:
        ranges = self.settings.study.ranges
        return [
            self._market(drawn.values_at(ranges, shares), f"screening {number}")
            for number, shares in enumerate(self._points.tolist())
        ]

    def _effects(self, ledger: Ledger) -> pd.DataFrame:
        from ..estimate.sensitivity import morris_effects

        study = self.settings.study
        results = drawn.means(self._screened, study.replications, ledger)
        return morris_effects([one.key for one in study.ranges], self._points, results, study.morris.levels)

    def _leading(self, ledger: Ledger) -> list[str]:
        """The keys whose effects are the largest; as many as are to be followed up."""
        effects = self._effects(ledger).sort_values("size", ascending=False, kind="stable")
        return list(effects["key"][: self.settings.study.sobol.factors])

    def _followed(self, ledger: Ledger) -> list[Plan]:
        from ..estimate.sensitivity import sobol_points

        try:
            keys = self._leading(ledger)
        except ValueError:  # cells of the screening failed: the driver will say which
            return []
        ranges = {one.key: one for one in self.settings.study.ranges}
        points = sobol_points(keys, self.settings.study.sobol.base)
        return [
            self._market(drawn.values_at([ranges[key] for key in keys], shares), f"index {number}")
            for number, shares in enumerate(points.tolist())
        ]

    def _market(self, values: Mapping[str, Any], name: str) -> Plan:
        return drawn.market(self.settings, values, requests=self.settings.study.requests, name=name)

    def _cells(self, plans: list[Plan]) -> list[Cell]:
        return [cell for plan in plans for cell in drawn.cells(plan, self.settings.study.replications)]

    def _rows(self, ledger: Ledger) -> Iterator[dict[str, Any]]:
        from ..estimate.sensitivity import sobol_indices

        study = self.settings.study
        for row in self._effects(ledger).to_dict("records"):
            for name in ("mean", "size"):
                yield self._row(f"morris_{name}", name, row, "effect", study.morris.trajectories)
            yield self._row("morris_spread", "spread", row, "effect", study.morris.trajectories)
        if study.sobol.factors:
            results = drawn.means(self._followed(ledger), study.replications, ledger)
            for row in sobol_indices(self._leading(ledger), results).to_dict("records"):
                for name in ("first", "total"):
                    yield self._row(f"sobol_{name}", name, row, "variance_share", study.sobol.base)

    def _row(self, estimand: str, name: str, row: Mapping[Any, Any], metric: str, n: int) -> dict[str, Any]:
        from ..estimate import Estimate, unit_of
        from ..estimate.ladder import row_of

        _, money = unit(self.settings)
        low, high = (row.get(f"{name}_{end}", math.nan) for end in ("low", "high"))
        found = Estimate(row[name], low, high, n)
        return row_of(estimand, row["key"], metric, unit_of(metric, money), found)
