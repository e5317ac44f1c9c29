"""Markets drawn over everything that a scenario can say, and their runs: every table, every auction, all that bidders receive.

``pick`` takes a sequence and gives one of its elements.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from jointbid.sim import Entrant, Scenario, simulate
from jointbid.sim.scenario import Cap, Terms
from jointbid.sim.scenario.auction import Rank
from jointbid.strategies.base import Policy, Priced
from jointbid.strategies.policies.linear import Linear, Truthful
from jointbid.strategies.policies.pacing import AdaptivePacing
from jointbid.strategies.valuations.bayes import bayes

GRID = 0.125


class Coarse:
    """Another strategy's bids on a grid."""

    def __init__(self, inner):
        self.inner, self.reads, self.learns = inner, inner.reads, inner.learns

    @property
    def multiplier(self):
        return self.inner.multiplier

    def bid(self, requests):
        return GRID * np.rint(self.inner.bid(requests) / GRID)

    def observe(self, feedback):
        self.inner.observe(feedback)

    def control(self, state):
        self.inner.control(state)


class Chooses:
    """Another strategy that also says which of the creatives to show: by the cell, and some it leaves to the rotation."""

    def __init__(self, inner, creatives):
        self.inner, self.creatives, self.reads, self.learns = inner, creatives, inner.reads, inner.learns
        self.steps = 0

    @property
    def multiplier(self):
        return self.inner.multiplier

    def bid(self, requests):
        return self.inner.bid(requests)

    def creative(self, requests):
        if self.steps % 5 == 4:
            return None
        cell = np.full(requests.n, self.steps)
        for column in requests.values():
            cell = 3 * cell + (column if column.dtype.kind == "i" else 7 * column).astype(int)
        return cell % (self.creatives + 1) - 1

    def observe(self, feedback):
        self.inner.observe(feedback)

    def control(self, state):
        self.steps += 1
        self.inner.control(state)


class Stochastic(Policy):
    """Row-wise and random: bids what its own column `uniform` says, by the hour."""

    reads = ("uniform", "hour", "floor")

    def bid(self, requests):
        return 2.0 * requests["uniform"] * (1.0 + 0.25 * np.floor(requests["hour"])) + 0.5 * requests["floor"]


RECEIVED = []
"""Digests of all that reactive bidders received, in order."""


def digest(thing, so_far=0):
    """A checksum of all that is handed over: every field and every column, its name, type and length."""
    if isinstance(thing, np.ndarray):
        return zlib.crc32(thing.tobytes(), zlib.crc32(thing.dtype.str.encode(), so_far + len(thing)))
    if isinstance(thing, (int, float)):
        return zlib.crc32(repr(thing).encode(), so_far)
    names = thing if isinstance(thing, Mapping) else thing.__slots__
    for name in names:
        part = thing[name] if isinstance(thing, Mapping) else getattr(thing, name)
        so_far = digest(part, zlib.crc32(name.encode(), so_far))
    return so_far


class Reactive(Policy):
    """Learns: everything in its feedback and its account moves its gain, which it bids times the value."""

    learns = True

    def __init__(self):
        self.gain = self.multiplier = 1.0

    def bid(self, requests):
        return self.gain * requests["value"]

    def observe(self, feedback):
        RECEIVED.append(digest(feedback))
        if len(feedback.bid):
            missed = (feedback.minimum_bid_to_win - feedback.bid)[~feedback.won]
            push = 0.3 * np.tanh(missed.mean()) if len(missed) else -0.1
            regret = feedback.price_paid.sum() / feedback.bid.sum() if feedback.bid.sum() > 0 else 0.0
            known = (len(feedback.clicks.hour) + 3 * len(feedback.conversions.hour)) / len(feedback.bid)
            self._move(1.0 + push - 0.2 * regret + 0.02 * np.tanh(known) - 0.1 * feedback.late.mean())
        self._move(1.0 + 0.2 * (RECEIVED[-1] / 2**32 - 0.5))

    def control(self, state):
        RECEIVED.append(digest(state))
        if state.budget_left < state.budget * state.hours_left / state.horizon_h:
            self._move(0.9)
        self._move(1.0 + 0.02 * (RECEIVED[-1] / 2**32 - 0.5))

    def _move(self, factor):
        self.gain = self.multiplier = float(np.clip(factor * self.gain, 0.25, 4.0))


