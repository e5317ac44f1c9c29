"""Checks of single answers: are they bids, and does each row stand alone?"""

from __future__ import annotations

import time
import unittest

import numpy as np

from jointbid.sim import Strategy
from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.sim.scenario.base import MAX_MONEY

from .case import Case
from .compare import expect_same, first_difference
from .failure import expect
from .life import live
from .trial import part

MILLION = 1_000_000
SLOWEST = 10_000.0
"""Bids per second below which a run of a million requests takes minutes."""
AT_ONCE = 65_536


def protocol(maker: object) -> None:
    """It has what a strategy has, says what it reads, and answers a bid for each request; the other checks build on that."""
    case = Case.of(maker)
    strategy = case.fresh()
    reads = strategy.reads
    expect(
        reads is None or (isinstance(reads, tuple) and all(isinstance(name, str) for name in reads)),
        "reads is a tuple of column names, or None for all that it may see",
        repr(reads),
        "a tuple of one needs its comma, ('value',); a list is none",
    )
    expect(
        isinstance(strategy.learns, bool | np.bool_),
        "learns is True or False",
        repr(strategy.learns),
        "learns = True asks the engine for observe()",
    )
    case.expect_readable(strategy)
    meant = getattr(strategy, "meant_for", ())
    expect(
        isinstance(meant, tuple) and set(meant) <= set(MECHANISMS),
        f"meant_for is a tuple of auction types: {', '.join(MECHANISMS)}",
        repr(meant),
        "a tuple of one needs its comma; or a misspelt auction type",
    )
    case.ask(strategy, case.batch(strategy))
    live(case, strategy)


def valid_bids(maker: object) -> None:
    """Bids are finite float64 numbers, 0 or more, at the start and after a while."""
    case = Case.of(maker)
    strategy = case.fresh()
    for when in ("fresh", "after feedback and control"):
        for seed in (0, 1):
            batch = case.batch(strategy, seed=seed)
            bids = case.ask(strategy, batch)
            expect(
                bids.dtype == np.float64,
                "bids of dtype float64",
                str(bids.dtype),
                "codes, booleans or float32 are answered as they are: np.asarray(bids, dtype=float)",
            )
            wrong = np.flatnonzero(~((bids >= 0) & (bids <= MAX_MONEY)))
            row = int(wrong[0]) if len(wrong) else 0
            seen = ", ".join(f"{name} = {column[row]:.6g}" for name, column in batch.items())
            expect(
                not len(wrong),
                f"every bid is a number from 0 to {MAX_MONEY:.0e}",
                f"row {row}: {bids[row]} ({when}; {seen})" if batch.n else "",
                "a division by 0, a logarithm of 0, a value of 0 or an unmatched code that the rule does not expect; "
                "a negative surplus needs np.maximum(bids, 0.0); nan is also what bid_one() that forgets to return makes",
            )
        live(case, strategy)


def row_wise(maker: object) -> None:
    """A row's bid depends neither on the other rows nor on how many they are."""
    case = Case.of(maker)
    strategy = live(case, case.fresh())
    batch = case.batch(strategy, n=65)
    together = case.ask(strategy, batch)
    alone = np.array([case.ask(strategy, part(batch, slice(i, i + 1)))[0] for i in range(batch.n)])
    backwards = case.ask(strategy, part(batch, slice(None, None, -1)))[::-1]
    half = np.concatenate([case.ask(strategy, part(batch, rows)) for rows in (slice(0, 32), slice(32, 65))])
    for how, other in (("alone", alone), ("in reverse order", backwards), ("in two halves", half)):
        expect_same(
            together,
            other,
            f"the same bid on a row whether it comes in a batch of {batch.n} or {how}",
            "bid() uses a mean, rank, maximum, cumulative sum or the length of the batch, or a matrix product (whose last "
            "bits depend on the shape: round, or sum over columns): take from a row its own columns alone, and what is to "
            "be learned of many rows from observe(); or asking changes the answer: see deterministic_under_seed",
        )


def one_row(maker: object) -> None:
    """A batch may have one row."""
    case = Case.of(maker)
    strategy = live(case, case.fresh())
    many = case.ask(strategy, case.batch(strategy, n=20))
    one = case.ask(strategy, part(case.batch(strategy, n=20), slice(7, 8)))
    expect_same(
        many[7:8], one, "the bid that the row has in a batch", "np.squeeze, or a branch on the number of rows"
    )


