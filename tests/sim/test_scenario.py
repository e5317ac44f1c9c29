"""A scenario survives being written down, and refuses what a run could not hold."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from jointbid.sim import Scenario, simulate
from jointbid.sim.public_columns import ENGINE_COLUMNS
from jointbid.sim.scenario import MAX_MICROS, Delay, Source
from jointbid.sim.streams import Streams
from jointbid.sim.supply import chunks
from jointbid.strategies.base import Policy, Priced
from jointbid.strategies.valuations.bayes import bayes


def test_a_copy_that_never_arrives_survives_json():
    scenario = Scenario.model_validate({"source": {"profile": {"latency_h": float("inf")}}})
    assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"source": {"profile": {"latency_h": 1e300}}}, "or inf"),
        ({"supply": {"horizon_h": 1e300}}, "horizon_h"),
        ({"supply": {"floor_share": 1, "floor_mu": 800}}, "floor_mu"),
        ({"supply": {"hourly": [1e308, 1e308]}}, "hourly"),
        ({"supply": {"context_types": 3000}, "audience": {"profile_types": 3000}}, "9000000"),
    ],
)
def test_numbers_that_would_overflow_are_refused(parts, says):
    with pytest.raises(ValidationError, match=says):
        Scenario.model_validate(parts)


CAP, LOGIT = {"impressions": 3}, {"family": "logit"}


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        (
            {"bidders": {"terms": {"caps": [CAP]}}},
            r"bidders\.terms\.caps: requires audience\.people \(the number of people\)",
        ),
        (
            {"response": {"fatigue": 0.1}},
            r"response\.fatigue: requires audience\.people \(the number of people\)",
        ),
        (
            {"audience": {"people": 5}, "supply": {"kind": "log", "path": "x"}},
            r"audience\.people: a log brings its own people; leave it null",
        ),
        (
            {"response": {"viewability": [0.5, 0.6, 0.7]}},
            r"response\.viewability: 3 numbers for 2 context types",
        ),
        (
            {"response": {"viewability": 1.5}},
            r"(?s)response\.viewability.*less than or equal to 1.*input_value=1\.5",
        ),
        ({"auction": {"throttle": {}}}, r"(?s)auction.*throttle: requires tmax_ms"),
        ({"auction": {"tmax_ms": 0}}, r"(?s)auction\.tmax_ms.*greater than 0.*input_value=0"),
        (
            {"response": {"conversion": {}}},
            r"(?s)response.*family=additive has no clicks: conversion and click_delay_h need family=logit",
        ),
        ({"response": {"click_delay_h": {"mean": 1}}}, "conversion and click_delay_h need family=logit"),
        (
            {"response": {"family": "private_value"}, "creative": {"one": {}}},
            "creative: with response.family=private_value there is nothing that a creative could change",
        ),
        (
            {"response": {"family": "private_value", "viewability": 0.5}},
            r"viewability: with family=private_value every impression is seen; leave it 1",
        ),
        (
            {"response": LOGIT, "creative": {"one": {"conversion": {"a": 1}}}},
            r"creative: a creative's conversion needs response\.conversion",
        ),
        (
            {"response": LOGIT, "auction": {"slots": [1.5, 1.0]}},
            r"auction\.slots: 1\.5 times a click probability can pass 1; with response\.family=logit click rates are at most 1",
        ),
        (
            {
                "bidders": {
                    "answer_ms": {"law": "empirical", "points": [[0, 0], [0.6, 9], [0.5, 10], [1, 20]]}
                }
            },
            r"(?s)bidders\.answer_ms.*points must rise, from share 0 to share 1",
        ),
        (
            {"auction": {"type": "third_price"}},
            r"(?s)auction\.type.*no mechanism 'third_price'; there are: second_price, first_price, soft_floor, gsp, vcg",
        ),
        ({"bidders": {"terms": {"caps": [{"impressions": 0}]}}}, r"(?s)caps\.0\.impressions.*greater than 0"),
        (
            {"bidders": {"terms": {"caps": [CAP | {"window_h": 1e-12}]}}},
            r"(?s)caps\.0\.window_h.*greater than 0\.000000001.*input_value=1e-12",
        ),
        (
            {"auction": {"tmax_ms": 100, "throttle": {"review_h": 1e-12}}},
            r"(?s)throttle\.review_h.*greater than 0\.000000001",
        ),
        (
            {"bidders": {"terms": {"caps": [CAP | {"window": "moving"}]}}},
            r"(?s)caps\.0\.window.*'sliding' or 'calendar'",
        ),
        (
            {"source": {"profile": {"lookup_latency_ms": -1}}},
            r"(?s)lookup_latency_ms.*greater than or equal to 0",
        ),
        ({"audience": {"activity_skew": -1}}, r"(?s)audience\.activity_skew.*greater than or equal to 0"),
    ],
)
def test_what_does_not_fit_together_is_refused_by_place_value_and_what_is_allowed(parts, says):
    with pytest.raises(ValidationError, match=says):
        Scenario.model_validate(parts)


def test_all_problems_are_listed_at_once():
    parts = {"response": {"fatigue": 0.1, "viewability": [0.5]}, "bidders": {"terms": {"caps": [CAP]}}}
    with pytest.raises(ValidationError) as refused:
        Scenario.model_validate(parts)
    for place in ("response.fatigue", "response.viewability", "bidders.terms.caps"):
        assert f"{place}: " in str(refused.value)


def test_numbers_stand_for_delays():
    """A look-up's is the mean of an exponential one, an answer's is always the same."""
    s = Scenario.model_validate(
        {"source": {"profile": {"lookup_latency_ms": 30}}, "bidders": {"answer_ms": 20}}
    )
    assert s.source["profile"].lookup_latency_ms == Delay(law="exponential", mean=30)
    assert s.bidders.answer_ms == Delay(law="constant", mean=20)
    assert Scenario.model_validate_json(s.model_dump_json()) == s


def test_infinity_may_be_written_as_yaml_does():
    assert Source.model_validate({"latency_h": ".inf"}).never_arrives


def test_the_highest_floors_stay_floors():
    scenario = Scenario.model_validate({"supply": {"floor_share": 1, "floor_mu": 20, "floor_sigma": 10}})
    floors = np.concatenate([c.floor_micros for c in chunks(scenario, Streams(1, 0), None)])
    assert floors.min() >= 0
    assert floors.max() == MAX_MICROS


def test_what_is_no_scenario_or_no_strategy_is_named():
    with pytest.raises(TypeError, match="scenario: str"):
        simulate("default", {}, seed=1)
    with pytest.raises(TypeError, match="'me': int is no strategy: it has no reads"):
        simulate(Scenario(), {"me": 1}, seed=1)


@pytest.mark.parametrize("name", ["seed", "replication"])
@pytest.mark.parametrize("number", [-1, 1.5, "1", None])
def test_what_is_no_whole_number_is_no_seed(name, number):
    with pytest.raises(ValueError, match=rf"{name} = {number!r}: allowed: a whole number, 0 or more"):
        simulate(Scenario(), {}, **{"seed": 1, name: number})


def test_a_text_is_no_tuple_of_names():
    scenario = Scenario.model_validate({"source": {"profile": {}}})
    with pytest.raises(ValueError, match=r"information = 'profile' is one text, .*write \('profile',\)"):
        bayes(scenario, "profile")

    class Letters(Policy):
        reads = "value"

    with pytest.raises(TypeError, match=r"'me': Letters\.reads = 'value' is one text"):
        simulate(scenario, {"me": Priced(bayes(scenario, ("profile",)), Letters())}, seed=1)


def test_a_misspelt_source_is_refused():
    with pytest.raises(ValueError, match="no source 'profil' in this scenario; there is: profile"):
        bayes(Scenario.model_validate({"source": {"profile": {}}}), ("profil",))


@pytest.mark.parametrize("name", sorted(ENGINE_COLUMNS))
def test_no_source_has_the_name_of_a_column_of_the_engine(name):
    with pytest.raises(ValidationError, match=f"source.{name}: not a name for a source"):
        Scenario.model_validate({"source": {name: {"shows": "profile"}}})