POLICIES = {"truthful": Truthful, "linear": lambda: Linear(0.8), "pacing": lambda: AdaptivePacing(0.2)}
POLICIES |= {"reactive": Reactive}
PLAIN = ["second_price", "first_price", "soft_floor", "gsp", "vcg"]
TYPES = [*PLAIN, {"second_price": 1, "first_price": 2}, {"soft_floor": 0.2, "vcg": 0.5, "first_price": 0.3}]
UNIFORM, LOGNORMAL = (
    {"landscape": "uniform", "high": 2.0},
    {"landscape": "lognormal", "mu": -0.2, "sigma": 0.7},
)
QUALITY, HIGH = {"bidder_0": 1.5, "bidder_1": 0.3, "bidder_3": 0.75}, {"bidder_0": 0.5, "bidder_2": 1.75}
RANKS = [
    *({}, {}, {}, {"rule": "quality", "by_bidder": QUALITY}, {"rule": "virtual_value", "by_bidder": HIGH}),
    {"rule": "quality", "by_bidder": QUALITY, "exponent": 0.5, "floor_in": "score"},
]
RIVALS = [{}, {}, UNIFORM, LOGNORMAL, {"landscape": "normal", "mu": 1.0, "sigma": 0.0}]
SLOTS = [[1.0], [1.0], [1.0, 0.6], [200.0, 100.0], [2.5, 1.0, 0.3], [1.0, 1.0, 0.5, 0.25]]


def draw_delay(pick, mean):
    """Any of the laws, or none."""
    return pick(
        [
            {},
            {"mean": mean},
            {"law": "exponential", "mean": mean},
            {"law": "weibull", "mean": mean, "shape": 0.6},
            {"law": "lognormal", "mean": mean, "shape": 1.2},
            {"law": "empirical", "points": [[0, 0], [0.3, mean / 2], [0.8, mean / 2], [1, 3 * mean]]},
        ]
    )


def draw_source(pick):
    return {
        "coverage": pick([1.0, 1.0, 1.0, 0.7, (0.9, 0.4)]),
        "match_rate": pick([0.0, 0.6, 1.0, 1.0, (0.9, 0.3)]),
        "needs_consent": pick([None, None, True]),
        "false_match_rate": pick([0.0, 0.2]),
        "accuracy": pick([1.0, 1.0, 0.8]),
        "sync_interval_h": pick([0.0, 0.4, 1.1]),
        "latency_h": pick([0.0, 0.3, 1.7, math.inf]),
        "flip_rate_per_h": pick([0.0, 0.0, 0.5]),
        "age_known": pick([True, False]),
        "use": pick(["calibrated", "naive"]),
        "unmatched": pick(["signal", "signal", "prior"]),
        "lookup_latency_ms": draw_delay(pick, 20.0),
        **draw_price(pick),
        "exclusive": pick([True, False]),
    }


def draw_price(pick):
    return {
        "cost_per_lookup_cpm": pick([0.0, 0.0, 0.0123]),
        "cost_per_match_cpm": pick([0.0, 0.0, 1.5]),
    }


SOURCES = [
    *(["profile"], ["profile", "context"], ["context"], ["context", "history"]),
    *(["profile", "context", "history"], ["profile", "bought"], ["profile", "copy", "history"]),
]


def draw_sources(pick):
    """One of each kind, two of one kind, or a copy."""
    made = {name: draw_source(pick) for name in pick(SOURCES)}
    if "bought" in made:
        made["bought"] |= {"shows": pick(["profile", "history"]), "owner": "agency"}
    if "copy" in made:
        made["copy"] = {
            "copy_of": "profile", "lookup_latency_ms": draw_delay(pick, 10.0), **draw_price(pick)
        }  # fmt: skip
    return made


