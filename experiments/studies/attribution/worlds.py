"""Firms drawn from the stated ranges: in what share of them the end-to-end view pays, and the randomised test beats it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...cells.attribution_season import BY_CLAIMS, BY_LAST_TOUCH, COMPARED, NEXT, TEST
from ...cells.cell import Cell
from ...config.changes import as_overrides
from ...config.settings import Settings
from ...storage.cell_results import Ledger
from .. import sampled_markets as drawn
from ..cell_plans import unit
from .firm import Firm

if TYPE_CHECKING:
    import pandas as pd

NAME = "world "


@dataclass(frozen=True)
class World:
    """A firm in a market with the values that were drawn for it."""

    number: int
    values: dict[str, Any]
    firm: Firm

    @property
    def replications(self) -> range:
        """Those that it is worked on with."""
        return range(self.firm.settings.study.curve.replications)


def worlds(settings: Settings[Any]) -> list[World]:
    """The worlds asked for.

    Raises:
        BadInput: no range to draw from, or values that make no market.
    """
    found = []
    for number, values in enumerate(drawn.worlds(settings)):
        there = drawn.settings_at(settings, values, requests=settings.study.curve.requests)
        found.append(World(number, values, Firm(there, f"{NAME}{number}: {as_overrides(values)}")))
    return found


def logs(found: Sequence[World]) -> list[Cell]:
    """What the firms can see."""
    return [cell for world in found for cell in world.firm.log(world.replications, truth=False)]


def seasons(found: Sequence[World], ledger: Ledger) -> list[Cell]:
    """What they do about it."""
    wanted = (BY_LAST_TOUCH, BY_CLAIMS, TEST)
    return [cell for world in found for cell in world.firm.next(world.replications, wanted, ledger)]


def table(found: Sequence[World], ledger: Ledger) -> pd.DataFrame:
    """A row a world: the drawn values, both comparisons with their intervals and what they show; failed ones are left out."""
    import pandas as pd

    from ...estimate import paired_difference

    rows = []
    for world in found:
        profit = _profits(world, ledger)
        if profit is None:
            continue
        row: dict[str, Any] = {"world": world.number, **world.values}
        for name, (better, worse) in COMPARED.items():
            value = paired_difference(profit[better], profit[worse])
            row |= {name: value.estimate, f"{name}_ci_low": value.ci_low, f"{name}_ci_high": value.ci_high}
            row[f"{name}_finding"] = value.finding
        rows.append(row)
    return pd.DataFrame(rows)


def rows(found: pd.DataFrame, settings: Settings[Any]) -> Iterator[dict[str, Any]]:
    """For ``summary.csv``: shares of worlds by what was shown, and each key's rank correlation with both comparisons."""
    from ...report.wording.attribution import SHARES

    if found.empty:
        return
    for name, (pays, costs) in SHARES.items():
        yield from drawn.share_rows(found, f"{name}_finding", {"positive": pays, "negative": costs})
    for name in COMPARED:
        yield from drawn.key_rows(found, name, f"{name}_decided_by", settings.study.ranges)


def _profits(world: World, ledger: Ledger) -> pd.DataFrame | None:
    """Profit in the next season, a row a replication and a column a rule; None where cells failed."""
    import pandas as pd

    scale, _ = unit(world.firm.settings)
    wanted = world.firm.next(world.replications, (BY_LAST_TOUCH, BY_CLAIMS, TEST), ledger)
    read = ledger.of(wanted)
    if len(wanted) < 3 * len(world.replications) or len(read) < len(wanted):
        return None
    records = [
        {
            "replication": cell.replication - NEXT,
            "by": cell.point.rpartition("budget by ")[2],
            "profit": sum(row["profit"] for row in result.rows) * scale / result.rows[0]["requests"],
        }
        for cell, result in read
    ]
    return pd.DataFrame(records).pivot(index="replication", columns="by", values="profit")
