"""Every study plays the market at the firm's level of collaboration, not the one with everything carried out."""

from __future__ import annotations

import pytest

from jointbid.experiments.config.points import load
from jointbid.experiments.studies.registry import study_class

LEVEL = "collaboration={{level: 0.2, match_rate: {{sources: [{source}]}}}}"


@pytest.mark.parametrize(
    ("verb", "scenario", "source"),
    [
        ("value", "touchpoints", "stage"),
        ("attribution", "touchpoints", "stage"),
        ("adoption", "busy_exchange", "profile"),
        ("tournament", "tournament", "profile"),
    ],
)
def test_cells_are_of_the_market_at_the_level_of_collaboration(verb, scenario, source):
    volume = "money.requests_per_month=1000000"
    (point,) = load(verb, [f"scenario={scenario}", LEVEL.format(source=source), volume])
    stage = next(iter(study_class(verb)(point.settings).stages()))
    cells = [cell for cell in stage if not cell.study_point]
    assert cells
    assert point.settings.played_scenario != point.settings.scenario
    assert {
        id(cell.scenario): cell.scenario for cell in cells if cell.scenario != point.settings.played_scenario
    } == {}
