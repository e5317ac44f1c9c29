"""A spy before the kernel: who stands at each request, found without it, and what decides who gets what."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import pairwise

import numpy as np

from jointbid.sim.auction.arrays import OUTSIDE
from jointbid.sim.auction.kernel import clear
from jointbid.sim.scenario import HOUR_US
from jointbid.sim.streams import word


class Caps:
    """What frequency caps allow, by counting over again all that a person was shown."""

    def __init__(self, scenario, bidders):
        firms = [entrant.advertiser or name for name, entrant in bidders.items()]
        terms = [entrant.terms or scenario.bidders.terms for entrant in bidders.values()]
        self.of = [
            [(cap, {k}) for cap in terms[k].caps if cap.per == "campaign"]
            + [
                (cap, {j for j, other in enumerate(firms) if other == firm})
                for term, other in zip(terms, firms, strict=True)
                for cap in term.caps
                if cap.per == "advertiser" and other == firm
            ]
            for k, firm in enumerate(firms)
        ]
        self.shown = defaultdict(list)

    def full(self, k, person, now):
        """Whether any cap keeps bidder k from the person now."""
        for cap, members in self.of[k]:
            window = round(cap.window_h * HOUR_US)
            times = [time for who, time in self.shown[person] if who in members]
            calendar = cap.window == "calendar"
            counted = [t // window == now // window if calendar else t + window > now for t in times]
            if sum(counted) >= cap.impressions:
                return True
        return False


def scored(k, bid, scores):
    """What a bid is ranked by."""
    if k < 0 or scores is None:
        return bid
    return round(Fraction(scores.slope[k + 1] * bid + scores.offset[k + 1]))


def standing(i, requests, bids, seats, scores, most, left, barred):
    """Who stands at request i, best first: (score, priority, advertiser), the best of each; apart from the kernel."""
    floor, in_score = requests.floor[i], scores is not None and scores.is_floor_in_score
    best = {}
    for k in range(len(left)):
        column = bids.column[k]
        cell = requests.cells[column, i] if column >= 0 else i
        bid = min(int(bids.numbers[bids.offset[k] + cell]), math.floor(left[k] / most))
        score = scored(k, bid, scores)
        passes = score >= max(floor, 0) if in_score else score >= 0 and bid >= floor
        if bid > 0 and passes and bid >= seats.floor[k] and k not in barred:
            entry = (score, int(word(seats.key[k + 1], requests.start + i)), int(seats.advertiser[k + 1]))
            best[entry[2]] = max(entry, best.get(entry[2], entry))
    if requests.price[i] >= max(requests.floor[i], 0):
        priced = int(word(seats.key[0], requests.start + i))
        best[OUTSIDE] = (int(requests.price[i]), priced, OUTSIDE)
    return sorted(best.values(), reverse=True)


class Spy:
    """Stands before the kernel and counts the requests at which a budget, a tie, a cap or lateness decides who gets what.

    What it finds who stands is what the kernel must have found.
    """

    def __init__(self, scenario, bidders):
        self.happened, self.caps = Counter(), Caps(scenario, bidders)

    def __call__(
        self, first, last, block, requests, rules, scores, bids, effects, seats, memory, shortlist, *rest
    ):
        ledger, record = rest[0], rest[1]
        left, slots, most = ledger.left.copy(), len(rules.rates), rules.rates[0]
        assert last == first + 1
        absent = np.unpackbits(requests.absent[first : first + 1], bitorder="little")
        away = set(np.flatnonzero(absent).tolist())
        person, now = (
            int(requests.person[first]) if len(requests.person) else None,
            int(requests.time_us[first]),
        )
        capped = {k for k in range(len(left)) if self.caps.full(k, person, now)}

        def ranked(left=left, barred=away | capped):
            found = standing(first, requests, bids, seats, scores, most, left, barred)[: slots + 1]
            return [(score, who) for score, _, who in found]

        bound = ranked()
        self.happened["budget"] += ranked(left=[2**62] * len(left)) != bound
        self.happened["cap"] += bool(capped) and ranked(barred=away) != bound
        self.happened["late or unsent"] += bool(away) and ranked(barred=capped) != bound
        self.happened["tie"] += any(a == b for (a, _), (b, _) in pairwise(bound))
        self.happened["requests"] += 1
        self.happened["joint cells"] += bool(bids.shared)
        self.happened["shortlist"] += len(shortlist.version) > 0
        clear(first, last, block, requests, rules, scores, bids, effects, seats, memory, shortlist, *rest)
        sold = zip(record.bid[0].tolist(), record.winner[0].tolist(), strict=True)
        assert bound[:slots] == [
            (scored(who, bid, scores), int(seats.advertiser[who + 1])) for bid, who in sold if bid >= 0
        ]
        self.caps.shown[person] += [(int(who), now) for who in record.winner[0] if who >= 0]


def assert_identical(one, other, label):
    for table, columns in one.items():
        assert not columns or list(columns) == list(other[table])
        for name, column in columns.items():
            same = column.dtype == other[table][name].dtype and (
                column.tolist() == other[table][name].tolist()
                if column.dtype == object
                else column.tobytes() == other[table][name].tobytes()
            )
            assert same, f"{table}.{name} differs at {label}"


def facts_of(scenario, bidders, happened, tables):
    """What is true of a market, to be counted."""
    auction, sources, response = scenario.auction, scenario.source.values(), scenario.response
    kinds = [type(getattr(b.strategy.inner, "policy", b.strategy.inner)).__name__ for b in bidders.values()]
    terms = [bidder.terms or scenario.bidders.terms for bidder in bidders.values()]
    caps = [cap for term in terms for cap in term.caps]
    sale, totals = response.conversion, tables["bidders"]
    delays = [response.click_delay_h, scenario.bidders.answer_ms, *(s.lookup_latency_ms for s in sources)]
    delays += [sale.delay_h] if sale else []
    spied = ("budget", "tie", "cap", "late or unsent", "joint cells", "shortlist")
    counted = (
        "data_cost",
        "matches",
        "late",
        "unsent",
        "clicks_censored",
        "conversions_censored",
        "conversions_unattributed",
    )
    return {
        **{what: happened[what] > 0 for what in spied},
        **{what: totals[what].sum() > 0 for what in (*counted, "clicks", "conversions")},
        "several budgets": (totals["budget_left"] < 0.125).sum() > 1,
        "sold out": "sold_out_h" in totals and totals["sold_out_h"].sum() > 0,
        "floor": auction.floor_cpm > 0 or scenario.supply.floor_share > 0,
        "floor by the hour": len(auction.floor_steps) > 0,
        "floors of bidders' own": bool(auction.bidder_floor_cpm),
        "soft floor": "soft_floor" in auction.shares and auction.soft_floor_cpm > 0,
        "fee": auction.fee > 0,
        "slots": len(auction.slots) > 1,
        "mixed": len(auction.shares) > 1,
        f"rank by {auction.rank.rule}": True,
        "landscape": scenario.rivals.landscape is not None,
        "sync": any(s.sync_interval_h and not s.never_arrives for s in sources),
        "reported late": any(bidder.report_delay_h for bidder in bidders.values()),
        "margins": bool(sale) and isinstance(sale.value, tuple),
        "aged": any(s.ages and s.age_known for s in sources),
        "history": any(scenario.factor_of(name) == "history" for name in scenario.source),
        "copy": any(s.copy_of for s in sources),
        "bought": "bought" in scenario.source,
        "coverage": any(s.coverage != 1.0 for s in sources),
        "accuracy": any(s.accuracy < 1.0 for s in sources),
        "not exclusive": any(not s.exclusive for s in sources),
        "unmatched prior": any(s.unmatched == "prior" for s in sources),
        "consent": scenario.audience.consent != 1.0 and any(map(scenario.needs_consent, scenario.source)),
        "campaigns": sum(b.advertiser == "one firm" for b in bidders.values()) > 1,
        "every request": scenario.bidders.control_interval_requests == 1,
        "flight": any(t.flight_h for t in terms),
        "day parts": any(t.day_parts for t in terms),
        "daily budget": any(t.daily_budget for t in terms) and scenario.supply.horizon_h > 24,
        "no bidder": not bidders,
        "alone": len(bidders) == 1,
        "crowd": len(bidders) == 12,
        "people": scenario.audience.people is not None,
        "active people": scenario.audience.people is not None and scenario.audience.activity_skew > 0,
        "several caps": any(len(term.caps) > 1 for term in terms),
        "unseen": response.viewability != 1.0,
        "seen by context": isinstance(response.viewability, tuple),
        "fatigue": response.fatigue > 0,
        "creatives": len(scenario.creative) > 1,
        "clicks reported late": bool(sale) and not response.click_delay_h.is_none and "Reactive" in kinds,
        response.family: True,
        scenario.bidders.values: True,
        **dict.fromkeys((*auction.shares, *kinds), True),
        **{f"{cap.window} cap per {cap.per}": True for cap in caps},
        **{f"{delay.law} delay": True for delay in delays if not delay.is_none},
    }


KINDS = [
    *("rank by bid", "rank by quality", "rank by virtual_value"),
    *("budget with a shortlist", "tie with a shortlist", "cap with a shortlist", "several budgets"),
    *(
        "floor",
        "floor by the hour",
        "floors of bidders' own",
        "soft floor",
        "fee",
        "slots",
        "mixed",
        "landscape",
    ),
    *(
        "sync",
        "aged",
        "campaigns",
        "every request",
        "flight",
        "day parts",
        "daily budget",
        "no bidder",
        "alone",
    ),
    *("crowd", "joint cells", "second_price", "first_price", "soft_floor", "gsp", "vcg", "additive", "logit"),
    *("private_value", "private", "common", "Truthful", "Linear", "AdaptivePacing", "Reactive", "Stochastic"),
    *("people", "active people", "several caps", "unseen", "seen by context", "fatigue", "creatives", "late"),
    *("sliding cap per campaign", "calendar cap per campaign", "sliding cap per advertiser"),
    *(
        "calendar cap per advertiser",
        "unsent",
        "late or unsent",
        "clicks",
        "conversions",
        "clicks reported late",
    ),
    *("clicks_censored", "conversions_censored", "conversions_unattributed", "constant delay"),
    *("history", "copy", "bought", "coverage", "accuracy", "not exclusive", "unmatched prior", "consent"),
    *("data_cost", "matches", "reported late", "margins", "sold out"),
    *("exponential delay", "weibull delay", "lognormal delay", "empirical delay"),
]
"""What a list of drawn markets must hold to be worth something."""
