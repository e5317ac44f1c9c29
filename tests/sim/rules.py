"""The rules of an auction, read plainly and in exact fractions; and little markets for the compiled kernel to settle."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import floor as whole
from typing import ClassVar, NamedTuple

import numpy as np
from hypothesis import strategies as st

from jointbid.sim.auction.arrays import (
    NOBODY,
    OUTSIDE,
)
from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.sim.streams import word

START = 100
OUTSIDE_KEY = 7
SECOND, FIRST, SOFT, GSP, VCG = (
    MECHANISMS[name] for name in ("second_price", "first_price", "soft_floor", "gsp", "vcg")
)
SEEN_KEY, CLICK_KEY, SALE_KEY = 101, 102, 103
FADING = [1.0, 0.5, 0.25]
ROTATION = [0.25, 1.0]


class Cap(NamedTuple):
    """At most ``limit`` wins of the ``members`` (bidders) in a window, by person."""

    limit: int
    window: int
    calendar: bool
    members: set[int]


@dataclass
class Case:
    """One little market: ``tables[b][k][c]`` is what bidder k asks for in cell c during block b.

    Without ``person`` everybody is new; without ``absent`` (bidders x requests) all answer.
    """

    rates: list[float]
    tables: list[list[list[int]]]
    cell: list[int]
    cuts: list[int]
    mechanism: list[int]
    floor: list[int]
    price: list[int]
    weight: list[float]
    advertiser: list[int]
    budget: list[int]
    own_floor: list[int]
    keys: list[int]
    soft: int = 0
    fee: float = 0.0
    start: ClassVar[int] = START
    outside_key: ClassVar[int] = OUTSIDE_KEY
    draw_keys: ClassVar[list[int]] = [SEEN_KEY, CLICK_KEY, SALE_KEY]
    fading: ClassVar[list[float]] = FADING
    rotation: ClassVar[list[float]] = ROTATION
    time: list[int] = field(default_factory=list)
    person: list[int] = field(default_factory=list)
    caps: list[Cap] = field(default_factory=list)
    absent: list[list[bool]] = field(default_factory=list)
    slope: list[float] = field(default_factory=list)
    offset: list[float] = field(default_factory=list)
    floor_in_score: bool = False

    def score(self, k, bid):
        """What a bid is ranked by: itself, or an affine function of it in whole micros, half to even."""
        if k < 0 or not self.slope:
            return bid
        return round(Fraction(self.slope[k]) * bid + Fraction(self.offset[k]))

    def money(self, k, score):
        """The least bid that makes this score or more."""
        if not self.slope:
            return score
        bid = 0
        while self.score(k, bid) < score:
            bid += 1
        return bid

    def bid(self, k, i):
        block = sum(cut <= i for cut in self.cuts)
        return self.tables[block][k][self.cell[i]]

    @property
    def n(self):
        return len(self.floor)

    @property
    def blocks(self):
        return [0, *self.cuts, self.n]


def case(bids, floor=0, price=-1, mechanism=SECOND, rates=(1.0,), **more):
    """One request, met by these bids."""
    k = len(bids)
    fields = {
        "weight": [],
        "advertiser": list(range(k)),
        "budget": [10**9] * k,
        "own_floor": [0] * k,
        "keys": list(range(11, 11 + k)),
    }
    table = [[[b] for b in bids]]
    return Case(list(rates), table, [0], [], [mechanism], [floor], [price], **fields | more)


# the rules, read plainly, in exact fractions


def chance(key, position):
    """The stream's uniform: the upper 53 bits of its word."""
    return (int(word(np.uint64(key), position)) >> 11) / 2**53


def is_full(cap, person, now, won):
    """Whether the members have reached the person as often as may be; ``won`` holds (bidder, person, time)."""
    within = [
        t // cap.window == now // cap.window if cap.calendar else now - t < cap.window
        for k, who, t in won
        if k in cap.members and who == person
    ]
    return sum(within) >= cap.limit


def may_win(c, k, i, won):
    """No one who is absent, and no one on whom a cap is full."""
    if c.absent and c.absent[k][i]:
        return False
    return not any(k in cap.members and is_full(cap, c.person[i], c.time[i], won) for cap in c.caps)


def rate_of(bid, others, rates):
    """The click rate that a bid (not tied) gets among these others."""
    slot = sum(other > bid for other in others)
    return rates[slot] if slot < len(rates) else Fraction(0)


