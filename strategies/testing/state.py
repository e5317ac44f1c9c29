"""Checks of a strategy's state: it belongs to the object, all of it, and to no other."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pickle import dumps, loads
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Strategy

from .case import Case, Named, check
from .clean_process import NoCleanProcess, run_in_clean_process
from .failure import CheckFailed, expect_same
from .life import Life, finish, live


@check
def deterministic_under_seed(case: Case) -> None:
    """The same life makes the same bids: all chance comes from the column ``uniform``, and asking changes nothing."""
    for ask in (case.ask, case.choose):
        answers = []
        for seed in (1, 2):
            with _global_seed(seed):
                strategy = live(case, case.new())
                batch = case.batch(strategy)
                answers += [ask(strategy, batch), ask(strategy, batch)]
        first, again, other, _ = answers
        expect_same(
            first,
            again,
            "the same answers on the same batch, twice",
            "bid() changes the strategy's state, or draws random numbers: move state in observe() and control() alone, and "
            "take chance from requests['uniform'], with 'uniform' in reads",
        )
        expect_same(
            first,
            other,
            "two of them with the same life answer the same",
            "random, numpy.random, the time of day, or the order of a set: take chance from requests['uniform'], with 'uniform' in reads",
        )


@check
def clone(case: Case) -> None:
    """A copy bids the same, and what happens to the copy leaves the original as it is."""
    original = live(case, case.new())
    batch = case.batch(original)
    before = case.ask(original, batch)
    try:
        copied = copy.deepcopy(original)
    except Exception as error:
        raise CheckFailed(
            "copy.deepcopy(strategy) works",
            f"{type(error).__name__}: {error}",
            "it holds an open file, a lock, a generator or a connection",
        ) from error
    expect_same(
        before,
        case.ask(copied, batch),
        "a copy bids as the original does",
        "state is kept outside the object, or __deepcopy__ leaves something out",
    )
    live(case, copied, Life(budget=7.0, spend=2.0))
    expect_same(
        before,
        case.ask(original, batch),
        "the original bids as before, after anything that its copy goes through",
        "both share a list, dict or array: it is an attribute of the class or of the module; make it in __init__",
    )


@check
def pickle(case: Case) -> None:
    """It survives pickling, with its state: workers and clusters receive it that way."""
    original = live(case, case.new())
    batch = case.batch(original)
    try:
        other = loads(dumps(original))  # noqa: S301 - our own bytes
    except Exception as error:
        raise CheckFailed(
            "pickle.dumps(strategy) and back works",
            f"{type(error).__name__}: {error}",
            "it holds a lambda, a local function or class, an open file or a lock: keep plain data, and make functions "
            "methods; a class must stand at the top level of its module",
        ) from error
    expect_same(
        case.ask(original, batch),
        case.ask(other, batch),
        "the pickled one bids as the original does",
        "__getstate__ or __reduce__ leaves something out, or state is kept outside the object",
    )


@check
def reset(case: Case) -> None:
    """A new one is as new: it inherits nothing from those before it."""
    new = case.new()
    _bids_of_two(case, new)
    if not is_own(type(new)):
        _in_clean_process(case)


def _bids_of_two(case: Case, first: Strategy, where: str = "") -> NDArray[np.float64]:
    """Return the bids of a new strategy; raise ``CheckFailed`` where a second one bids otherwise, new or after the same life."""
    batch = case.batch(first)
    expected = case.ask(first, batch)
    lived = case.ask(live(case, first), batch)
    finish(case, first)
    again = case.new(restore=False)
    expect_same(
        expected, case.ask(again, batch), f"{where}a second one bids as the first did before its life", LEAK
    )
    expect_same(
        lived,
        case.ask(live(case, again), batch),
        f"{where}a second one with the same life bids as the first",
        LEAK,
    )
    return expected


LEAK = "state is kept by the class, the module or a default argument (def __init__(self, seen=[])): make it in __init__"


def is_own(kind: type) -> bool:
    """Return whether a class, and what it holds, ships with jointbid."""
    return kind.__module__.partition(".")[0] == "jointbid"


def _in_clean_process(case: Case) -> None:
    """Do the same where no strategy has lived before: what earlier ones have left may hide a leak."""
    try:
        found = run_in_clean_process(__name__, "second_of_two", case.named)
    except NoCleanProcess:
        return  # a class of a notebook, a local function: no other process finds it
    if isinstance(found, tuple):
        raise CheckFailed(*found)
    first = case.new()
    expect_same(
        case.ask(first, case.batch(first)),
        found,
        "in another process it bids as in this one",
        "hash() of a text and the order of a set differ between processes: sorted(...) for a set, zlib.crc32 for a hash; or it reads "
        "the environment, a clock or a file that changes",
    )


def second_of_two(named: Named) -> tuple[str, str, str] | NDArray[Any]:
    """Return how a second strategy differs from the first of this process, as a ``CheckFailed`` tells it; where it does not, the bids."""
    case = Case.from_named(named)
    try:
        return _bids_of_two(case, case.new(restore=False), "in a process of its own, ")
    except CheckFailed as failed:
        if failed.cause != LEAK:
            raise
        return failed.expected, failed.came, failed.cause


@contextmanager
def _global_seed(seed: int) -> Iterator[None]:
    """Seed Python's and numpy's shared generators, and put them back afterwards."""
    before, numpy_before = random.getstate(), np.random.get_state()  # noqa: NPY002 - what strategies may wrongly use
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(numpy_before)  # noqa: NPY002
