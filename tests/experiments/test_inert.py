"""What a command sets in vain is said, and nothing else is."""

from __future__ import annotations

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


def test_settings_without_effect_are_named_and_again_by_a_rerun(named):
    in_vain = [
        "source.profile.latency_h=5",  # nothing goes stale where nothing changes
        "study.others=joint",  # there are no others
        "money.integration_once=1000",  # there is no volume
        "source.profile.lookup_latency_ms=5",  # there is no deadline
    ]
    assert named(*in_vain, "source.profile.match_rate=0.5") == in_vain
    assert named(*in_vain, "source.profile.match_rate=0.5") == in_vain


@pytest.mark.parametrize(
    "works",
    [
        ["source.profile.latency_h=5", "source.profile.flip_rate_per_h=0.1"],
        ["study.others=joint", "bidders.count=2"],
        ["money.integration_once=1000", "money.requests_per_month=1e6"],
        ["source.profile.lookup_latency_ms=5", "auction.tmax_ms=10"],
    ],
)
def test_the_same_settings_where_they_do_something(works, named):
    assert named(*works) == []


def test_of_two_the_one_that_loses_is_named(named):
    assert named("response.b=0.4", "response.b=0.5") == ["response.b=0.4"]


def test_pacing_without_a_budget_is_said(capsys):
    assert main(["value", *SMALL, "bidders.strategy=adaptive_pacing"]) == 0
    assert "bidders.budget=null sets none to pace" in capsys.readouterr().out
