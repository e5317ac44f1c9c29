"""One step of all accounts: what was seen adds to the stocks, those with a budget buy, and everybody moves on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiled import kernel, kernel_part
from ..streams import unit
from .process import APPROVED, LAPSED


class PurchaseTally(NamedTuple):
    """What the steps so far came to, for each advertiser; shape (advertisers,), and (1,) for ``decisions`` and ``outside``.

    ``expected`` purchases at their hazard; ``without``: had the advertiser never been seen, all else equal; ``bought`` as
    realised. ``due`` is the sum of the hazards, ``decisions`` counts accounts that decided, ``outside`` those that bought elsewhere.
    """

    expected: NDArray[np.float64]
    without: NDArray[np.float64]
    bought: NDArray[np.int64]
    due: NDArray[np.float64]
    decisions: NDArray[np.int64]
    outside: NDArray[np.int64]


@kernel
def move(
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    segment: NDArray[np.int32],
    leave: NDArray[np.float64],
    lapse: NDArray[np.float64],
    onward: NDArray[np.int8],
    key: np.uint64,
) -> None:
    """Stages after a step: one uniform an account, from below those who leave, the lowest of them those who lapse."""
    for a in range(len(before)):
        stage = before[a]
        chance = leave[segment[a], stage]
        u = unit(key, a)
        after[a] = stage
        if u < chance:
            after[a] = LAPSED if u < chance * lapse[stage] else onward[stage]


@kernel
def settle(
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    segment: NDArray[np.int32],
    leave: NDArray[np.float64],
    stock: NDArray[np.float64],
    fresh: NDArray[np.float64],
    kept: float,
    power: float,
    outside: float,
    base: float,
    key: np.uint64,
    tally: PurchaseTally,
    seller: NDArray[np.int16],
) -> None:
    """Stocks (accounts, advertisers) take in what was seen since the last step; then accounts decide from whom to buy.

    ``seller`` (accounts,) is filled with the advertiser that each buys from at this step; -1 where it buys from none of them.
    The sums run in the order of the accounts, so that their bits never depend on anything else.
    """
    for a in range(len(before)):
        for j in range(stock.shape[1]):
            stock[a, j] = kept * stock[a, j] + fresh[a, j]
            fresh[a, j] = 0.0
        seller[a] = -1
        if before[a] == APPROVED:
            seller[a] = decide(
                a,
                leave[segment[a], APPROVED],
                after[a] != APPROVED,
                stock,
                power,
                outside,
                base - 1.0,
                unit(key, a),
                tally,
            )


@kernel_part
def decide(
    a: int, hazard: float, decides: bool, stock: NDArray[np.float64], power: float, outside: float, more: float,
    u: float, tally: PurchaseTally,
) -> int:  # fmt: skip
    """An account with a budget: score its purchase at the hazard, and, where it decides now, draw from whom it buys.

    ``more`` is added to each attraction. Returns the advertiser that it buys from now; -1 for none of them.
    """
    total = outside
    for j in range(stock.shape[1]):
        total += (1.0 + stock[a, j]) ** power + more
    tally.due[0] += hazard
    reached, chosen = 0.0, -1
    for j in range(stock.shape[1]):
        own = (1.0 + stock[a, j]) ** power + more
        tally.expected[j] += hazard * own / total
        tally.without[j] += hazard * (1.0 + more) / (total - own + (1.0 + more))
        reached += own / total
        if chosen < 0 and u < reached:
            chosen = j
    if not decides:
        return -1
    tally.decisions[0] += 1
    if chosen >= 0:
        tally.bought[chosen] += 1
    else:
        tally.outside[0] += 1
    return chosen
