"""Three factors, several sources of one, and what spoils them, against sums over every state of the world.

theta = a + b x + c z + e w + d x z + f x w + g z w with x, z, w = -1, +1; the price is U[0, M]; a bidder who believes v earns
E[2 theta v - v^2]/(2M), which is E[v^2]/(2M) where v = E[theta | what is shown]. n = 32 replications of 25,000 requests; all
arms meet the same requests. [D] the formulas beyond theory.md section 3.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

pytestmark = pytest.mark.oracle

M = 4.0
A, B, C, D, E, F, G = 2.0, 0.35, 0.25, 0.15, -0.3, 0.1, -0.2
RESPONSE = {"a": A, "b": B, "c": C, "d": D, "history": E, "profile_history": F, "context_history": G}
SIGNS = np.array(list(product((-1, 1), repeat=3)))


def theta(x, z, w):
    return A + B * x + C * z + E * w + D * x * z + F * x * w + G * z * w


def law(x, z, w, q=0.0, h=0.0):
    """With probability |q| z is x (or -x), with |h| w is."""
    return (1 + q * x * z) / 4 * (1 + h * x * w) / 2


@pytest.fixture
def market(scenario):
    def build(source, consent=1.0, q=0.0, h=0.0):
        return scenario(
            audience={"history_types": 2, "consent": consent},
            response={**RESPONSE, "q": q, "history_redundancy": h},
            source=source,
            rivals={"landscape": "uniform", "high": M},
        )

    return build


def worth(states):
    """E[v^2]/(2M) over (probability, what is shown, theta); v is the mean of theta by what is shown."""
    weight, total = {}, {}
    for p, shown, value in states:
        weight[shown] = weight.get(shown, 0.0) + p
        total[shown] = total.get(shown, 0.0) + p * value
    return sum(total[shown] ** 2 / weight[shown] for shown in weight if weight[shown] > 0) / (2 * M)


def show(truth, matched, right=1.0):
    """(probability, code) of one source: unmatched, right, or wrong."""
    return [(1 - matched, None), (matched * right, truth), (matched * (1 - right), -truth)]


# three factors


SETS = [
    ("profile",),
    ("history",),
    ("profile", "history"),
    ("context", "history"),
    ("profile", "context", "history"),
]
ALL = {"profile": {}, "context": {}, "history": {}}


@pytest.mark.parametrize("held", SETS, ids="+".join)
@pytest.mark.parametrize(("q", "h"), [(0.0, 0.0), (0.4, -0.3)])
@pytest.mark.few(3)
def test_every_information_set(market, profit, lands, held, q, h):
    axes = [("profile", "context", "history").index(name) for name in held]
    states = [(law(*s, q, h), tuple(s[axes]), theta(*s)) for s in SIGNS]
    nothing = worth([(p, None, value) for p, _, value in states])
    s = market(ALL, q=q, h=h)
    arm = "joint" if len(held) == 3 else "+".join(held)
    lands(profit(s, arm), worth(states))
    lands(profit(s, arm) - profit(s, "none"), worth(states) - nothing, resolution=0.2 * worth(states) / 10)


def test_dividends_are_variances(market, profit, lands):
    """Section 5: a set's dividend is its own part of the variance over 2M; three facts together have none."""
    s = market(ALL)
    u = {arm: profit(s, arm) for arm in ("none", "profile", "context", "history", "joint")}
    u |= {arm: profit(s, arm) for arm in ("profile+context", "profile+history", "context+history")}
    for one, other, square in (
        ("profile", "context", D),
        ("profile", "history", F),
        ("context", "history", G),
    ):
        synergy = u[f"{one}+{other}"] - u[one] - u[other] + u["none"]
        lands(synergy, square**2 / (2 * M), resolution=1.5e-3)
    three = u["joint"] - u["profile+context"] - u["profile+history"] - u["context+history"]
    lands(three + u["profile"] + u["context"] + u["history"] - u["none"], 0.0, resolution=2e-3)


def test_houses_are_stacked(market, profit, lands):
    """cio: profile; cmo: context and history together. What stacking lacks are the crosses between the houses."""
    s = market(ALL)
    lands(profit(s, "joint") - profit(s, "stacked"), (D**2 + F**2) / (2 * M), resolution=1.5e-3)


# what spoils them


def spoiled(profile, others=()):
    """What a holder of a profile that shows ``profile(x, z, w)`` and of these whole sources is worth."""
    states = []
    for sign in SIGNS:
        x, z, w = sign
        whole = tuple(sign[["profile", "context", "history"].index(name)] for name in others)
        states += [(law(*sign) * p, (code, *whole), theta(*sign)) for p, code in profile(x, z, w)]
    return worth(states)


