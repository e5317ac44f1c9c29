"""A scenario survives being written down, and refuses what a run could not hold."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from sim import Scenario, simulate
from sim.scenario import MAX_MICROS, Source
from sim.streams import Streams
from sim.supply import chunks
from strategies.valuations.bayes import bayes


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


def test_a_misspelt_source_is_refused():
    with pytest.raises(ValueError, match="no source 'profil' in this scenario; there is: profile"):
        bayes(Scenario.model_validate({"source": {"profile": {}}}), ("profil",))