def area_below(bid, others, floor, rates):
    """The area under the click rate as a function of the bid, from the floor up to the bid.

    Bid x rate - this area is what a truthful mechanism charges (Myerson 1981): VCG, computed without its own formula.
    """
    steps = sorted({floor, bid, *(b for b in others if floor < b < bid)})
    return sum(
        (high - low) * rate_of(Fraction(low + high) / 2, others, rates) for low, high in pairwise(steps)
    )


def by_the_rules(c, charged=None):
    """Per request and slot (winner, paid, bid), the best loser, what is left, the fees: sort what stands, and charge.

    ``charged`` (requests, slots) are charges to go on from where they are right to within half a micro: rates like .7
    are no binary fractions, and what is a half in one arithmetic is not in another.
    """
    rates, left = [Fraction(r) for r in c.rates], list(c.budget)
    out, fees, won = [], 0, []
    for i in range(c.n):
        weight = Fraction(c.weight[i]) if c.weight else Fraction(1)
        standing = []
        for k in range(len(left)):
            bid = min(c.bid(k, i), whole(left[k] / float(weight * rates[0])))
            score = c.score(k, bid)
            passes = score >= max(c.floor[i], 0) if c.floor_in_score else score >= 0 and bid >= c.floor[i]
            if bid > 0 and passes and bid >= c.own_floor[k] and may_win(c, k, i, won):
                standing.append((score, int(word(np.uint64(c.keys[k]), START + i)), k, bid))
        if c.price[i] >= max(c.floor[i], 0):
            standing.append((c.price[i], int(word(np.uint64(OUTSIDE_KEY), START + i)), OUTSIDE, c.price[i]))
        standing.sort(reverse=True)
        ranked, seen = [], set()
        for score, _, k, bid in standing:  # of one advertiser the best score alone
            firm = c.advertiser[k] if k >= 0 else "outside"
            if firm not in seen:
                seen.add(firm)
                ranked.append((score, k, bid))
        slots = []
        for slot, rate in enumerate(rates):
            if slot >= len(ranked):
                slots.append((NOBODY, 0, -1))
                continue
            _, winner, bid = ranked[slot]
            paid = 0
            if winner >= 0:
                floor = max(c.money(winner, c.floor[i]), c.own_floor[winner])
                if not c.floor_in_score:
                    floor = max(c.floor[i], c.money(winner, 0), c.own_floor[winner])
                following = c.money(winner, ranked[slot + 1][0]) if slot + 1 < len(ranked) else 0
                if c.mechanism[i] == FIRST or (c.mechanism[i] == SOFT and bid < c.soft):
                    charge = bid * rate
                elif c.mechanism[i] in {SECOND, GSP}:
                    charge = max(following, floor) * rate
                elif c.mechanism[i] == SOFT:
                    charge = max(following, floor, c.soft) * rate
                else:
                    others = [  # of those above none is passed by a lower bid, also where scores are rounded to the same
                        max(c.money(winner, score), bid if place < slot else 0)
                        for place, (score, k, _) in enumerate(ranked)
                        if k != winner
                    ]
                    charge = bid * rate - area_below(bid, others, floor, rates)
                paid = round(charge * weight)
                if charged is not None:
                    assert abs(charge * weight - charged[i, slot]) <= 0.5 + 1e-6
                    paid = int(charged[i, slot])
                left[winner] -= paid
                if c.person:
                    won.append((winner, c.person[i], c.time[i]))
                fees += round(Fraction(c.fee) * paid)
            slots.append((winner, paid, bid))
        out.append((slots, ranked[len(rates)][0] if len(ranked) > len(rates) else -1))
    return out, left, fees


