"""What joint data are compared with: whose data the arms hold, and that both sides differ in data alone."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from jointbid.experiments.cells.arms import arms_of, owners_of
from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import load
from jointbid.experiments.estimate.sides import Sides
from jointbid.experiments.storage.cell_results import StudyState
from jointbid.experiments.studies.cell_plans import CellPlan

FAST = (
    "supply.requests=1000", "study.replications=3", "study.range=null", "study.learned_beside=false", "executor=serial",
    "plot.enabled=false",
)  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def plan(*overrides):
    (point,) = load("value", overrides)
    return CellPlan(point.settings, StudyState())


def study(*overrides):
    """The only study that the command leaves behind: profit rows of its summary, and what it says."""
    assert main(["value", *FAST, *overrides]) == 0
    (folder,) = Path("results/value").iterdir()
    summary = pd.read_csv(folder / "summary.csv")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    return summary, " ".join(manifest["verdict"]), manifest


def rows(summary, estimand, metric="focal_profit"):
    return summary[(summary["estimand"] == estimand) & (summary["metric"] == metric)].set_index("arm")


@pytest.mark.parametrize(
    ("overrides", "owners"),
    [
        ((), {"profile": "cio", "context+history": "cmo"}),
        (("source.history.owner=cio",), {"profile+history": "cio", "context": "cmo"}),
        (
            ("source.history.owner=agency",),
            {"profile": "cio", "context": "cmo", "history": "agency"},
        ),
        (("scenario=theory",), {"profile": "cio", "context": "cmo"}),
        (("scenario=theory", "source.context.owner=cio"), {"joint": "cio"}),
    ],
)
def test_each_owner_has_an_arm_and_none_is_there_twice(overrides, owners):
    here = plan("study.lattice=false", *overrides)
    assert owners_of(here.settings.scenario) == owners == here.owners
    arms = list(here.arms)
    assert set(owners) <= set(arms)
    assert len(arms) == len(set(arms))
    assert here.siloed == tuple(owners)
    assert set(here.compared) == {*owners, "stacked", "joint"}


def test_an_owner_may_be_named():
    assert plan("study.silo=cmo").silo == "context+history"
    assert plan("study.silo=cio").siloed == ("profile",)
    assert plan("study.silo=best_single").siloed == ("profile", "context", "history")


def test_every_pilot_replication_has_every_candidate():
    cells = plan().pilot()
    found = {(cell.arm, cell.replication) for cell in cells}
    assert len(found) == len(cells) == 4 * 4, "three sources, and one owner of two"


def test_labels_name_the_owner():
    sides = Sides(
        chosen={"best_silo": "context+history", "best_single": "context"},
        owners={"profile": "cio", "context+history": "cmo"},
        sources=("profile", "context", "history"),
    )
    assert [sides.label(arm) for arm in ("best_silo", "best_single", "context+history", "profile", "joint")] == [
        "best_silo (cmo)", "best_single (context)", "cmo (context+history)", "profile", "joint",
    ]  # fmt: skip
    assert sides.named == "joint - best_silo (cmo)"
    assert (sides.arm, sides.others) == ("context+history", ("profile",))


def test_the_default_compares_silo_with_joint_and_its_steps_add_up():
    summary, said, manifest = study()
    value = rows(summary, "value_of_joint_data")
    assert list(value.index) == ["joint - best_silo (cmo)"]
    steps = [rows(summary, name)["estimate"].iloc[0] for name in ("same_request_step", "joint_model_step")]
    assert value["estimate"].iloc[0] == pytest.approx(sum(steps))
    assert "(cmo: context and history)" in said
    assert (manifest["silo"], manifest["best_silo"]) == ("best_silo", "context+history")
    utility = rows(summary, "utility")["estimate"]
    assert utility["best_silo"] == utility["context+history"]
    assert "best_single" in utility
    assert "revenue" not in set(summary["metric"]), "what others pay the seller is not known of a landscape"
    assert len(rows(summary, "value_of_joint_data", "payments"))


@pytest.mark.slow
def test_one_owner_of_all_has_nothing_to_join():
    summary, said, _ = study("source.profile.owner=cmo")
    value = rows(summary, "value_of_joint_data").iloc[0]
    assert (value["estimate"], value["ci_low"], value["ci_high"]) == (0.0, 0.0, 0.0)
    assert "is worth 0 here: the only silo (cmo: profile, context and history) holds the same data" in said


@pytest.mark.slow
def test_another_policy_on_the_same_data_is_not_called_joining():
    """The profile is worthless here, both steps are 0; that one side takes clicks for sales has a name of its own."""
    summary, said, _ = study(
        "scenario=content_and_native", "study.silo=clicks", "study.lattice=false", "study.overtaking=null",
        "response.b=0", "response.interaction=0", "response.conversion.b=0", "journey.appetite=1",
    )  # fmt: skip
    value = rows(summary, "value_of_joint_data").iloc[0]
    assert (value["estimate"], value["ci_low"], value["ci_high"]) == (0.0, 0.0, 0.0)
    assert rows(summary, "cost_of_seeing_clicks")["estimate"].loc["joint - clicks"] != 0
    assert "is worth 0 here: bidding by clicks alone (clicks) holds the same data. On the same data," in said


READER = "bidders.strategy={name: constant, level: 0.5, contexts: [1]}"
"""It reads the source `context` itself."""


@pytest.mark.parametrize(("strategy", "has_steps"), [(READER, False), ("strategy=truthful", True)])
def test_a_strategy_that_reads_sources_has_no_stacked_arm(strategy, has_steps):
    here = plan("scenario=theory", strategy)
    assert ({"stacked", "summed"} <= set(here.arms)) == has_steps
    assert ("stacked" in here.compared) == has_steps
    assert {"split_budget", "joint", "profile", "context"} <= set(here.arms)


def test_joined_scores_are_refused_as_the_silo_of_a_strategy_that_reads_sources(capsys):
    assert main(["value", *FAST, "scenario=theory", READER, "study.silo=stacked"]) == 2
    assert "study.silo = stacked: the strategy constant reads context itself" in capsys.readouterr().err


def test_arms_of_creatives_are_of_silos_too():
    (point,) = load("value", ["scenario=content_and_native"])
    scenario = point.settings.scenario
    pairs = {arm for arm in arms_of(scenario) if "/" in arm}
    if scenario.bidders.creative == "rotated":
        assert not pairs
    else:
        assert {f"joint/{arm}" for arm in owners_of(scenario)} <= pairs
