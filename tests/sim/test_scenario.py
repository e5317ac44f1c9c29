"""A scenario survives being written down."""

from __future__ import annotations

from sim import Scenario


def test_a_copy_that_never_arrives_survives_json():
    scenario = Scenario.model_validate({"source": {"profile": {"latency_h": float("inf")}}})
    assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario
