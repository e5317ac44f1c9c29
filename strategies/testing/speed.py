"""Checks of size and speed: a million rows, and how many requests ``bid`` and ``observe`` take in a second."""

from __future__ import annotations

import time
import unittest
from collections.abc import Callable
from typing import TypeVar

from jointbid.sim import Strategy

from .case import Case, check
from .failure import expect, expect_same
from .life import Life, account, call, feedback_of, live
from .trial import part

MILLION = 1_000_000
SLOWEST = 10_000.0
"""Requests a second below which a run of a million requests takes minutes."""
SLOWEST_CONTROL_S = 0.1
"""A study of 100 runs with 168 control steps each waits half an hour for one that takes this long."""
MOST_ROWS, LEAST_S = 65_536, 0.05
T = TypeVar("T")


@check
def a_million_rows(case: Case) -> None:
    """A batch may have a million rows, and the bids are those of small batches."""
    strategy = live(case, case.new())
    if (rate := bids_per_second(case, strategy)) < SLOWEST:
        raise unittest.SkipTest(f"they would take {MILLION / rate:,.0f} s: see speed")
    batch = case.batch(strategy, n=MILLION)
    bids = case.ask(strategy, batch)
    some = slice(MILLION - 1_000, MILLION)
    expect_same(
        bids[some],
        case.ask(strategy, part(batch, some)),
        "the bids of the last thousand of a million rows in a batch of their own",
        "a table or counter of limited size (int16, int32), or a bid that depends on its place in the batch",
    )


@check
def speed(case: Case) -> None:
    """It bids, learns and controls fast enough for a study, and bids as fast as it declares (``bids_per_second``)."""
    strategy = live(case, case.new())
    claimed = float(getattr(strategy, "bids_per_second", None) or 0.0)
    half = f" (half of the {claimed:,.0f} claimed)" if claimed else ""
    _expect_rate("bids", bids_per_second(case, strategy), max(SLOWEST, claimed / 2), half)
    if strategy.learns:
        _expect_rate("requests observed", _observed_per_second(case, strategy), SLOWEST)
    took = _control_s(case, strategy)
    expect(
        took <= SLOWEST_CONTROL_S,
        f"control() takes at most {SLOWEST_CONTROL_S:g} s a step",
        f"{took:.3g} s",
        "a fit from scratch, or a search, at each step: fit every n-th step, or start from the last result; or a busy machine",
    )


def bids_per_second(case: Case, strategy: Strategy) -> float:
    """Return how many bids it makes in a second."""
    return _rate(lambda rows: case.batch(strategy, rows), lambda batch: case.ask(strategy, batch))


def _observed_per_second(case: Case, strategy: Strategy) -> float:
    """Return how many requests its ``observe`` takes in a second."""
    return _rate(
        lambda rows: feedback_of(case, strategy, 1, Life(rows=rows), []),
        lambda feedback: call(strategy, "observe", feedback, 0.0),
    )


def _control_s(case: Case, strategy: Strategy) -> float:
    """Return the seconds of the fastest of three control steps."""
    took = []
    for step in (1, 2, 3):
        start = time.perf_counter()
        call(strategy, "control", account(case, step, Life()), 0.0)
        took.append(time.perf_counter() - start)
    return min(took)


def _expect_rate(what: str, rate: float, least: float, why: str = "") -> None:
    expect(
        rate >= least,
        f"at least {least:,.0f} {what} a second{why}",
        f"{rate:,.0f}",
        "a Python loop over rows: work on whole columns (np.where, table[code]); or a busy machine",
    )


def _rate(prepare: Callable[[int], T], do: Callable[[T], object]) -> float:
    """Return the rows a second of the fastest of three calls, on as many rows as take ``LEAST_S`` or more."""
    rows = 512
    while True:
        given, took = prepare(rows), []
        for _ in range(3):
            start = time.perf_counter()
            do(given)
            took.append(time.perf_counter() - start)
        if min(took) > LEAST_S or rows >= MOST_ROWS:
            return rows / min(took)
        rows *= 4 if min(took) < LEAST_S / 4 else 2
