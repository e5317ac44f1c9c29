"""What winning tells where values are correlated: of a person who may be the same for a better informed rival, or another one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_PRICES = 512
MOST_ENTRIES = 1 << 24
"""Entries of the largest table: what a bidder sees times the prices that are distinguished."""


@dataclass(frozen=True)
class Informed:
    """Rivals who bid the same, ``count`` of them: ``bid`` over all codes, an axis a source, of length 1 where they do not see it."""

    bid: NDArray[np.float64]
    count: int


def cautious_bids(
    weight: NDArray[np.float64],
    worth: NDArray[np.float64],
    hidden: Sequence[int],
    rivals: Iterable[Informed],
    correlation: float,
) -> NDArray[np.float64]:
    """Return the bid b at which E[theta | what is seen, the best informed rival bids at most b] = b.

    With the probability s = sqrt(correlation), for each bidder apart, a person's facts are those of all, and otherwise the bidder's
    own, of the same law. So a rival's bid tells of theta where both look at the facts of all. A bidder who bids b does not lose on
    average where an equally informed rival bids b too; with values in two states that is an equilibrium of several uninformed
    bidders, who make nothing (as Milgrom & Weber 1982: the bid is the value, given that it is just enough to win). Between prices
    at which informed rivals bid the condition is that of the lower one. At a correlation of 0 b is E[theta | what is seen], at 1 the
    least that the informed could think it worth.

    Args:
        weight: the probability of all codes, an axis a source.
        worth: that times theta's mean there, same shape.
        hidden: the axes that the bidder does not see.
        rivals: those who see something that it does not.
        correlation: of the values of two bidders, above 0 and below 1.

    Returns:
        Bids over the axes that the bidder sees; nan where what is seen has no probability.
    """
    groups, share = list(rivals), math.sqrt(correlation)
    weight, worth = weight / weight.sum(), worth / weight.sum()
    axes = [axis for axis in range(weight.ndim) if axis not in hidden]
    cells = int(np.prod([weight.shape[axis] for axis in axes], dtype=np.int64))
    bids = [np.broadcast_to(group.bid, weight.shape) for group in groups]
    prices = _prices(np.concatenate([bid[weight > 0] for bid in bids]), MOST_ENTRIES // cells)
    seen = _Seen(_numbered(weight.shape, axes), cells, prices)
    laws = [np.cumsum(_law(bid, weight, prices)) for bid in bids]
    of_weight, of_worth = np.zeros((2, cells, len(prices)))
    for chance, highest in _best_rivals(groups, bids, laws, share):
        of_weight += chance * seen.below(weight, highest)
        of_worth += chance * seen.below(worth, highest)
    # P(no informed rival bids more), of whom the bidder's own facts tell nothing
    apart = of_weight.sum(axis=0)
    held, gained = (
        share * total + (1.0 - share) * apart * seen.whole(table)
        for total, table in ((of_weight, weight), (of_worth, worth))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(held > 0.0, gained / held, np.inf)
    mean[~(seen.whole(weight) > 0.0).ravel()] = np.nan
    first = np.argmax((mean < np.append(prices[1:], np.inf)) & (held > 0.0), axis=1)
    bid = mean[np.arange(cells), first]
    bid = np.where(first > 0, np.maximum(bid, prices[first]), bid)
    return np.asarray(bid.reshape([weight.shape[axis] for axis in axes]))


class _Seen(NamedTuple):
    """Sums over codes by what a bidder sees: ``row`` numbers that at all codes, from 0 to ``cells``."""

    row: NDArray[np.int64]
    cells: int
    prices: NDArray[np.float64]

    def whole(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sums over all codes, shape (cells, 1)."""
        return np.bincount(self.row.ravel(), table.ravel(), self.cells).astype(np.float64)[:, None]

    def below(self, table: NDArray[np.float64], bid: NDArray[np.float64] | None) -> NDArray[np.float64]:
        """Return the sums over the codes where ``bid`` is at most each price, shape (cells, prices); over all without a bid."""
        if bid is None:
            return self.whole(table)
        place, n = np.minimum(np.searchsorted(self.prices, bid), len(self.prices) - 1), len(self.prices)
        found = np.bincount((self.row * n + place).ravel(), table.ravel(), self.cells * n)
        return np.cumsum(found.reshape(self.cells, n), axis=1)


def _best_rivals(
    groups: Sequence[Informed],
    bids: Sequence[NDArray[np.float64]],
    laws: Sequence[NDArray[np.float64]],
    share: float,
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64] | None]]:
    """Yield, for each set of groups in which somebody looks at the facts of all, its chance with no rival above each price, and its best bid.

    ``laws`` are P(a group's bid is at most each price), shape (prices,). The bid is over all codes; None where the set is empty.
    """
    other = [((1.0 - share) * law) ** group.count for law, group in zip(laws, groups, strict=True)]
    same = [(share + (1.0 - share) * law) ** group.count for law, group in zip(laws, groups, strict=True)]
    numbers = range(len(groups))
    for subset in chain.from_iterable(combinations(numbers, size) for size in range(len(groups) + 1)):
        chance = np.ones(len(laws[0]))
        for number in numbers:
            chance = chance * (same[number] - other[number] if number in subset else other[number])
        yield chance, np.max([bids[number] for number in subset], axis=0) if subset else None


def informed(held: Iterable[frozenset[str]], seen: frozenset[str]) -> Counter[frozenset[str]]:
    """Return the rivals, by the sources that they see, of those who see something that a bidder who sees ``seen`` does not."""
    return Counter(one for one in held if not one <= seen)


def _prices(bids: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """Return the prices that are distinguished: all that occur, or as many as there is room for, the highest among them."""
    found, most = np.unique(bids), max(2, min(MOST_PRICES, most))
    return found if len(found) <= most else found[np.linspace(0, len(found) - 1, most).astype(int)]


def _law(
    bid: NDArray[np.float64], weight: NDArray[np.float64], prices: NDArray[np.float64]
) -> NDArray[np.float64]:
    place = np.minimum(np.searchsorted(prices, bid), len(prices) - 1)
    return np.bincount(place.ravel(), weight.ravel(), len(prices)).astype(np.float64)


def _numbered(shape: tuple[int, ...], seen: Sequence[int]) -> NDArray[np.int64]:
    """Return the number of what is seen at all codes, shape ``shape``."""
    number = np.zeros([1] * len(shape), dtype=np.int64)
    for axis in seen:
        along = [-1 if other == axis else 1 for other in range(len(shape))]
        number = number * shape[axis] + np.arange(shape[axis]).reshape(along)
    return np.broadcast_to(number, shape)
