"""Scenarios of the business: every contradiction of a configuration is listed."""

from __future__ import annotations

import shlex

import pytest

from jointbid.experiments.config.points import load
from jointbid.experiments.config.validation import contradictions
from jointbid.experiments.errors import BadInput

CONTRADICTIONS = {
    "real_time_optimiser": (
        "journey={} bidders.values=private audience.consent=0.5 source.profile.flip_rate_per_h=0.1 response.redundancy=0.3",
        (
            "journey: requires audience.people (the number of people)",
            "journey: an account is the same for all advertisers",
            "journey: with audience.drift must be null",
            "journey: with stock must be null",
            "bidders.values: with stock must be common",
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
            "study.silo=nobody money.requests_per_month=null study.who=11 study.others=nobody"
        ),
        (
            "study.others = nobody: must be one of none, profile",
            "study.who = 11: must be at most bidders.count = 10",
            "collaboration.match_rate.sources: no source crm",
            "collaboration.deliver_months.full = 70: must be below money.horizon_months = 60",
            "money.requests_per_month: required where levels of collaboration are compared",
            "study.silo = nobody: must be one of best_silo, best_single, cio, cmo",
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


WRONG_EVERYWHERE = {
    "supply.requests=-5": "supply.requests = -5: must be greater than 0",  # a field of the scenario, and one of a part of it
    "source.profile.match_rate=1.5": "source.profile.match_rate = 1.5: must be less than or equal to 1",
    "response.fatigue=0.2": "response.fatigue: requires audience.people (the number of people)",
    "collaboration.levels=[0.5,0.2]": "collaboration.levels: must rise from 0 to 1",
    "collaboration.shape=odd": "collaboration.shape = odd: must be one of even, early",
    "collaboration.deliver_months={none:80,full:70}": "collaboration.deliver_months.full = 70: must be below money.horizon_months",
    "collaboration.match_rate.sources=[crm]": "collaboration.match_rate.sources: no source crm",
    "money.discount_rate=-1": "money.discount_rate = -1: must be greater than or equal to 0",
    "study.others=nobody": "study.others = nobody: must be one of none, profile",
    "study.who=11": "study.who = 11: must be at most bidders.count = 10",
    "study.replications=0": "study.replications = 0: must be greater than 0",
    "bidders.kinds.odd={sources:[contxt]}": "bidders.kinds.odd.sources: no source contxt",
    "bidders.kinds.truthful={}": "bidders.kinds.truthful: a strategy has that name",
    "bidders.strategy.gain=2": "bidders.strategy: strategy 'truthful'",
}
"""Of each part of a configuration something that is wrong, and how its line begins."""


def problems_of(verb, *overrides):
    with pytest.raises(BadInput) as refused:
        load(verb, overrides)
    return refused.value.problems


def test_one_run_lists_what_is_wrong_in_every_part():
    problems = problems_of("value", "scenario=two_budgets", *WRONG_EVERYWHERE)
    for part in WRONG_EVERYWHERE.values():
        assert sum(problem.startswith(part) for problem in problems) == 1, (part, problems)
    assert len(problems) == len(set(problems)) == len(WRONG_EVERYWHERE)


@pytest.mark.parametrize("given", WRONG_EVERYWHERE)
def test_each_of_them_alone_is_one_problem(given):
    (problem,) = problems_of("value", "scenario=two_budgets", given)
    assert problem.startswith(WRONG_EVERYWHERE[given])


def test_the_study_of_strategies_and_that_of_adoption_are_listed_with_the_rest():
    strategies = "study.strategies=[truthful,truthful,ortb7]"
    problems = problems_of("tournament", "scenario=two_budgets", strategies, "supply.requests=0")
    assert [problem.split(":")[0] for problem in problems] == [
        "supply.requests = 0",
        "study.strategies.1 = truthful",
        "study.strategies.2",
    ]
    problems = problems_of("adoption", "scenario=default", "study.others=joint", "engine.series_h=0")
    assert [problem.split(":")[0] for problem in problems] == ["engine.series_h = 0", "study.others = joint"]


@pytest.mark.parametrize(
    ("scenario", "given"),
    [
        (
            "touchpoints",
            "supply.context_types=no",
        ),  # four channels, prices and stocks for that number of contexts
        ("content_and_native", "supply.context_types=0"),
        ("agencies", "bidders.control_interval_h=0"),  # of which kinds' own must be multiples
        ("two_budgets", "source.profile.owner=nobody"),  # which dials move
        ("two_budgets", "money.requests_per_month=-1"),  # which collaboration requires
        ("two_budgets", "study.silo=[]"),
        ("two_budgets", "bidders.count=-1"),
        ("in_house", "first_party.own=[1]"),
        ("real_time_optimiser", "study.ranges=[{key: source.profile.latency_h, low: 2, high: 1, source: x}]"),
        ("b2b_long_cycle", "journey.step_h=-1"),
    ],
)
def test_what_a_wrong_value_has_a_part_in_is_not_held_against_the_rest(scenario, given):
    """Nothing is said by what the value would be if it were not given."""
    key = given.partition("=")[0]
    problems = problems_of("value", f"scenario={scenario}", given)
    assert problems
    assert all(problem.startswith(key) for problem in problems), problems


def test_an_error_in_a_check_is_no_absent_value():
    """Only a read of a field that was left out ends a check early."""
    (scenario,) = [point.settings.scenario for point in load("value", ["scenario=theory"])]

    def broken():
        yield "a: line"
        assert scenario.supplies

    found = contradictions(broken, {"requests"})
    assert next(found) == "a: line"
    with pytest.raises(AttributeError, match="supplies"):
        next(found)
    assert list(contradictions(broken, {"supplies"})) == ["a: line"]