def draw_response(pick, family, people):
    response = {
        "family": family,
        "a": 1.0,
        "b": 0.4,
        "c": 0.25,
        "d": pick([-0.2, 0.0, 0.1]),
        "q": pick([0.0, 0.4, -0.7]),
        "history": pick([0.0, 0.2]),
        "context_history": pick([0.0, -0.1]),
        "history_redundancy": pick([0.0, 0.0, 0.5]),
        "value_per_click": 1.5,
        "high": 2.0,
        "fatigue": pick([0.0, 0.0, 0.2]) if people else 0.0,
    }
    if family != "private_value":
        response["viewability"] = pick([1.0, 0.7, (0.9, 0.6)])
    if family == "logit":
        response["click_delay_h"] = draw_delay(pick, 0.2)
        response["conversion"] = pick([None, 1, 1]) and {
            "a": -0.5,
            "c": 0.3,
            "value": pick([0.5, (2.5, 2.0)]),
            "delay_h": draw_delay(pick, 0.5),
            "after_view": pick([0.0, 0.5]),
            "click_window_h": pick([0.4, 2.0, 720.0]),
            "view_window_h": pick([0.0, 0.6, 24.0]),
        }
    return response


def draw_creatives(pick, response):
    if response["family"] == "private_value" or pick([True, False]):
        return {}
    second = {"share": 0.4, "a": 0.2, "d": -0.3}
    second |= {"conversion": {"b": 0.4}} if response.get("conversion") else {}
    return pick(
        [{"one": {"a": 0.1}}, {"one": {}, "two": second}, {"one": {"b": -0.2}, "two": second, "3": {}}]
    )


def draw_caps(pick, number):
    """A number of different ones, sliding and calendar, of campaigns and of advertisers."""
    return [
        {
            "impressions": pick([1, 1, 2, 5]),
            "window_h": pick([0.3, 1.0, 4.0]),
            "window": pick(["sliding", "calendar"]),
            "per": pick(["campaign", "advertiser"]),
        }
        for _ in range(number)
    ]


def stocked(pick, market):
    """In some markets in which something is sold, shelves that sales empty, seen and unseen."""
    if not market["response"].get("conversion") or pick([True, False]):
        return
    market["bidders"]["values"] = "common"
    market["stock"] = {
        "units": pick([1, (2, 3), 5]),
        "lead_h": pick([0.3, 1.0, 6.0]),
        "step_h": pick([0.1, 0.3]),
        "believed_sales_per_h": pick([0.5, (0.2, 3.0)]),
    }
    if pick([True, True, False]):
        market["source"]["shelf"] = {**draw_source(pick), "shows": "stock", "flip_rate_per_h": 0.0}
        market["source"]["shelf"] |= {"match_rate": pick([0.7, 1.0]), "owner": pick(["cio", "agency"])}


def draw_scenario(pick):
    family = pick(["additive", "logit", "logit", "private_value"])
    sources = {} if family == "private_value" else draw_sources(pick)
    people = pick([None, 2, 3, 3, 5, 5, 8, 20])
    response = draw_response(pick, family, people)
    tmax_ms = pick([None, 100.0, 100.0])
    requests, horizon_h = pick([20, 30, 50, 100]), pick([1.0, 3.0, 5.5, 50.0])
    market = {
        "supply": {
            "requests": requests,
            "horizon_h": horizon_h,
            "hourly": pick([(1.0,), (1.0, 3.0, 0.0, 2.0)]),
            "floor_share": pick([0.0, 0.5]),
            "floor_mu": math.log(0.75),
            "floor_sigma": pick([0.0, 0.4]),
        },
        "audience": {
            "people": people,
            "activity_skew": pick([0.0, 0.0, 1.0]) if people else 0.0,
            "history_types": 2,
            "consent": pick([1.0, 1.0, 1.0, 0.7, (0.9, 0.4), {"b": -1.0, "history": 0.5}]),
        },
        "response": response,
        "creative": draw_creatives(pick, response),
        "source": sources,
        "auction": {
            "type": pick(TYPES),
            "fee": pick([0.0, 0.15, 0.5]),
            "slots": pick([slots for slots in SLOTS if family != "logit" or slots[0] <= 1]),
            "floor_cpm": pick([0.0, 0.0, 500.0, 875.0]),
            "floor_steps": pick([[], [], [{"hour": 0.6, "floor_cpm": 750}, {"hour": 2, "floor_cpm": 0}]]),
            "soft_floor_cpm": pick([0.0, 1000.0, 1250.0]),
            "bidder_floor_cpm": pick([{}, {"bidder_0": 750.0, "bidder_1": 1125.0, "bidder_5": 1000.0}]),
            "tmax_ms": tmax_ms,
            "throttle": tmax_ms and pick([None, {"late_share": 0.2, "review_h": 0.45, "least": 0.3}]),
        },
        "rivals": pick(RIVALS),
        "bidders": {
            "values": pick(["private", "common"]),
            "control_interval_h": pick([0.25, 1.0, 0.7]) * (4.0 if horizon_h > 24 else 1.0),
            "control_interval_requests": pick([None, None, 1, 7, 60]),
            "answer_ms": draw_delay(pick, 60.0),
            "terms": {"caps": draw_caps(pick, pick([0, 1, 1, 2])) if people else []},
        },
    }
    stocked(pick, market)
    return Scenario.model_validate(market)


