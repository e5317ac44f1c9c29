"""The scenario `present_value_in_context`: its answer in a fast mode, its limits, and what is refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from jointbid.experiments.config.points import load
from jointbid.experiments.errors import BadInput
from jointbid.experiments.estimate.ladder import lookup
from jointbid.sim import Scenario

FAST = (
    "scenario=present_value_in_context",
    "supply.requests=4000",
    "study.replications=4",
    "plot.enabled=false",
)


def test_choosing_the_creative_is_about_half_of_what_joint_data_is_worth(answers):
    summary, said = answers()
    value, bids, shows = (
        lookup(summary, name) for name in ("value_of_joint_data", "bidding_better", "showing_better")
    )
    assert value.estimate == pytest.approx(25.5, rel=0.15)
    assert shows.ci_low > 0
    assert bids.ci_low > 0
    assert shows.estimate == pytest.approx(13.9, rel=0.2)
    assert lookup(summary, "value_of_joint_data", "relevance").ci_low > 0
    assert "from bidding better" in said.verdict[0]
    assert "from showing better" in said.verdict[0]


def test_creatives_that_nowhere_change_places_leave_nothing_to_show_better(answers):
    summary, said = answers("creative.matched.interaction=0", "creative.obtrusive.interaction=0")
    assert lookup(summary, "showing_better").estimate == 0.0
    assert lookup(summary, "bidding_better").ci_low > 0
    assert "no difference shown from showing better" in said.verdict[0]


def test_relevance_of_ads_dealt_at_random_is_one(answers):
    summary, _ = answers("bidders.creative=rotated")
    assert lookup(summary, "utility", "relevance", "none").estimate == pytest.approx(1.0, abs=0.05)
    assert lookup(summary, "showing_better") is None


def test_contradictions_are_all_listed():
    with pytest.raises(ValidationError) as refused:
        Scenario.model_validate(
            {
                "bidders": {"creative": "chosen"},
                "creative": {"alone": {}},
                "source": {
                    "profile": {"flip_rate_per_h": 0.1, "sync_interval_h": 24},
                    "context": {"unmatched": "prior"},
                },
            }
        )
    for words in ("nothing to choose among 1", "source.profile.age_known", "source.context.unmatched"):
        assert words in str(refused.value)


def test_an_arm_of_two_departments_is_there_only_where_creatives_are_chosen():
    (point,) = load("run", [*FAST[:2], "study.arm=joint/context"])
    assert point.settings.study.arm == "joint/context"
    with pytest.raises(BadInput, match=r"study\.arm = joint/context"):
        load("run", [*FAST[:2], "study.arm=joint/context", "bidders.creative=rotated"])