def shown(c, winners, effects):
    """What the impressions do, in order, computed plainly: (value, clicks, conversions, viewed, reach) by bidder, the record's
    viewed and creative, and the responses. ``effects`` are those of one seen impression, [creative][bidder][request]."""
    totals = np.zeros((5, len(c.budget)))
    viewed, creatives = np.zeros(winners.shape, dtype=bool), np.full(winners.shape, -1)
    responses, met = [], Counter()
    for i, slot in np.ndindex(*winners.shape):
        k = int(winners[i, slot])
        if k < 0:
            continue
        place = (START + i) * len(c.rates) + slot
        creative = sum(chance(c.keys[k] ^ 1, place) >= edge for edge in ROTATION)
        one = {name: float(table[creative][k][i]) for name, table in effects.items()}
        who = (c.person[i], c.advertiser[k]) if c.person else (-1 - place, k)
        strength = c.rates[slot] * (FADING[min(met[who], len(FADING) - 1)] if c.person else 1.0)
        weight = c.weight[i] if c.weight else 1.0
        totals[:3, k] += [weight * strength * one[name] for name in ("worth", "click", "conversion")]
        creatives[i, slot] = creative
        if chance(SEEN_KEY, place) >= one["seen"]:
            continue
        viewed[i, slot] = True
        totals[3:, k] += (
            weight,
            bool(c.person) and met[who] == 0,
        )  # no unknown person is counted twice, or at all
        met[who] += 1
        u = chance(CLICK_KEY, place)
        clicked = u < strength * one["seen_click"]
        sold = chance(SALE_KEY, place) < one["after_click"]
        if not clicked:
            sold = u >= 1.0 - strength * one["seen_conversion"]
        if clicked or sold:
            responses.append((i, slot, k, clicked, sold))
    return totals, viewed, creatives, responses


AMOUNTS = st.integers(0, 6)
SLOPES, OFFSETS = st.sampled_from([1.0, 0.5, 2.0, 1.25, 0.375]), st.sampled_from([0.0, -1.0, -2.5, 0.5])
RATES = [
    [1.0],
    [200.0, 100.0],
    [1.0, 1.0],
    [2.5],
    [1.0, 0.75, 0.5],
    [0.5, 0.125],
    [4.0, 1.5, 1.5, 0.25],
]  # exact in binary, so that halves are halves


def lists(of, length, **options):
    return st.lists(of, min_size=length, max_size=length, **options)


@st.composite
def rankings(draw, k):
    """By bid, or by scores that tie, round and fall below 0."""
    if draw(st.booleans()):
        return {}
    return {
        "slope": draw(lists(SLOPES, k)),
        "offset": draw(lists(OFFSETS, k)),
        "floor_in_score": draw(st.booleans()),
    }


@st.composite
def cases(draw, *, weighted=True, bidders=(1, 9), ranked=True):
    """Few distinct amounts, so that ties, floors that equal bids and budgets of nearly nothing are the rule."""
    k, n, cells = draw(st.integers(*bidders)), draw(st.integers(1, 12)), draw(st.integers(1, 3))
    rates = draw(st.sampled_from(RATES))
    cuts = sorted(draw(st.sets(st.integers(1, max(n - 1, 1)), max_size=2)) - {n})
    kinds = st.sampled_from(sorted(set(MECHANISMS.values())))
    people = draw(st.sampled_from([0, 1, 2, 3]))
    caps = st.builds(
        Cap, st.integers(1, 2), st.integers(1, 6), st.booleans(), st.sets(st.integers(0, k - 1), min_size=1)
    )
    return Case(
        time=np.cumsum(draw(lists(st.integers(1, 3), n))).tolist(),
        person=draw(lists(st.integers(0, people - 1), n)) if people else [],
        caps=draw(st.lists(caps, max_size=3)) if people else [],
        absent=draw(st.one_of(st.just([]), lists(lists(st.booleans(), n), k))),
        rates=rates,
        tables=draw(lists(lists(lists(AMOUNTS, cells), k), len(cuts) + 1)),
        cell=draw(lists(st.integers(0, cells - 1), n)),
        cuts=cuts,
        mechanism=draw(lists(kinds, n)),
        floor=draw(lists(st.integers(0, 3), n)),
        price=draw(lists(st.integers(-1, 5), n)),
        weight=draw(st.one_of(st.just([]), lists(st.sampled_from([1.0, 2.5, 0.5, 37.5]), n)))
        if weighted
        else [],
        advertiser=draw(st.one_of(st.just(list(range(k))), lists(st.integers(0, 3), k))),
        budget=[whole(b * rates[0]) for b in draw(lists(st.one_of(st.integers(0, 12), st.just(10**6)), k))],
        own_floor=draw(st.one_of(st.just([0] * k), lists(st.integers(0, 4), k))),
        keys=draw(lists(st.integers(8, 2**64 - 1), k, unique=True)),
        soft=draw(AMOUNTS),
        fee=draw(st.sampled_from([0.0, 0.125, 0.5, 1.0])),
        **draw(rankings(k) if ranked else st.just({})),
    )