def draw_strategy(pick, scenario, information, kinds):
    strategy = draw_bids(pick, scenario, information, kinds)
    creatives = len(scenario.creative)
    return Chooses(strategy, creatives) if creatives > 1 and pick([True, True, False]) else strategy


def draw_bids(pick, scenario, information, kinds):
    kind = pick(kinds)
    if kind == "stochastic":
        return Coarse(Stochastic())
    policy = POLICIES[kind]()
    if scenario.response.family == "private_value":
        return Coarse(policy)
    return Coarse(Priced(bayes(scenario, information), policy))


def draw_terms(pick, people):
    return Terms(
        flight_h=pick([None, None, (0.3, 2.5)]),
        day_parts=pick([(), (), (0, 1, 3, 7, 20)]),
        daily_budget=pick([None, 2.75]),
        caps=tuple(Cap(**cap) for cap in draw_caps(pick, pick([0, 1, 1, 3]))) if people else (),
    )


def draw_market(pick):
    """A scenario and its bidders: 0 to 12, some of them campaigns of one advertiser; in half of the markets all of them
    look up tables, which is what joint cells and shortlists are for."""
    scenario = draw_scenario(pick)
    held = tuple(scenario.source)
    kinds, numbers = pick(
        [
            (["truthful", "linear", "pacing"], [2, 5, 6, 8, 8, 12]),
            ([*POLICIES, "reactive", "stochastic"], [0, 1, 1, 2, 3, 4, 6, 12]),
        ]
    )
    terms = pick([False, True])
    bidders = {}
    for number in range(pick(numbers)):
        information = pick([held, held[:1], ()]) if held else None
        budget = pick([None, 1.0, 3.3, 12.345678, 40.0])
        bidders[f"bidder_{number}"] = Entrant(
            draw_strategy(pick, scenario, information or (), kinds),
            information,
            None if budget is None else round(budget * scenario.auction.slots[0], 6),
            pick([None, None, None, "one firm"]),
            draw_terms(pick, scenario.audience.people) if terms else None,
        )
    if pick([False, True, False, False]):
        bidders = {
            name: replace(entrant, report_delay_h=pick([0.0, 0.3, 1.6, 24.0]))
            for name, entrant in bidders.items()
        }
    # drawn last: all else about a market of the fixed list stays as it is
    auction = scenario.auction.model_copy(update={"rank": Rank.model_validate(pick(RANKS))})
    return scenario.model_copy(update={"auction": auction}), bidders


def drawn(number):
    """Market `number` of a fixed list."""
    rng = np.random.default_rng((20_260, number))
    return draw_market(lambda options: options[rng.integers(len(options))])


def run(scenario, bidders, max_block, log=None, *, watched=True):
    """Every table of a run, all that reactive bidders received and, if it is watched, every auction."""
    batches = []
    RECEIVED.clear()
    engine = scenario.engine.model_copy(update={"max_block": max_block})
    scenario = scenario.model_copy(update={"engine": engine})
    result = simulate(scenario, bidders, 11, 3, log=log, sink=batches.append if watched else None)
    names = batches[0] if watched else ()
    return {
        "bidders": result.bidders,
        "timeseries": result.timeseries,
        "stock": result.stock,
        "market": {name: np.array([value]) for name, value in result.market.items()},
        "received": {"digest": np.array(RECEIVED, dtype=np.int64)},
        "auctions": {name: np.concatenate([batch[name] for batch in batches]) for name in names},
    }
