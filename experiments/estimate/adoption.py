"""Who adopts: what one more adopter gains, and how many there are in equilibrium at a cost.

n bidders each hold the data or do not. An adopter among k earns A(k), a bidder without among k adopters N(k). The k-th
adopter gains G(k) = A(k) - N(k - 1). At a cost c, k is an equilibrium number where G(k) >= c (no adopter regrets it;
the indifferent adopt) and c > G(k + 1) (no other bidder would).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from .intervals import Estimate, mean_interval
from .multiple import critical_value
from .sums import group_means, group_sums

ROUNDING = 1e-9
"""A profit below this share of the spend is what rounding leaves of value less spend, and counts as zero."""

Profits = Mapping[int, "pd.Series[float]"]
"""By the number of adopters, one value a replication."""


@dataclass(frozen=True)
class Gain:
    """What the k-th adopter gains, its interval, and the ends of the band that holds for all k together."""

    k: int
    estimate: Estimate
    low: float
    high: float


@dataclass(frozen=True)
class Equilibria:
    """Equilibrium numbers of adopters at a cost: by the estimates, and all that the band does not rule out."""

    cost: float
    numbers: tuple[int, ...]
    possible: tuple[int, ...]


def gains(adopters: Profits, others: Profits) -> list[Gain]:
    """G(1) to G(n), paired by replication.

    Args:
        adopters: an adopter's mean profit in each replication, by k (1 to n).
        others: the same of a bidder without the data (0 to n - 1).
    """
    each = {k: (adopters[k] - others[k - 1]).dropna() for k in sorted(adopters)}
    together = pd.concat(each.values(), axis=1).dropna().to_numpy(dtype=float)
    reach = critical_value(together) if len(together) > 1 else float("nan")
    found = {k: mean_interval(values) for k, values in each.items()}
    return [
        Gain(
            k,
            estimate,
            estimate.estimate - reach * estimate.standard_error,
            estimate.estimate + reach * estimate.standard_error,
        )
        for k, estimate in found.items()
    ]


def equilibria(found: Sequence[Gain], cost: float) -> Equilibria:
    """Every equilibrium number at a cost, in the unit of the gains."""
    n = len(found)
    gain = {g.k: g.estimate.estimate for g in found}
    low, high = ({g.k: getattr(g, end) for g in found} for end in ("low", "high"))
    numbers = [k for k in range(n + 1) if (k == 0 or gain[k] >= cost) and (k == n or cost > gain[k + 1])]
    possible = [
        k
        for k in range(n + 1)
        if (k == 0 or not high[k] < cost) and (k == n or not low[k + 1] >= cost)  # nan rules nothing out
    ]
    return Equilibria(cost, tuple(numbers), tuple(possible))


def per_bidder(cells: pd.DataFrame, unit_scale: float) -> tuple[Profits, Profits]:
    """Mean profit of an adopter, and of a bidder without the data, in each replication, by k.

    Args:
        cells: one row a cell and bidder, with columns `k` (how many adopters there are), `replication`, `adopts`, `advertiser`,
            `profit`, `spend` and `requests`.
        unit_scale: bid requests that money is stated for.
    """
    profit = cells["profit"].mask(cells["profit"].abs() <= ROUNDING * cells["spend"], 0.0)
    scaled = cells.assign(profit=profit * unit_scale / cells["requests"])
    seats = group_sums(scaled.groupby(["k", "replication", "adopts", "advertiser"], sort=False)["profit"])
    means = group_means(seats.groupby(["adopts", "k", "replication"]))
    by_number = means.unstack("replication")
    sides: dict[bool, dict[int, pd.Series[float]]] = {True: {}, False: {}}
    for key, row in zip(by_number.index.tolist(), by_number.to_numpy(), strict=True):
        sides[bool(key[0])][int(key[1])] = pd.Series(row, index=by_number.columns).dropna()
    return sides[True], sides[False]


def label(k: int) -> str:
    """How ``summary.csv`` writes that k bidders hold the data."""
    return f"{k} adopt"


def adopters(arm: str) -> int:
    """The k of a label."""
    return int(arm.partition(" ")[0])
