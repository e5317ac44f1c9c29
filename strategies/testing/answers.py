"""Checks of single calls of ``bid`` and ``creative``: valid numbers, and one row independent of another."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Feedback
from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.sim.scenario.base import MAX_MONEY

from .case import Case, check
from .failure import expect, expect_same, first_difference
from .life import Life, account, call, feedback_of, live
from .trial import part


@check
def protocol(case: Case) -> None:
    """It has all parts of a strategy, declares what it reads, and returns a bid for each request; the other checks need that."""
    strategy = case.new()
    reads = strategy.reads
    expect(
        reads is None or (isinstance(reads, tuple) and all(isinstance(name, str) for name in reads)),
        "reads is a tuple of column names, or None for all that it may see",
        repr(reads),
        "a tuple of one needs its comma, ('value',); a list is not a tuple",
    )
    expect(
        len(set(reads or ())) == len(reads or ()),
        "reads names each column once",
        repr(reads),
        "a column stands there twice: remove one",
    )
    expect(
        strategy.reads == reads,
        "reads is the same at each look",
        f"{reads!r}, then {strategy.reads!r}",
        "it is a property that counts, draws, or lists a set: make it a tuple of the class",
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
    expect(
        (strategy.reads, strategy.learns) == (reads, case.new().learns),
        "reads and learns stay as they are at the start",
        f"reads = {strategy.reads!r}, learns = {strategy.learns!r} after some control steps",
        "the engine looks at them once, before the first request: set them in the class or in __init__",
    )


@check
def valid_bids(case: Case) -> None:
    """Bids are finite float64 numbers, 0 or more, at the start and after a while."""
    strategy = case.new()
    for when in ("fresh", "after feedback and control"):
        for seed in (0, 1):
            batch = case.batch(strategy, seed=seed)
            bids = case.ask(strategy, batch)
            expect(
                not isinstance(bids, np.ma.MaskedArray),
                "bids are a plain array",
                "a MaskedArray",
                "its mask is not looked at, so that what is masked would be bid: bids.filled(0.0)",
            )
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


@check
def row_wise(case: Case) -> None:
    """A row's bid depends neither on the other rows nor on how many they are."""
    strategy = live(case, case.new())
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
            "be learned of many rows from observe(); or it answers an array of its own that the next call overwrites: a new one each time; or asking changes the answer: see deterministic_under_seed",
        )


@check
def one_row(case: Case) -> None:
    """A batch may have one row."""
    strategy = live(case, case.new())
    many = case.ask(strategy, case.batch(strategy, n=20))
    one = case.ask(strategy, part(case.batch(strategy, n=20), slice(7, 8)))
    expect_same(
        many[7:8], one, "the bid that the row has in a batch", "np.squeeze, or a branch on the number of rows"
    )


@check
def empty_batch(case: Case) -> None:
    """A batch may have no row, at the start and later."""
    strategy = case.new()
    case.ask(strategy, case.batch(strategy, n=0))
    live(case, strategy)
    case.ask(strategy, case.batch(strategy, n=0))


@check
def read_only_batch(case: Case) -> None:
    """It does not change what it receives: the batch, the feedback, the account."""
    strategy = case.new()
    for seed in (0, 1):
        batch = case.batch(strategy, seed=seed)
        before = {name: column.copy() for name, column in batch.items()}
        case.ask(strategy, batch)
        for name, column in before.items():
            _expect_unchanged(
                f"column {name!r} is as it was before bid()", column, batch[name], was_open=False
            )
        live(case, strategy)
    _leaves_reports(case)


def _leaves_reports(case: Case) -> None:
    """Hand it feedback and accounts, and compare them with copies."""
    strategy, waiting, life = case.new(), list[Any](), Life()
    for step in (1, 2):
        feedback, state = feedback_of(case, strategy, step, life, waiting), account(case, step, life)
        columns, figures = dict(_columns(feedback)), replace(state)
        if strategy.learns:
            kept = {name: (column.copy(), column.flags.writeable) for name, column in columns.items()}
            call(strategy, "observe", feedback, life.hour(step))
            for name, (column, was_open) in kept.items():
                expected = f"feedback's {name} is as it was before observe()"
                _expect_unchanged(expected, column, columns[name], was_open=was_open)
        call(strategy, "control", state, life.hour(step))
        changed = [field.name for field in fields(state) if not _is_same(getattr(state, field.name), getattr(figures, field.name))]  # fmt: skip
        expect(
            not changed,
            "the account is as it was before control()",
            ", ".join(f"state.{name} = {getattr(state, name)}, which was {getattr(figures, name)}" for name in changed),
            "object.__setattr__ writes to it: keep what you work out in attributes of self",
        )  # fmt: skip


def _expect_unchanged(expected: str, before: NDArray[Any], now: NDArray[Any], *, was_open: bool) -> None:
    place = first_difference(before, now)
    expect(
        place is None and now.flags.writeable == was_open,
        expected,
        f"it was changed{f' in row {place}' if place is not None else ', or opened for writing'}",
        "the column is written to, or sorted in place: work on a copy",
    )


def _columns(feedback: Feedback) -> Iterator[tuple[str, NDArray[Any]]]:
    for name in ("position", "bid", "won", "late", "price_paid", "minimum_bid_to_win", "viewed", "creative"):
        yield name, getattr(feedback, name)
    for kind in ("clicks", "conversions"):
        known = getattr(feedback, kind)
        for name in ("position", "creative", "hour", "weight", "margin", "pending"):
            yield f"{kind}.{name}", getattr(known, name)
        yield from ((f"{kind}.requests[{name!r}]", column) for name, column in known.requests.items())
    yield from ((f"requests[{name!r}]", column) for name, column in feedback.requests.items())


def _is_same(one: float, other: float) -> bool:
    return one == other or (one != one and other != other)  # noqa: PLR0124 - nan


@check
def creatives(case: Case) -> None:
    """If it chooses creatives, it returns the number of one for each request, by the request's own row alone."""
    strategy = live(case, case.new())
    batch = case.batch(strategy, n=65)
    together = case.choose(strategy, batch)
    if (together == -1).all():
        raise unittest.SkipTest("it chooses no creatives: they rotate")
    there = max(len(case.market.creative), 1)
    wrong = np.flatnonzero((together < -1) | (together >= there))
    expect(
        not len(wrong),
        f"creatives from 0 to {there - 1}, or -1 for rotation",
        f"row {wrong[0]}: {together[wrong[0]]}" if len(wrong) else "",
        "the trial market has too few: ask for the market and its creatives, or give Case(maker, scenario=...)",
    )
    alone = [case.choose(strategy, part(batch, slice(i, i + 1)))[0] for i in range(batch.n)]
    expect_same(
        together,
        np.array(alone),
        f"the same creative on a row whether it comes in a batch of {batch.n} or alone",
        "creative() looks at other rows: take from a row its own columns alone",
    )
