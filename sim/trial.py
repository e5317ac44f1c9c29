"""The trial before the first event: a strategy answers a made-up batch several times, and must answer it alike.

A run is a pure function of scenario, strategies and seed, and does not depend on how many requests travel together. So two
copies of a strategy, each asked more than once between two control steps, give the same answers; and half of the rows,
asked alone, get the bids that they have in the whole batch. Chance comes from the column ``uniform``, which is the same each time.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .copying import copied
from .kept import kept
from .visible import Strategy, TrialError, VisibleRequests, in_row, rows_of

AT_MOST = 2_048
"""The step between the rows of a larger batch that are asked again."""
BATCHES = 5
"""Batches of a trial of at most that many rows: the whole, again for either copy, and its two halves."""
ROUNDS, ROUNDS_WITH_DICE = 1, 40
"""How often both copies are asked again; more often where the first answer drew from a generator of the whole process."""
SAME = 1e-9
"""Relative difference of a bid asked among fewer rows: the last bits of a matrix product depend on its shape."""


class BidResponse(NamedTuple):
    """Bids in currency, and the creatives that they are for (None: they rotate); both of shape (n,)."""

    bids: NDArray[np.float64]
    creatives: NDArray[np.int16] | None


@kept
def _passed(strategy: Strategy) -> set[object]:  # noqa: ARG001
    """The kinds of batches whose trial this strategy has passed, to be added to: strategies need not be hashable."""
    return set()


def is_tried(strategy: Strategy) -> bool:
    """Return whether a strategy has passed some trial."""
    return bool(_passed(strategy))


Ask = Callable[[Strategy, VisibleRequests], BidResponse]


def try_out(
    strategy: Strategy, kind: object, ask: Ask, make_batch: Callable[[], VisibleRequests], who: str
) -> None:
    """Ask copies of a strategy for the bids on a batch, once for each kind of batch: it may enter many runs.

    Args:
        strategy: what entered the run.
        kind: equal for batches of the same columns.
        ask: answers a batch, or raises ``BidError``.
        make_batch: makes a row for each kind of request.
        who: the strategy and its bidder, as messages name them.

    Raises:
        BidError: no bids.
        TrialError: bids that differ although nothing but the copy, or the number of rows, does.
    """
    if kind in _passed(strategy):
        return
    batch, one, other = make_batch(), copied(strategy, who), copied(strategy, who)
    few = rows_of(batch, slice(None, None, -(-batch.n // AT_MOST)))
    halves = [(half, rows_of(few, half)) for half in (slice(0, None, 2), slice(1, None, 2))]
    before = _dice()
    whole = ask(one, batch)
    rounds = ROUNDS if _dice() == before else ROUNDS_WITH_DICE
    first = whole if few.n == batch.n else ask(one, few)
    asked = []  # all are kept, so that no two batches are one object or have one address
    for _ in range(rounds):
        for brain in (other, one):
            asked.append(rows_of(few, slice(None)))
            _expect_same(first, ask(brain, asked[-1]), few, who)
    for half, rows in halves:
        _expect_row_wise(first, ask(other, rows), few, half, who)
    _passed(strategy).add(kind)


def _expect_same(first: BidResponse, again: BidResponse, batch: VisibleRequests, who: str) -> None:
    for what, one, two in _pairs(first, again):
        rows = np.flatnonzero(one != two)
        if len(rows):
            row = int(rows[0])
            raise TrialError(
                f"{who}: {what} differ when the same batch is asked again: row {row}: {one[row]:.12g}, then {two[row]:.12g}"
                f"{in_row(batch, row)}. A run must be repeatable: take chance from the column uniform (reads = (..., 'uniform')), not from "
                "random, numpy.random, the clock, id() or a counter, and change state in observe() and control() only"
            )


def _expect_row_wise(
    first: BidResponse, alone: BidResponse, batch: VisibleRequests, half: slice, who: str
) -> None:
    part = BidResponse(first.bids[half], None if first.creatives is None else first.creatives[half])
    for what, one, two in _pairs(part, alone):
        rows = np.flatnonzero(one != two)
        if len(rows) and len(rows := rows[~np.isclose(one[rows], two[rows], rtol=SAME, atol=0.0)]):
            row = int(rows[0])
            place = range(batch.n)[half][row]
            raise TrialError(
                f"{who}: {what} depend on the other rows of the batch: row {place}: {one[row]:.12g} among {batch.n} rows, "
                f"{two[row]:.12g} among {len(two)}{in_row(batch, place)}. How many requests come at once is up to the engine: "
                "take from a row its own columns alone, and what is to be learned of many rows from observe()"
            )


def _pairs(
    one: BidResponse, two: BidResponse
) -> list[tuple[str, NDArray[np.float64] | NDArray[np.int16], NDArray[np.float64] | NDArray[np.int16]]]:
    """Bids, and creatives, where None stands for rotation."""
    rotated = np.full(len(one.bids), -1, dtype=np.int16)
    chosen = [rotated if answer.creatives is None else answer.creatives for answer in (one, two)]
    return [("bids", one.bids, two.bids), ("creatives", chosen[0], chosen[1])]


def _dice() -> tuple[object, ...]:
    """The states of the generators that a process shares."""
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 - what strategies may wrongly use
    return random.getstate(), kind, bytes(np.asarray(keys).data), *rest
