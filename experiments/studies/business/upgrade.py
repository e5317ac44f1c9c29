"""The study `value` where the joint data could be better than they are: what streaming, say, is worth over tonight's copy.

Who holds all data plays once in the market as it is, and once with the keys of ``study.upgrade`` changed, on the same draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...cells.cell import Cell
from ...config.changes import as_overrides, varied
from ...config.settings import Settings
from ...storage.cell_results import Ledger, table
from ..cell_plans import Plan, unit

if TYPE_CHECKING:
    import pandas as pd

UPGRADE = "value_of_upgrade"
"""The estimand: the focal advertiser's profit with better joint data less that with those at hand."""


@dataclass(frozen=True)
class Upgrade:
    """One market twice: as it is, and with better data."""

    now: Plan
    better: Plan

    def cells(self, replications: Sequence[int]) -> list[Cell]:
        """The arm `joint` in both; that of the market as it is is the ladder's."""
        return [cell for plan in (self.now, self.better) for cell in plan.cells(("joint",), replications)]

    def differences(self, replications: Sequence[int], ledger: Ledger) -> pd.Series[float] | None:
        """What better data bring, a value a replication; None where a cell failed."""
        from ...estimate import outcomes
        from ...estimate.ladder import PROFIT

        profits = []
        for plan in (self.now, self.better):
            wanted = plan.cells(("joint",), replications)
            found = ledger.of(wanted)
            if len(found) < len(wanted):
                return None
            scale, _ = unit(plan.settings)
            profits.append(outcomes(table(found), unit_scale=scale)[PROFIT].droplevel("arm"))
        return profits[1] - profits[0]


def upgrade(settings: Settings[Any], point: str = "") -> Upgrade | None:
    """The two markets; None where no upgrade is named. ``point`` says which of many markets.

    Raises:
        BadInput: keys that there are none of, or values that make no market.
    """
    changes = settings.study.upgrade
    if not changes:
        return None
    better = varied(settings, changes, place="study.upgrade")
    return Upgrade(Plan(settings, point), Plan(better, f"{point}, better data".removeprefix(", ")))


def rows(found: Upgrade | None, replications: Sequence[int], ledger: Ledger) -> Iterator[dict[str, Any]]:
    """For ``summary.csv``."""
    from ...estimate import mean_interval
    from ...estimate.ladder import PROFIT, summary_row

    gained = None if found is None else found.differences(replications, ledger)
    if found is not None and gained is not None:
        _, money = unit(found.now.settings)
        yield summary_row(UPGRADE, "joint", PROFIT, money, mean_interval(gained))


def sentences(summary: pd.DataFrame, settings: Settings[Any]) -> Iterator[str]:
    """For the verdict."""
    from ...estimate import lookup
    from ...report.verdict import interval, number

    found = lookup(summary, UPGRADE)
    if found is None:
        return
    _, money = unit(settings)
    data = f"Better data ({as_overrides(settings.study.upgrade)})"
    if not found.has_interval:
        yield f"{data}: {number(found.estimate)} {money} over joint data as they are, with no interval, so nothing is shown yet."
    elif found.finding == "no difference shown":
        yield f"{data}: no difference shown over joint data as they are, {number(found.estimate)} {money} ({interval(found)})."
    else:
        sign = 1.0 if found.finding == "positive" else -1.0
        verb = "are worth" if sign > 0 else "cost"
        yield f"{data} {verb} {number(sign * found.estimate)} {money} ({interval(found, sign=sign)}) over joint data as they are."
