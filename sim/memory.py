"""What is remembered of each person: what it has seen of whom, and the wins that frequency caps count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .auction.arrays import Memory, in_lines
from .auction.booking import MAX_SEEN
from .scenario import HOUR_US, Cap, LogSupply, SyntheticSupply, Terms

MAX_REMEMBERED = 1 << 28
"""The most times or counts that are kept: two gigabytes of times."""
RARE_US = 1000
"""Requests that are this far apart on average all come within the horizon; others may be pushed out, as no two share a microsecond."""


class Counter(NamedTuple):
    """A cap, and whose wins it counts: a campaign's or an advertiser's name."""

    cap: Cap
    whose: str


def open_memory(
    people: int | None, terms: Mapping[str, Terms], owners: Sequence[str], lasts_us: float = inf
) -> Memory:
    """An empty memory for the bidders (name -> terms; ``owners``, their advertisers, in the same order), whose requests all come in ``lasts_us``.

    Pages of it are only used as people come. Raises ``ValueError`` for caps without people, and where it would not fit.
    """
    advertisers = list(dict.fromkeys(owners))
    bound = {
        (cap, _whose(cap, name, owner))
        for (name, term), owner in zip(terms.items(), owners, strict=True)
        for cap in term.caps
    }
    if people is None and not bound:
        return _empty_memory(len(terms), len(advertisers))
    counters = [Counter(*entry) for entry in sorted(bound, key=repr)]
    if people is None and counters:
        raise ValueError(f"caps of {counters[0].whose!r}: requires audience.people (the number of people)")
    counts = [
        [c for c, counter in enumerate(counters) if counter.whose == _whose(counter.cap, name, owner)]
        for name, owner in zip(terms, owners, strict=True)
    ]
    binds = [[k for k, own in enumerate(counts) if c in own] for c in range(len(counters))]
    limit = np.array([counter.cap.impressions for counter in counters], dtype=np.int64)
    window_us = _whole(round(counter.cap.window_h * HOUR_US) for counter in counters)
    calendar = np.array([counter.cap.window == "calendar" for counter in counters], dtype=np.bool_)
    lasting = window_us >= lasts_us
    size, first = np.where(lasting, 0, np.where(calendar, 1, limit)), len(terms) if counters else 0
    people, width = people or 0, first + int(size.sum())
    marks = max(len(advertisers), 1) + len(counters) + (0 if size.any() else -(-first // 8))
    _check(people, width + len(counters), len(advertisers))
    return Memory(
        seen=in_lines(people, marks, np.uint8 if (limit <= MAX_SEEN).all() else np.uint16),
        advertisers=max(len(advertisers), 1),
        begin=np.cumsum([0, *map(len, counts)]).astype(np.int64),
        counter=_whole(chain.from_iterable(counts)),
        bound_begin=np.cumsum([0, *map(len, binds)]).astype(np.int64),
        bound=_whole(chain.from_iterable(binds)),
        limit=limit,
        window_us=window_us,
        calendar=calendar,
        lasting=lasting,
        place=(first + np.cumsum(size) - size).astype(np.int64),
        state=in_lines(people, width if size.any() else 0, np.int64),
        fetches=bool(size.any()),
        fresh=np.zeros((0, len(advertisers))),
        group=1,
    )


@lru_cache(maxsize=64)
def _empty_memory(bidders: int, advertisers: int) -> Memory:
    """Return the memory where everybody is new: there is nothing in it that could change, and all runs share it."""
    none, begin = np.zeros(0, dtype=np.int64), np.zeros(bidders + 1, dtype=np.int64)
    return Memory(
        seen=np.zeros((0, max(advertisers, 1)), dtype=np.uint8),
        advertisers=max(advertisers, 1),
        begin=begin,
        counter=none,
        bound_begin=np.zeros(1, dtype=np.int64),
        bound=none,
        limit=none,
        window_us=none,
        calendar=np.zeros(0, dtype=np.bool_),
        lasting=np.zeros(0, dtype=np.bool_),
        place=none,
        state=np.zeros((0, 0), dtype=np.int64),
        fetches=False,
        fresh=np.zeros((0, advertisers)),
        group=1,
    )


def longest_us(supply: SyntheticSupply | LogSupply) -> float:
    """Return a time in which all requests come; a log has no people whom caps would count."""
    if supply.kind == "log":
        return inf
    end_us = round(supply.horizon_h * HOUR_US)
    return end_us if supply.requests * RARE_US <= end_us else end_us + supply.requests


def _whose(cap: Cap, campaign: str, advertiser: str) -> str:
    """Whose wins a cap counts, and so whom it binds."""
    return advertiser if cap.per == "advertiser" else campaign


def _check(people: int, times: int, advertisers: int) -> None:
    for what, each in (("numbers for frequency caps", times), ("advertisers", advertisers)):
        if people * each > MAX_REMEMBERED:
            raise ValueError(
                f"audience.people = {people} x {each} {what}: at most {MAX_REMEMBERED} can be remembered; "
                "simulate a sample of the people"
            )


def _whole(numbers: Iterable[int]) -> NDArray[np.int64]:
    return np.fromiter(numbers, dtype=np.int64)
