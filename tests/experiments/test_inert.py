"""What a command sets in vain is said, and nothing else is."""

from __future__ import annotations

import json

import pytest

from jointbid.experiments.cli.main import main

SMALL = [
    *("supply.requests=1000", "study.replications=2", "plot.enabled=false", "study.range=null"),
    "study.learned_beside=false",
]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def named(capsys):
    """The overrides that a command says change nothing."""

    def run(*overrides):
        assert main(["value", *SMALL, *overrides]) == 0
        lines = capsys.readouterr().out.splitlines()
        return [line.split()[0] for line in lines if " changes no" in line]

    return run


def test_settings_without_effect_are_named_and_again_by_a_rerun(named, tmp_path):
    in_vain = [
        "source.profile.latency_h=5",  # nothing goes stale where nothing changes
        "study.others=joint",  # there are no others
        "money.integration_once=1000",  # there is no volume
        "source.profile.lookup_latency_ms=5",  # there is no deadline
    ]
    assert named(*in_vain, "source.profile.match_rate=0.5") == in_vain
    assert named(*in_vain, "source.profile.match_rate=0.5") == in_vain
    (folder,) = (tmp_path / "results" / "value").iterdir()
    sentences = [f"{override} changes no number of this study." for override in in_vain]
    assert json.loads((folder / "manifest.json").read_text())["inert"] == sentences
    page = (folder / "report.html").read_text()
    assert all(sentence in page for sentence in sentences)


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "works",
    [
        ["source.profile.latency_h=5", "source.profile.flip_rate_per_h=0.1"],
        ["study.others=joint", "bidders.count=2"],
        ["bidders.count=5"],  # each rival bids
        ["money.integration_once=1000", "money.requests_per_month=1e6"],
        ["source.profile.lookup_latency_ms=5", "auction.tmax_ms=10"],
    ],
)
def test_the_same_settings_where_they_do_something(works, named):
    assert named(*works) == []


@pytest.mark.slow
def test_of_two_the_one_that_loses_is_named(named):
    assert named("response.b=0.4", "response.b=0.5") == ["response.b=0.4"]


def test_pacing_without_a_budget_is_said(capsys):
    assert main(["value", *SMALL, "bidders.strategy=adaptive_pacing"]) == 0
    assert "bidders.budget=null sets none to pace" in capsys.readouterr().out


@pytest.mark.slow
def test_pacing_without_a_budget_is_said_by_a_run_and_by_a_tournament(capsys, tmp_path):
    wanted = "a budget, and bidders.budget=null sets none to pace"
    vain = ["money.integration_once=1000", "supply.requests=1000"]
    assert main(["run", "strategy=adaptive_pacing", *vain, "plot.enabled=false"]) == 0
    said = capsys.readouterr().out
    assert f"bidders.strategy=adaptive_pacing paces {wanted}" in said
    assert "money.integration_once=1000 changes no number of this study." in said
    (folder,) = (tmp_path / "results" / "run").iterdir()
    assert len(json.loads((folder / "manifest.json").read_text())["notes"]) == 2
    strategies = "study.strategies=[truthful,adaptive_pacing,throttling]"
    small = ["supply.requests=200", "study.replications=2", "plot.enabled=false", "study.pairings=false"]
    assert main(["tournament", strategies, "bidders.budget=null", "bidders.count=5", *small]) == 0
    said = capsys.readouterr().out
    assert "bidders.count=5 changes no number of this study." in said, "the strategies are the bidders"
    assert f"study.strategies=adaptive_pacing,throttling pace {wanted}" in said


@pytest.mark.slow
def test_what_changes_points_of_a_curve_alone_is_not_in_vain(named):
    curves = [
        "study.curves=[{over: source.profile.match_rate, values: [0.2, 0.8]}]",
        "money.requests_per_month=1e6",
        "study.point.replications=2",
    ]
    assert named(*curves, "study.point.requests=300") == []


@pytest.mark.slow
def test_a_kept_study_names_what_the_present_command_sets_in_vain(named):
    assert named("response.b=0.5") == []
    assert named("response.b=0.4", "response.b=0.5") == ["response.b=0.4"], "the same cells, another command"
    assert named("response.b=0.5") == []
