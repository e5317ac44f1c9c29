"""Scenarios of the business: every contradiction of a configuration is listed."""

from __future__ import annotations

import shlex

import pytest

from experiments.config import load
from experiments.errors import BadInput

CONTRADICTIONS = {
    "real_time_optimiser": (
        "journey={} bidders.values=private audience.consent=0.5 source.profile.flip_rate_per_h=0.1 response.redundancy=0.3",
        (
            "journey: nobody comes twice without audience.people",
            "journey: an account is the same for all advertisers",
            "journey: with audience.drift must be null",
            "audience.consent: with audience.drift must be 1",
            "response.redundancy: with audience.drift must be 0",
            "bidders.values: with audience.drift must be common",
            "source.profile.flip_rate_per_h: a product changes as audience.drift says",
        ),
    ),
    "present_value_in_context": (
        "creative={} source.profile.unmatched=prior bidders.beliefs=winning",
        (
            "bidders.beliefs = winning: with bidders.creative=chosen must be naive",
            "bidders.creative = chosen: there is nothing to choose among 0 creatives",
            "source.profile.unmatched: with bidders.creative=chosen it must be signal",
            "bidders.values: with bidders.beliefs=winning must be common",
            "rivals.landscape: with bidders.beliefs=winning must be null",
            "source.profile.exclusive: with bidders.beliefs=winning must be false",
        ),
    ),
    "b2b_long_cycle": (
        "audience.people=5001 bidders.creative=chosen journey.appetite=[1,1,1] journey.outside=0 journey.base=0",
        (
            "bidders.creative = chosen: there is nothing to choose among 0 creatives",
            "journey.group = 5: audience.people = 5001 must be a multiple of it",
            "bidders.creative = chosen: with a journey creatives take turns",
            "journey.appetite: 3 numbers for 2 profile types",
            "journey.base = 0 with outside = 0",
        ),
    ),
    "content_and_native": (
        "rivals.by_context=[1,2] response.viewability=[0.5,0.5] journey.lasting=[1,2] journey.step_h=350",
        (
            "rivals.by_context: 2 numbers for 4 context types",
            "response.viewability: 2 numbers for 4 context types",
            "journey.stay_h.considering: 336 h on average (appetite counted), but accounts move every step_h = 350 h",
            "journey.stay_h.approved: 336 h on average",
            "journey.lasting: 2 numbers for 4 context types",
        ),
    ),
    "two_budgets": (
        (
            "collaboration.match_rate.sources=[crm] collaboration.deliver_months={none:80,full:70} "
            "study.silo=best_single money.requests_per_month=null study.who=11 study.others=nobody"
        ),
        (
            "study.others = nobody: must be one of none, profile",
            "study.who = 11: must be at most bidders.count = 10",
            "collaboration.match_rate.sources: no source crm",
            "collaboration.deliver_months.full = 70: must be below money.horizon_months = 60",
            "money.requests_per_month: required where levels of collaboration are compared",
            "study.silo = best_single: levels are compared with one silo",
        ),
    ),
    "in_house": (
        (
            "first_party.own=segments money.requests_per_month=null study.silo=crm "
            "'study.tune={parameter: gain, values: [1, 2]}'"
        ),
        (
            "study.silo = crm: must be one of",
            "first_party.bought = segments: must not be first_party.own",
            "money.requests_per_month: required where own data are built",
            "study.tune: levels and months are not retuned",
        ),
    ),
    "agencies": (
        "bidders.kinds.digital.sources=[contxt] bidders.kinds.in_house.control_interval_h=1.5 creative={}",
        (
            "bidders.creative = chosen: there is nothing to choose among 0 creatives",
            "bidders.kinds.digital.sources: no source contxt",
            "bidders.kinds.in_house.control_interval_h = 1.5: must be a multiple",
        ),
    ),
    "touchpoints": (
        "touchpoints.targets=intrest supply.context_types=3",
        (
            "rivals.by_context: 4 numbers for 3 context types",
            "journey.lasting: 4 numbers for 3 context types",
            "touchpoints.channels: 4 channels for 3 context types",
            "touchpoints.targets = intrest: must be a source that shows interest",
        ),
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_all_contradictions_are_listed_at_once(name):
    overrides, expected = CONTRADICTIONS[name]
    with pytest.raises(BadInput) as refused:
        load("value", [f"scenario={name}", *shlex.split(overrides)])
    problems = refused.value.problems
    for part in expected:
        assert sum(problem.startswith(part) for problem in problems) == 1, (part, problems)
    extra = [problem for problem in problems if not problem.startswith(expected)]
    assert not extra
