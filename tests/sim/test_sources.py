"""Many sources in whole markets: copies, names, what shows nothing, and couplings that never turn back; bit for bit."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from jointbid.experiments.cells.arms import arms_of
from jointbid.experiments.cells.bidders import entrants
from jointbid.experiments.cells.cell import Cell
from jointbid.sim import Scenario, simulate
from jointbid.sim.trial import BATCHES

BASE = {
    "supply": {"requests": 3_000},
    "audience": {"history_types": 3, "people": 400},
    "response": {"b": 0.3, "c": 0.2, "d": 0.1, "q": 0.3, "history": 0.25, "profile_history": 0.1, "history_redundancy": -0.4},
    "source": {"profile": {}, "context": {}, "history": {}},
    "rivals": {"landscape": "uniform", "high": 2},
    "bidders": {"budget": 700.0},
}  # fmt: skip
FAULTY = {"match_rate": 0.7, "false_match_rate": 0.1, "accuracy": 0.9, "coverage": 0.8}
UNLIKE = {"bidder", "advertiser", "multiplier", "lookups", "matches", "data_cost"}


def build(**parts):
    merged = {key: dict(value) if isinstance(value, dict) else value for key, value in BASE.items()}
    for key, value in parts.items():
        merged[key] = {**merged.get(key, {}), **value} if key not in {"source", "rivals"} else value
    return Scenario.model_validate(merged)


def outcome(scenario, arm, **options):
    """Everything that a run leaves but who looked what up."""
    run = simulate(scenario, entrants(Cell(scenario, arm, **options)), 1)
    return [
        {name: column.tolist() for name, column in table.items() if name not in UNLIKE}
        for table in (run.bidders, run.timeseries)
    ]


@pytest.mark.parametrize("knobs", [{}, FAULTY, {"sync_interval_h": 2, "flip_rate_per_h": 0.2}])
@pytest.mark.parametrize("valuation", ["bayes", "learned"])
def test_two_copies_are_worth_one(knobs, valuation):
    """A holder of both bids as with one, and the copy alone is as good as the original."""
    one = build(source={"profile": knobs, "context": {}})
    two = build(source={"profile": knobs, "context": {}, "bought": {"copy_of": "profile", "owner": "agency"}})
    options = {"valuation": valuation, "train_requests": 5_000}
    assert outcome(two, "joint", **options) == outcome(one, "joint", **options)
    if valuation == "bayes":
        assert outcome(two, "bought") == outcome(two, "profile") == outcome(one, "profile")
    assert outcome(two, "joint", **options) != outcome(two, "context", **options)


def test_whole_sources_of_one_fact_are_worth_one():
    """They need not be copies: what shows all of the truth cannot be added to."""
    two = build(source={"profile": {}, "context": {}, "crm": {"shows": "profile"}})
    one = build(source={"profile": {}, "context": {}})
    assert outcome(two, "joint") == outcome(one, "joint")
    assert outcome(two, "crm+context" if "crm+context" in arms_of(two) else "context+crm") == outcome(
        one, "joint"
    )


@pytest.mark.parametrize("valuation", ["bayes", "learned"])
def test_the_order_of_sources_decides_nothing(valuation):
    faulty = {"profile": FAULTY, "context": {}, "history": {"match_rate": 0.6}}
    forward = build(source=faulty)
    backward = build(source=dict(reversed(faulty.items())))
    options = {"valuation": valuation, "train_requests": 20_000, "learner": "table"}
    for arm in ("joint", "summed", "history", "none"):
        one, two = (outcome(s, arm, **options) for s in (forward, backward))
        assert one == two, arm


def test_names_decide_nothing():
    """Whole sources draw nothing, so that a new name changes no bit; and a bidder's table is looked up by it."""
    names = {"profile": "crm", "context": "page", "history": "touches"}
    renamed = build(source={new: {"shows": old} for old, new in names.items()})
    for arm in ("joint", "stacked", "summed", "split_budget"):
        assert outcome(renamed, arm) == outcome(build(), arm)
    assert outcome(renamed, "crm+touches") == outcome(build(), "profile+history")


@pytest.mark.parametrize(
    "absent", [{"coverage": 0.0}, {"coverage": (0.0, 0.0)}, {"match_rate": 0.0}, {"needs_consent": True}]
)
@pytest.mark.parametrize("name", ["profile", "history"])
def test_a_source_that_shows_nothing_is_no_source(absent, name):
    """Bit for bit, in every information set."""
    consent = 0.0 if "needs_consent" in absent else 1.0
    rest = {other: {"needs_consent": False} for other in ("profile", "context", "history") if other != name}
    without = build(source=rest, audience={"consent": consent})
    spoiled = build(source={**rest, name: absent}, audience={"consent": consent})
    assert outcome(spoiled, "joint") == outcome(without, "joint")
    assert outcome(spoiled, name) == outcome(without, "none")
    assert outcome(without, "joint") != outcome(without, "none")


def shown(scenario, name):
    """The codes of one source, request by request."""
    from jointbid.strategies.base import Policy

    seen = []

    class Looking(Policy):
        reads = (name, "uniform")

        def __deepcopy__(self, memo):
            return self

        def bid(self, requests):
            seen.append(requests[name].copy())
            return np.ones(requests.n)

    simulate(scenario, {"focal": Looking()}, 1)
    return np.concatenate(seen[BATCHES:])


@pytest.mark.parametrize("name", ["profile", "history"])
@pytest.mark.parametrize("knob", ["coverage", "match_rate", "consent"])
def test_who_is_shown_is_a_monotone_coupling(name, knob):
    """More of it shows more of the same requests, and then the same of each."""
    levels = [0.0, 0.3, 0.6, 0.9, 1.0]
    source = {name: {"false_match_rate": 0.2, "accuracy": 0.8, "needs_consent": True}}
    codes = [
        shown(build(source={name: {**source[name], knob: level}}), name)
        if knob != "consent"
        else shown(build(source=source, audience={"consent": level}), name)
        for level in levels
    ]
    unmatched = 2 if name == "profile" else 3
    assert (codes[0] == unmatched).all()
    assert (codes[-1] < unmatched).all()
    for less, more in pairwise(codes):
        there = less < unmatched
        assert (more[there] == less[there]).all()
        assert there.sum() < (more < unmatched).sum()


def test_consent_by_value_is_coupled_too():
    """The more it depends on the score, the fewer of the better ones say yes, and none who said no."""
    source = {"profile": {}}
    seen = [
        shown(build(source=source, audience={"consent": {"a": a, "b": -1}}), "profile") for a in (-1, 0, 1, 2)
    ]
    for less, more in pairwise(seen):
        assert ((more < 2) | (less == 2)).all()
        assert (less < 2).sum() < (more < 2).sum()


def test_accuracy_is_a_monotone_coupling():
    """A record that is right stays right where accuracy rises."""
    truth = shown(build(source={"history": {}}), "history")
    right = [
        shown(build(source={"history": {"accuracy": level}}), "history") == truth
        for level in (0.0, 0.3, 0.6, 0.9, 1.0)
    ]
    assert not right[0].any()
    assert right[-1].all()
    for less, more in pairwise(right):
        assert (more | ~less).all()
        assert less.sum() < more.sum()


def test_people_keep_their_history_their_consent_and_their_record():
    s = build(
        source={"history": {**FAULTY, "coverage": 1.0, "needs_consent": True}},
        audience={"consent": 0.6, "people": 30},
    )
    from jointbid.sim.audience import Visits
    from jointbid.sim.streams import Streams

    person = Visits.at(s, Streams(1, 0), 0, 3_000).person
    codes = shown(s, "history")
    assert all(len(set(codes[person == one].tolist())) == 1 for one in np.unique(person))
    assert set(codes.tolist()) == {0, 1, 2, 3}
