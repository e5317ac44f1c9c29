"""Little markets (`rules.Case`) settled by the compiled kernel, with its columns laid out in every way."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from jointbid.sim.auction.arrays import (
    Bids,
    Effects,
    Memory,
    Record,
    Requests,
    Responses,
    Rules,
    Scores,
    Seats,
    Shortlist,
)
from jointbid.sim.auction.kernel import clear
from jointbid.sim.ledger import open_ledger


def lay_out(c, layout, length):
    """(bids, cells, shortlist) with room for one block's table; ``load`` fills it."""
    bidders, n, cells = len(c.budget), c.n, len(c.tables[0][0]) if c.budget else 1
    column = np.array([c.cell], dtype=np.int32).reshape(1, n)
    spare = length if layout == "shortlist" else 1
    places = cells if layout == "shortlist" else 0
    who, bid = np.zeros((places, spare), np.int16), np.zeros((places, spare), np.int64)
    lowest, above = np.zeros((2, 2), np.int64)  # of two cells at a time
    shortlist = Shortlist(
        who, bid, np.zeros(places, np.int16), np.full(places, -1, np.int64), np.full(1, -1), lowest, above
    )
    zero, number = np.zeros(bidders, np.int64), np.arange(bidders)
    no_names = np.empty(0, np.int16)
    if layout == "rows":
        bids = Bids(np.zeros(bidders * n, np.int64), n * number, zero - 1, False, no_names)
        return bids, np.empty((0, n), np.int32), shortlist
    shared = layout != "cells"
    return (
        Bids(np.zeros(bidders * cells, np.int64), cells * number, zero, shared, no_names),
        column,
        shortlist,
    )


def load(c, layout, block, bids):
    table = np.array(c.tables[block], dtype=np.int64).reshape(len(c.budget), -1)
    if layout == "rows":
        bids.numbers[:] = table[:, c.cell].ravel()
    else:
        bids.numbers[:] = table.ravel()


def remembered(c):
    """An empty memory, laid out by hand."""
    people, limits = max(c.person, default=-1) + 1, np.array([cap.limit for cap in c.caps], np.int64)
    bidders, advertisers = len(c.budget), max(c.advertiser, default=0) + 1
    counts = [[j for j, cap in enumerate(c.caps) if k in cap.members] for k in range(bidders)]
    members = [[k for k in range(bidders) if k in cap.members] for cap in c.caps]
    return Memory(
        seen=np.zeros((people, advertisers + len(limits)), np.uint8),
        advertisers=advertisers,
        begin=np.cumsum([0, *map(len, counts)]),
        counter=np.array([j for own in counts for j in own], np.int64),
        bound_begin=np.cumsum([0, *map(len, members)]),
        bound=np.array([k for own in members for k in own], np.int64),
        limit=limits,
        window_us=np.array([cap.window for cap in c.caps], np.int64),
        calendar=np.array([cap.calendar for cap in c.caps], bool),
        lasting=np.zeros(len(limits), bool),
        place=bidders + np.cumsum(limits) - limits,
        state=np.zeros((people, bidders + limits.sum()), np.int64),
        fetches=len(limits) > 0,
        fresh=np.zeros((0, 1)),
        group=1,
    )


def effects_of(c):
    """Numbers of no meaning, all different; shape (creatives, bidders, requests)."""
    shape = (len(c.rotation), len(c.budget), c.n)
    draws = np.random.default_rng(5).random((6, *shape))
    names = ("seen", "seen_click", "seen_conversion", "after_click", "click", "conversion")
    return {"worth": 1.0 + np.arange(np.prod(shape), dtype=float).reshape(shape)} | dict(
        zip(names, draws * np.array([1.0, 0.6, 0.4, 1.0, 1.0, 1.0])[:, None, None, None], strict=True)
    )


class Settled(NamedTuple):
    """What a market leaves: ledger, record, and the responses as tuples."""

    ledger: object
    record: Record
    responses: list[tuple[int, ...]]


def settle(c, layout="rows", length=1):
    n, bidders, slots = c.n, len(c.budget), len(c.rates)
    bids, cells, shortlist = lay_out(c, layout, length)
    ledger = open_ledger([b / 1e6 for b in c.budget], slots)
    assert ledger.left.tolist() == c.budget
    winner, bid = np.full((2, n, slots), -9, dtype=np.int64)
    viewed, creative = np.zeros((n, slots), bool), np.full((n, slots), -1, np.int16)
    brings = np.zeros((3, n, slots))
    record = Record(winner, np.zeros_like(winner), bid, np.full(n, -9), viewed, creative, *brings)
    requests = Requests(
        start=c.start,
        time_us=np.array(c.time or range(n), np.int64),
        mechanism=np.array(c.mechanism, np.int8),
        floor=np.array(c.floor, np.int64),
        price=np.array(c.price, np.int64),
        weight=np.array(c.weight, dtype=float),
        person=np.array(c.person, np.int64),
        absent=np.packbits(np.array(c.absent, bool).reshape(-1, n).T, axis=1, bitorder="little"),
        cells=cells,
    )
    keys = np.array(c.keys, np.uint64)
    effects = Effects(
        **{name: table.ravel() for name, table in effects_of(c).items()},
        offset=n * np.arange(bidders),
        column=np.full(bidders, -1, np.int64),
        creative_stride=bidders * n,
        apart=1,
        rotation=np.array(c.rotation),
        rotation_key=keys ^ np.uint64(1),
        fading=np.array(c.fading),
        keys=np.array(c.draw_keys, np.uint64),
        drawn=True,
        lasting=np.empty(0),
    )
    seats = Seats(
        np.array(c.own_floor, np.int64),
        np.array([-1, *c.advertiser], np.int64),
        np.array([c.outside_key, *c.keys], np.uint64),
        campaigns=len(set(c.advertiser)) < bidders,
    )
    top, names, bid, money = np.zeros((4, len(c.rates) + 1), dtype=np.int64)
    slope, offset = np.array([1.0, *c.slope]), np.array([0.0, *c.offset])
    scores = Scores(slope, offset, c.floor_in_score, bid, money) if c.slope else None
    rules, memory, happened = (
        Rules(np.array(c.rates), c.soft, c.fee, top, names, np.zeros(-(-bidders // 8), np.uint8)),
        remembered(c),
        [],
    )
    for block, first in enumerate(c.blocks[:-1]):
        last = c.blocks[block + 1]
        load(c, layout, block, bids)
        part = Record(*(column[first:last] for column in record))
        most = (last - first) * slots
        responses = Responses(
            np.zeros(1, np.int64), *np.full((3, most), -9, np.int64), *np.zeros((2, most), bool)
        )
        clear(
            first, last, 40 + block, requests, rules, scores, bids, effects, seats, memory, shortlist, ledger, part, responses,
        )  # fmt: skip
        happened += zip(*(column[: responses.filled[0]].tolist() for column in responses[1:]), strict=True)
    return Settled(ledger, record, happened)


def table_of(settled):
    """Everything that a run leaves, as plain lists."""
    return [*(column.tolist() for column in (*settled.ledger, *settled.record)), settled.responses]
