"""Every verb plays every scenario of the business as it ships: no key but for size is needed, in any market."""

from __future__ import annotations

from itertools import product

import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.cli.scenarios import shipped
from jointbid.experiments.config.lineup import STANDARD, lineup_of
from jointbid.experiments.config.points import load
from jointbid.experiments.errors import BadInput
from jointbid.experiments.studies.registry import study_class

BUSINESS = (
    "real_time_optimiser",
    "present_value_in_context",
    "b2b_long_cycle",
    "content_and_native",
    "two_budgets",
    "in_house",
    "agencies",
    "touchpoints",
)
SMALL = ("supply.requests=500", "plot.enabled=false", "executor=serial")
VERBS = {
    "value": ("study.replications=2", "study.point.requests=200", "study.point.replications=2"),
    "adoption": ("study.replications=2",),
    "tournament": ("study.replications=1", "study.pairings=false"),
}
ANSWERED = {"real_time_optimiser", "content_and_native", "two_budgets", "in_house"}
"""Their files begin with what `value` must answer, and `test_scenarios.py` runs that."""

QUICK = {"present_value_in_context"}
"""One of them that every verb plays in seconds; the rest is for the long half."""
PLAYED = [
    pytest.param(verb, name, marks=() if name in QUICK else pytest.mark.slow)
    for verb in VERBS
    for name in BUSINESS
    if (verb, name) not in product(["value"], ANSWERED)
]
LOGS = {"log", "ipinyou"}
"""These have no requests of their own: a log brings them."""


@pytest.mark.parametrize(("verb", "name"), PLAYED)
def test_it_plays(verb, name, tmp_path, capsys):
    code = main([verb, f"scenario={name}", *SMALL, *VERBS[verb], f"results_dir={tmp_path}"])
    said = capsys.readouterr()
    assert code == 0, said.err
    assert "replication" in said.out


@pytest.mark.few(12)
@pytest.mark.parametrize("name", sorted(set(shipped()) - LOGS))
@pytest.mark.parametrize("verb", ["adoption", "tournament"])
def test_no_shipped_market_is_refused(verb, name):
    (point,) = load(verb, [f"scenario={name}"])
    study_class(verb)(point.settings).check()


@pytest.mark.parametrize("name", sorted(LOGS))
def test_a_log_is_asked_for(name):
    with pytest.raises(BadInput, match=r"supply.path: required"):
        load("tournament", [f"scenario={name}"])


def test_who_has_nothing_to_go_by_is_left_out_and_named_with_the_reason():
    (point,) = load("tournament", ["scenario=two_budgets"])
    found = lineup_of(point.settings)
    assert set(found.left_out) == {"constant", "ortb1", "fluid_pacing"}
    assert [spec.name for spec in (*found.strategies,)] == [
        spec.name for spec in STANDARD if spec.name not in found.left_out
    ]
    (note,) = found.notes()
    assert "constant (level is needed where no price landscape is known" in note
    assert "fluid_pacing (fluid pacing needs a price landscape" in note
    (mixed,) = load("tournament", ["scenario=busy_exchange"])
    assert list(lineup_of(mixed.settings).left_out) == ["fluid_pacing"]
    (whole,) = load("tournament", [])
    assert lineup_of(whole.settings).strategies == STANDARD
    assert not list(lineup_of(whole.settings).notes())


def test_who_is_named_must_play(capsys, tmp_path):
    named = "study.strategies=[truthful,fluid_pacing]"
    assert main(["tournament", "scenario=two_budgets", named, f"results_dir={tmp_path}"]) == 2
    assert "study.strategies.1: strategy 'fluid_pacing'" in capsys.readouterr().err


def test_a_study_of_campaigns_is_of_one_firm():
    with pytest.raises(BadInput, match=r"bidders.count = 3: with the study attribution must be 1"):
        load("attribution", ["scenario=touchpoints", "bidders.count=3"])