def empty_batch(maker: object) -> None:
    """A batch may have no row, at the start and later."""
    case = Case.of(maker)
    strategy = case.fresh()
    case.ask(strategy, case.batch(strategy, n=0))
    live(case, strategy)
    case.ask(strategy, case.batch(strategy, n=0))


def a_million_rows(maker: object) -> None:
    """A batch may have a million rows, and the bids are those of small batches."""
    case = Case.of(maker)
    strategy = live(case, case.fresh())
    if (rate := bids_per_second(case, strategy)) < SLOWEST:
        raise unittest.SkipTest(f"they would take {MILLION / rate:,.0f} s: see speed")
    batch = case.batch(strategy, n=MILLION)
    bids = case.ask(strategy, batch)
    some = slice(MILLION - 1_000, MILLION)
    expect_same(
        bids[some],
        case.ask(strategy, part(batch, some)),
        "the bids of the last thousand of a million rows when they are asked alone",
        "a table or counter of limited size (int16, int32), or a bid that depends on its place in the batch",
    )


def read_only_batch(maker: object) -> None:
    """What it is handed it leaves as it is."""
    case = Case.of(maker)
    strategy = case.fresh()
    for seed in (0, 1):
        batch = case.batch(strategy, seed=seed)
        before = {name: column.copy() for name, column in batch.items()}
        case.ask(strategy, batch)
        for name, column in before.items():
            place = first_difference(column, batch[name])
            expect(
                place is None and not batch[name].flags.writeable,
                f"column {name!r} is as it was before bid()",
                f"it was changed{f' in row {place}' if place is not None else ', or opened for writing'}",
                "the column is written to, or sorted in place: work on a copy",
            )
        live(case, strategy)


def creatives(maker: object) -> None:
    """Where it chooses creatives: a number of one a request, by the request's own row alone."""
    case = Case.of(maker)
    strategy = live(case, case.fresh())
    if not hasattr(strategy, "creative"):
        raise unittest.SkipTest("has no creative(): chance rotates them")
    batch = case.batch(strategy, n=65)
    together = case.choose(strategy, batch)
    if together is None:
        raise unittest.SkipTest("creative() answers None: chance rotates them")
    there = max(len(case.market.creative), 1)
    wrong = np.flatnonzero((together < -1) | (together >= there))
    expect(
        not len(wrong),
        f"creatives from 0 to {there - 1}, or -1 for rotation",
        f"row {wrong[0]}: {together[wrong[0]]}" if len(wrong) else "",
        "the trial market has too few: ask for the market and its creatives, or give Case(maker, scenario=...)",
    )
    alone = [case.choose(strategy, part(batch, slice(i, i + 1))) for i in range(batch.n)]
    expect_same(
        together.astype(np.float64),
        np.array([-1.0 if one is None else float(one[0]) for one in alone]),
        f"the same creative on a row whether it comes in a batch of {batch.n} or alone",
        "creative() looks at other rows: take from a row its own columns alone",
    )


def speed(maker: object) -> None:
    """It bids fast enough for a study, and as fast as it says (``bids_per_second``, where it says so)."""
    case = Case.of(maker)
    strategy = case.fresh()
    rate = bids_per_second(case, live(case, strategy))
    claimed = float(getattr(strategy, "bids_per_second", None) or 0.0)
    least = max(SLOWEST, claimed / 2)
    expect(
        rate >= least,
        f"at least {least:,.0f} bids a second"
        + (f" (half of the {claimed:,.0f} claimed)" if claimed else ""),
        f"{rate:,.0f}",
        "a Python loop over rows: work on whole columns (np.where, table[code]); or a busy machine",
    )


def bids_per_second(case: Case, strategy: Strategy, least_s: float = 0.05) -> float:
    """The best of three batches, of so many rows that each takes some time."""
    rows, best = 512, 0.0
    while True:
        batch = case.batch(strategy, n=rows)
        took = []
        for _ in range(3):
            start = time.perf_counter()
            case.ask(strategy, batch)
            took.append(time.perf_counter() - start)
        best = rows / min(took)
        if min(took) > least_s or rows >= AT_ONCE:
            return best
        rows *= 4 if min(took) < least_s / 4 else 2
