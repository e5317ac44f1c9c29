"""Markets somewhere in the stated ranges of their keys, and what joining is worth in one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..cells.cell import Cell
from ..config.changes import Changes, as_overrides, fewer, varied
from ..config.settings import Settings
from ..config.study_settings import Range
from ..errors import BadInput
from ..storage.cell_results import Ledger, table
from .cell_plans import PILOT, Plan, best_single, unit

if TYPE_CHECKING:
    import pandas as pd

PILOTS_HERE = PILOT[:2]
"""Of the many markets each has fewer pilots, on which its better single source is chosen."""


def check(ranges: Sequence[Range], wanted: str) -> None:
    """Refuse to draw from nothing, or from two ranges of one key.

    Raises:
        BadInput: there is no range, or a key has two.
    """
    keys = [one.key for one in ranges]
    if not keys:
        raise BadInput(
            f"study.ranges: {wanted} needs ranges of keys, each as {{key: source.profile.match_rate, low: 0.2, high: 0.9, "
            "source: who says so}"
        )
    if twice := [key for key in dict.fromkeys(keys) if keys.count(key) > 1]:
        raise BadInput([f"study.ranges: {key} has two ranges" for key in twice])


def worlds(settings: Settings[Any]) -> list[dict[str, Any]]:
    """The values of ``study.worlds`` worlds. Each key has draws of its own: one more range, or world, leaves the others as they are.

    Raises:
        BadInput: no range to draw from.
    """
    from jointbid.sim.streams import Streams

    study = settings.study
    if not study.worlds:
        return []
    check(study.ranges, "study.worlds")
    streams = Streams(settings.seed, 0)
    columns = [streams.uniform(f"world/{one.key}", 0, study.worlds).tolist() for one in study.ranges]
    return [values_at(study.ranges, shares) for shares in zip(*columns, strict=True)]


def share_rows(found: pd.DataFrame, column: str, names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """For ``summary.csv``: the share of worlds with each finding.

    Args:
        found: a row a world.
        column: the one that holds the findings.
        names: finding -> how the summary calls it.
    """
    from ..estimate.ladder import summary_row
    from ..estimate.sensitivity import share

    for finding, name in names.items():
        hits = int((found[column] == finding).sum())
        yield summary_row("share_of_worlds", name, "worlds", "", share(hits, len(found)))


def key_rows(
    found: pd.DataFrame, column: str, estimand: str, ranges: Sequence[Range]
) -> Iterator[dict[str, Any]]:
    """For ``summary.csv``: the rank correlation of each key with what a column of the worlds holds.

    The keys are a family, so that each has Holm's p-value beside its own interval.
    """
    from ..estimate.ladder import P_HOLM, summary_row
    from ..estimate.multiple import holm
    from ..estimate.sensitivity import correlation_p_value, rank_correlation

    result = found[column].to_numpy(dtype=float)
    values = [rank_correlation(found[one.key].to_numpy(dtype=float), result) for one in ranges]
    for one, value, p in zip(ranges, values, holm(list(map(correlation_p_value, values))), strict=True):
        yield summary_row(estimand, one.key, "rank_correlation", "", value) | {P_HOLM: p}


def values_at(ranges: Iterable[Range], shares: Sequence[float]) -> dict[str, Any]:
    """The value of each key, so far into its range."""
    return {one.key: one.at(share) for one, share in zip(ranges, shares, strict=True)}


def market(settings: Settings[Any], changes: Changes, *, requests: int, name: str) -> Plan:
    """The study in a market with these changes and so many bid requests at most."""
    return Plan(settings_at(settings, changes, requests=requests), f"{name}: {as_overrides(changes)}")


def settings_at(settings: Settings[Any], changes: Changes, *, requests: int) -> Settings[Any]:
    """The settings with these changes and so many bid requests at most."""
    return varied(settings, {**fewer(settings, requests), **changes}, place="study.ranges")


def arms_of(plan: Plan) -> tuple[str, ...]:
    """The arms that are played there."""
    return tuple(dict.fromkeys((*plan.sources, *plan.siloed, "joint")))


def cells(plan: Plan, replications: int) -> list[Cell]:
    """What the value of joint data needs there, pilots included."""
    arms = dict.fromkeys((*plan.siloed, "joint"))
    return [*plan.cells(plan.sources, PILOTS_HERE), *plan.cells(arms, range(replications))]


def differences(plan: Plan, replications: int, ledger: Ledger) -> pd.Series[float] | None:
    """The focal advertiser's profit with all data less that of the silo, a value a replication; None where cells failed."""
    from ..estimate import outcomes
    from ..estimate.intervals import combined
    from ..estimate.ladder import PROFIT

    found = there(plan, replications, ledger)
    if found is None:
        return None
    cells, silo = found
    scale, _ = unit(plan.settings)
    profit = outcomes(cells, unit_scale=scale)[PROFIT].unstack("arm")
    return combined(profit, {"joint": 1.0, silo: -1.0})


def there(plan: Plan, replications: int, ledger: Ledger) -> tuple[pd.DataFrame, str] | None:
    """The market's cells, and the silo, a source where that is the better single one; None where cells failed."""
    wanted = plan.cells(dict.fromkeys((*plan.siloed, "joint")), range(replications))
    found = ledger.of(wanted)
    if len(found) < len(wanted):
        return None
    silo = plan.study.silo
    if silo == "best_single":
        silo = best_single(ledger.of(plan.cells(plan.sources, PILOTS_HERE)), plan.sources)
    return table(found), silo


def means(plans: Sequence[Plan], replications: int, ledger: Ledger) -> NDArray[np.float64]:
    """The value of joint data in each market.

    Raises:
        ValueError: a cell of one of them failed.
    """
    found = [differences(plan, replications, ledger) for plan in plans]
    if any(values is None for values in found):
        raise ValueError("cells failed, and the design needs every point")
    return np.array([float(values.mean()) for values in found if values is not None])
