"""What was found along the curves of a study: read and estimated once, for its summary, its tables and its plots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ...config.settings import Settings
from ...config.value_settings import ValueStudy
from ...storage.cell_results import Ledger
from ..cell_plans import unit
from . import learning as value_learning
from .curves import Curve, readings

if TYPE_CHECKING:
    import pandas as pd

    from ...estimate.curves import Reading


class Followed:
    """The curves, and what their points gave.

    Args:
        settings: the study's.
        curves: as they were played.
        ledger: has the results of their cells.
    """

    def __init__(self, settings: Settings[ValueStudy], curves: Sequence[Curve], ledger: Ledger) -> None:
        self.curves = curves
        self._settings, self._ledger = settings, ledger

    @cached_property
    def readings(self) -> list[list[Reading]]:
        """What was found at each point of each curve."""
        return [readings(curve, self._ledger) for curve in self.curves]

    @cached_property
    def values(self) -> list[tuple[Curve, pd.DataFrame]]:
        """Each curve of which a point is left, with its rows."""
        from ...estimate import curve_table

        (scale, money), silo = unit(self._settings), self._settings.study.silo
        return [
            (curve, curve_table(found, silo=silo, unit_scale=scale, unit=money))
            for curve, found in zip(self.curves, self.readings, strict=True)
            if found
        ]

    @cached_property
    def costs(self) -> list[tuple[str, pd.DataFrame]]:
        """Title and rows of what learning costs, along each curve over the amount of data that holds both valuations."""
        found = (
            (f"cost_of_{curve.swept.title}", value_learning.cost_curve(points, self._settings))
            for curve, points in zip(self.curves, self.readings, strict=True)
        )
        return [(title, cost) for title, cost in found if cost is not None and len(cost)]

    def tables(self) -> Iterator[pd.DataFrame]:
        """Every curve's rows, with its name in ``curve``."""
        for curve, rows in self.values:
            yield rows.assign(curve=curve.swept.title)
        for title, rows in self.costs:
            yield rows.assign(curve=title)
