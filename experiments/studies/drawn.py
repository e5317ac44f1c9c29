"""Markets somewhere in the stated ranges of their keys, and what joining is worth in one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from experiments.cells import Cell
from experiments.errors import BadInput
from experiments.runner import Ledger, table
from experiments.settings import Settings
from experiments.studies.options import Range
from experiments.studies.value_cells import PILOT, Plan, best_single, unit
from experiments.vary import Changes, as_overrides, fewer, varied

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


def values_at(ranges: Iterable[Range], shares: Sequence[float]) -> dict[str, Any]:
    """The value of each key, so far into its range."""
    return {one.key: one.at(share) for one, share in zip(ranges, shares, strict=True)}


def market(settings: Settings[Any], changes: Changes, *, requests: int, name: str) -> Plan:
    """The study in a market with these changes and so many bid requests at most."""
    there = varied(settings, {**fewer(settings, requests), **changes}, place="study.ranges")
    return Plan(there, f"{name}: {as_overrides(changes)}")


def arms_of(plan: Plan) -> tuple[str, ...]:
    """The arms that are played there."""
    return tuple(dict.fromkeys((*plan.sources, *plan.siloed, "joint")))


def cells(plan: Plan, replications: int) -> list[Cell]:
    """What the value of joint data needs there, pilots included."""
    arms = dict.fromkeys((*plan.siloed, "joint"))
    return [*plan.cells(plan.sources, PILOTS_HERE), *plan.cells(arms, range(replications))]


def differences(plan: Plan, replications: int, ledger: Ledger) -> pd.Series[float] | None:
    """The focal advertiser's profit with all data less that of the silo, a value a replication; None where cells failed."""
    from experiments.estimate import outcomes
    from experiments.estimate.intervals import combined
    from experiments.estimate.ladder import PROFIT

    wanted = plan.cells(dict.fromkeys((*plan.siloed, "joint")), range(replications))
    found = ledger.of(wanted)
    if len(found) < len(wanted):
        return None
    silo = plan.study.silo
    if silo == "best_single":
        silo = best_single(ledger.of(plan.cells(plan.sources, PILOTS_HERE)), plan.sources)
    scale, _ = unit(plan.settings.scenario)
    profit = outcomes(table(found), unit_scale=scale)[PROFIT].unstack("arm")
    return combined(profit, {"joint": 1.0, silo: -1.0})


def means(plans: Sequence[Plan], replications: int, ledger: Ledger) -> NDArray[np.float64]:
    """The value of joint data in each market.

    Raises:
        ValueError: a cell of one of them failed.
    """
    found = [differences(plan, replications, ledger) for plan in plans]
    if any(values is None for values in found):
        raise ValueError("cells failed, and the design needs every point")
    return np.array([float(values.mean()) for values in found if values is not None])