CASES = {
    "coverage": ({"coverage": 0.6}, 1.0, lambda x, z, w: show(x, 0.6)),
    "coverage by context": ({"coverage": (0.9, 0.2)}, 1.0, lambda x, z, w: show(x, 0.9 if z < 0 else 0.2)),
    "accuracy": ({"accuracy": 0.8}, 1.0, lambda x, z, w: show(x, 1.0, 0.8)),
    "mostly wrong": ({"accuracy": 0.1}, 1.0, lambda x, z, w: show(x, 1.0, 0.1)),
    "consent": ({}, 0.7, lambda x, z, w: show(x, 0.7)),
    "consent by type": ({}, (0.9, 0.3), lambda x, z, w: show(x, 0.9 if x < 0 else 0.3)),
    "consent by value": (
        {},
        {"a": 0.5, "b": -1.2, "history": -0.6},
        lambda x, z, w: show(x, 1 / (1 + np.exp(-(0.5 - 1.2 * x - 0.6 * w)))),
    ),
    "all of them": (
        {"coverage": 0.8, "accuracy": 0.9, "match_rate": (0.6, 0.9), "false_match_rate": 0.2},
        (0.5, 0.8),
        lambda x, z, w: show(x, 0.8 * (0.6 * 0.5 if x < 0 else 0.9 * 0.8), 0.8 * 0.9 + 0.2 / 2),
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.few(2)
def test_what_spoils_a_profile(market, profit, lands, name):
    """Alone, and beside a whole context: coverage and consent are like matching, accuracy alpha like r = 2 alpha - 1."""
    knobs, consent, shown = CASES[name]
    s = market({"profile": knobs, "context": {}}, consent)
    lands(profit(s, "profile"), spoiled(shown))
    gain = spoiled(shown, ["context"]) - spoiled(lambda *_: [(1.0, None)], ["context"])
    lands(profit(s, "joint") - profit(s, "context"), gain, resolution=max(gain / 4, 1.5e-3))


def test_consent_is_one_for_all_sources_that_need_it(market, profit, lands):
    """Who withholds it is missing from both, not from each apart; the cmo's own history needs none."""
    consent, agency = (0.9, 0.3), {"shows": "history", "owner": "agency", "match_rate": 0.8}
    s = market({"profile": {}, "segments": agency, "history": {}}, consent)
    both, own = [], []
    for x, z, w in SIGNS:
        yes = 0.9 if x < 0 else 0.3
        both += [(law(x, z, w) * p, seen, theta(x, z, w)) for p, seen in (
            (1 - yes, (None, None)), (yes * 0.8, (x, w)), (yes * 0.2, (x, None)))]  # fmt: skip
        own += [(law(x, z, w) * p, (seen, w), theta(x, z, w)) for p, seen in show(x, yes)]
    lands(profit(s, "profile+segments"), worth(both))
    lands(profit(s, "profile+history"), worth(own))


def test_two_sources_of_one_fact(market, profit, lands):
    """A CRM that knows some for sure, and bought segments that guess at all: their errors are independent [D]."""
    crm = {"shows": "profile", "match_rate": 0.5}
    bought = {"shows": "profile", "owner": "agency", "accuracy": 0.75}
    s = market({"crm": crm, "bought": bought})
    states = [
        (law(*sign) * p * r, (one, two), theta(*sign))
        for sign in SIGNS
        for p, one in show(sign[0], 0.5)
        for r, two in show(sign[0], 1.0, 0.75)
    ]
    lands(profit(s, "joint"), worth(states))
    alone = worth(
        [(law(*sign) * r, two, theta(*sign)) for sign in SIGNS for r, two in show(sign[0], 1.0, 0.75)]
    )
    gain = worth(states) - alone
    lands(profit(s, "joint") - profit(s, "bought"), gain, resolution=gain / 2)


@pytest.mark.parametrize("m", [(0.9, 0.3), (0.1, 0.8)])
def test_unmatched_taken_for_anybody(market, profit, lands, m):
    """The signal in not being matched is thrown away: E[2 theta v - v^2]/(2M) with v = a where unmatched [D]."""
    s = market({"profile": {"match_rate": m, "unmatched": "prior"}, "context": {}})
    earned = 0.0
    for x, z, w in SIGNS:
        matched = m[(x + 1) // 2]
        for p, v in ((matched, A + B * x), (1 - matched, A)):
            earned += law(x, z, w) * p * (2 * theta(x, z, w) * v - v * v) / (2 * M)
    lands(profit(s, "profile"), earned)
    signal = spoiled(lambda x, z, w: show(x, m[(x + 1) // 2]))
    whole = market({"profile": {"match_rate": m}, "context": {}})
    lands(
        profit(whole, "profile") - profit(s, "profile"),
        signal - earned,
        resolution=max((signal - earned) / 2, 1e-3),
    )


def test_inaccurate_data_taken_for_true(market, profit, lands):
    """Section 3, item 7, with r = 2 alpha - 1: naive use earns (2r - 1) of what whole data add, and less than nothing below r = 1/2."""
    for accuracy in (0.9, 0.65):
        s = market({"profile": {"accuracy": accuracy, "use": "naive"}, "context": {}})
        gain = (2 * (2 * accuracy - 1) - 1) * (B**2 + D**2) / (2 * M)
        lands(profit(s, "joint") - profit(s, "context"), gain, resolution=max(abs(gain) / 2, 2e-3))
