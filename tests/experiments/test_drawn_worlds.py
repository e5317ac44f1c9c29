"""Worlds drawn from ranges, and the study `sensitivity`, as commands."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import load
from jointbid.experiments.errors import BadInput
from jointbid.experiments.estimate.ladder import lookup
from jointbid.experiments.studies.sampled_markets import sampled
from jointbid.experiments.studies.value.worlds import ranges_here

SMALL = ["scenario=theory", "executor=serial", "plot.enabled=false"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_worlds(capsys):
    small = ["supply.requests=1000", "study.replications=2", "study.point.replications=2", "study.worlds=12"]
    assert main(["value", *SMALL, *small]) == 0
    said = capsys.readouterr().out
    assert "Of 12 worlds drawn from the stated ranges joining is shown to pay in" in said
    (folder,) = Path("results/value").iterdir()
    drawn = pd.read_csv(folder / "worlds.csv")
    assert len(drawn) == 12
    assert drawn["response.b"].between(0.1, 0.4).all()
    assert drawn["response.b"].nunique() == 12
    summary = pd.read_csv(folder / "summary.csv")
    shares = summary[summary["estimand"] == "share_of_worlds"]
    assert shares["estimate"].sum() == pytest.approx(1.0)
    assert lookup(summary, "decided_by", "rank_correlation", "source.profile.match_rate").n == 12


@pytest.mark.slow
def test_learned_worlds_beside_exact_ones(capsys):
    """From 300,000 impressions a learner knows nearly what there is to know, in every world."""
    small = ["supply.requests=1000", "study.replications=2", "study.point.replications=3", "study.worlds=4"]
    assert main(["value", *SMALL, *small, "study.learned_beside=true", "study.train_requests=300000"]) == 0
    assert "Where values are learned, joining is shown to pay in" in capsys.readouterr().out
    (folder,) = Path("results/value").iterdir()
    drawn, summary = pd.read_csv(folder / "worlds.csv"), pd.read_csv(folder / "summary.csv")
    assert drawn["learned"].to_numpy() == pytest.approx(drawn["value"].to_numpy(), rel=0.1)
    names = ("learned joining pays", "learned joining costs", "no difference shown by learned joining")
    shares = summary[summary["estimand"].eq("share_of_worlds") & summary["arm"].isin(names)]
    assert shares["estimate"].sum() == pytest.approx(1.0)


@pytest.mark.slow
def test_worlds_of_the_same_data_have_no_range_of_joining(capsys):
    small = ["supply.requests=2000", "study.replications=2", "study.point.replications=2", "study.worlds=3"]
    same = [
        "scenario=content_and_native",
        "study.silo=clicks",
        "study.lattice=false",
        "study.overtaking=null",
    ]
    assert main(["value", *SMALL, *same, *small, "study.point.requests=2000"]) == 0
    said = capsys.readouterr().out
    assert "bidding by all that follows an impression is shown to earn more" in said
    assert "Range over plausible settings" not in said


@pytest.mark.parametrize("change", ["~source.history", "rivals.landscape=null"])
def test_the_range_is_of_what_the_market_has(change):
    """The default draws it by itself: a source that is left out, or live rivals, must not stop the study."""
    (point,) = load("value", ["scenario=default", "bidders.count=3", "bidders.strategy=truthful", change])
    keys = {one.key for one in ranges_here(point.settings)}
    assert "response.b" in keys
    assert not any(key.startswith("source.history." if "~" in change else "rivals.") for key in keys)
    drawn = sampled(point.settings, 20, "study.range", ranges_here(point.settings))
    assert {frozenset(world) for world in drawn} == {frozenset(keys)}


def test_one_more_world_or_range_leaves_the_others_as_they_are():
    def drawn(*overrides):
        (point,) = load("value", [*SMALL, *overrides])
        return sampled(point.settings)

    three, four = drawn("study.worlds=3"), drawn("study.worlds=4")
    assert four[:3] == three
    only = drawn("study.worlds=3", "study.ranges=[{key: response.c, low: 0.1, high: 0.4, source: a choice}]")
    assert [world["response.c"] for world in three] == [world["response.c"] for world in only]


def test_worlds_need_ranges_and_ranges_need_keys(capsys):
    assert main(["value", *SMALL, "study.worlds=3", "study.ranges=[]"]) == 2
    assert "study.ranges: study.worlds needs ranges" in capsys.readouterr().err
    wrong = "study.ranges=[{key: response.bb, low: 0, high: 1, source: x}]"
    assert main(["value", *SMALL, "study.worlds=3", wrong]) == 2
    assert "no such key response.bb; did you mean 'response.b'?" in capsys.readouterr().err


@pytest.mark.slow
def test_sensitivity(capsys):
    sizes = ["study.requests=500", "study.morris.trajectories=3", "study.sobol={factors: 2, base: 4}"]
    assert main(["sensitivity", "scenario=theory", "executor=serial", *sizes]) == 0
    said = capsys.readouterr().out
    assert "The largest effect on the value of joint data is that of" in said
    (folder,) = Path("results/sensitivity").iterdir()
    summary = pd.read_csv(folder / "summary.csv")
    counts = summary["estimand"].value_counts()
    assert counts["morris_mean"] == counts["morris_size"] == 4
    assert counts["sobol_total"] == counts["sobol_first"] == 2
    assert {p.name for p in (folder / "plots").iterdir()} == {"tornado.svg", "tornado.png", "tornado.csv"}
    assert main(["sensitivity", "scenario=theory_rivals", "study.ranges=[]"]) == 2


TINY = [
    "supply.requests=300",
    "study.replications=2",
    "study.lattice=false",
    "study.range.worlds=11",
    "study.range.requests=200",
    "executor=serial",
    "plot.enabled=false",
]
WINNING = [
    "bidders.beliefs=winning",
    "bidders.values=common",
    "bidders.count=2",
    "rivals.landscape=null",
    "source.profile.exclusive=false",
    "source.history.exclusive=false",
]
JOURNEY = ["journey={}", "audience.people=300", "bidders.values=common"]
STOCK = ["stock={}", "bidders.values=common", "response.conversion={a: -4, value: 20}"]


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("market", "why"),
    [
        (WINNING, "values are not learned with bidders.beliefs=winning"),
        (JOURNEY, "values are not learned where there is a journey"),
        (STOCK, "values are not learned where there is stock"),
    ],
)
def test_what_the_default_adds_steps_aside_where_it_cannot_be_had(market, why, capsys):
    """`learned_beside=auto` of the default scenario: the study runs, and one line says what is left out; asked for, it is refused."""
    assert main(["value", *TINY, *market]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("No learned values beside the exact ones (study.learned_beside=auto)") == 1
    assert why in said
    assert "Learned from" not in said
    with pytest.raises(BadInput, match=r"study\.learned_beside = true: must be false or auto"):
        load("value", ["study.learned_beside=true", *market])


DRIFT = ["audience.drift={half_life_h: 2}", "response.redundancy=0", "response.history_redundancy=0",
         "bidders.values=common"]  # fmt: skip


@pytest.mark.slow
def test_ranges_that_make_no_market_are_left_out_of_the_default_range(capsys):
    """Products that change in time know no redundancy; ten of the eleven ranges are left."""
    assert main(["value", *TINY, "study.learned_beside=false", *DRIFT]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "leaves out response.redundancy (study.range.auto=true): study.ranges: response.redundancy" in said
    assert "Of 10 settings it correlates most with" in said
    assert main(["value", *TINY, "study.range.auto=false", *DRIFT]) == 2
    assert "with audience.drift must be 0" in capsys.readouterr().err


@pytest.mark.slow
def test_no_range_is_stated_where_no_setting_makes_a_market(capsys):
    """The one range that is given is none of this market: the study goes on without."""
    one = "study.ranges=[{key: response.redundancy, low: 0.1, high: 0.4, source: a choice}]"
    assert main(["value", *TINY, "study.learned_beside=false", one, *DRIFT]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "No range over plausible settings: it would be of response.redundancy" in said
    assert "markets drawn from study.ranges" not in said
