"""The study ``attribution`` as a command."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from jointbid.experiments.cells.attribution_rules import RULES
from jointbid.experiments.cli.main import main
from jointbid.experiments.estimate.ladder import SUMMARY_COLUMNS, lookup
from jointbid.experiments.report.wording.attribution import sentences

SMALL = ["supply.requests=20000", "audience.people=1000", "executor=serial", "plot.enabled=false"]
CHANNELS = ["mail", "retargeting", "social", "video"]


def summary():
    (folder,) = Path("results/attribution").iterdir()
    return pd.read_csv(folder / "summary.csv"), folder


def test_it_runs_reports_and_is_instant_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = [
        "attribution",
        *SMALL,
        "study.replications=2",
        "study.worlds=2",
        "study.point.replications=2",
    ]
    assert main(arguments) == 0
    table, folder = summary()
    for channel in CHANNELS:
        truth = lookup(table, "true_effect", "purchases_expected", channel)
        assert truth.n == 2
        for name in ("holdout", *(f"{scope}/{rule}" for scope in ("unified", "silo") for rule in RULES)):
            credit = lookup(table, "credit", "purchases", f"{name}: {channel}")
            error = lookup(table, "credit_error", "purchases", f"{name}: {channel}")
            assert error.estimate == pytest.approx(credit.estimate - truth.estimate)
    best = lookup(table, "utility", arm="by truth")
    for name in ("unified/last_touch", "silo/last_touch", "holdout", "as_is"):
        profit, cost = lookup(table, "utility", arm=f"by {name}"), lookup(table, "cost_of_rule", arm=name)
        assert cost.estimate == pytest.approx(best.estimate - profit.estimate)
    shares = table[table["estimand"] == "share_of_worlds"]
    assert len(shares) == 4
    assert shares["estimate"].between(0, 1).all()
    cells = pd.read_parquet(folder / "cells.parquet")
    budgets = cells[cells["study_point"].str.startswith("budget by")]
    assert (budgets["replication"] >= 100_000).all(), "another market than that of the log"
    assert "What channels are credited with" in (folder / "report.html").read_text("utf-8")
    assert len(pd.read_csv(folder / "worlds.csv")) == 2
    first = capsys.readouterr().out
    assert main(arguments) == 0
    assert "2 replications" in first
    (ran,) = re.findall(r"Cells: 0 kept, (\d+) run", first)
    assert capsys.readouterr().out == first.replace(f"0 kept, {ran} run", f"{ran} kept, 0 run")


def test_budgets_add_up_by_any_rule(tmp_path, monkeypatch):
    from jointbid.experiments.cells.attribution_season import AS_IS
    from jointbid.experiments.config.points import load
    from jointbid.experiments.studies.attribution.firm import Firm

    (point,) = load("attribution", SMALL)
    firm = Firm(point.settings)
    rows = [{"credit_unified_linear": amount} for amount in (1.0, 2.0, 0.0, 1.0)]
    total = sum(channel.daily_budget for channel in firm.plan.channels.values())
    split = dict(firm.split("unified/linear", {"all channels": rows}))
    assert split == pytest.approx(
        {"mail": total / 4, "retargeting": total / 2, "social": 0, "video": total / 4}
    )
    tests = [{"holdout_effect": amount} for amount in (-5.0, -1.0, 0.0, -2.0)]
    assert set(dict(firm.split("holdout", {"held out": tests})).values()) == {total / 4}, (
        "nothing found: evenly"
    )
    assert dict(firm.split(AS_IS, {})) == {
        name: channel.daily_budget for name, channel in firm.plan.channels.items()
    }
    assert firm.split("truth", {}) is None


def test_what_makes_no_study_is_refused_with_all_problems(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["attribution", "scenario=theory", "study.budgets=[unified/last]"]) == 2
    said = capsys.readouterr().err
    assert "study.budgets: no rule 'unified/last'" in said
    assert "touchpoints: the study attribution needs a scenario with channels" in said
    assert main(["attribution", "touchpoints.channels.mail.daily_budget=-1", "bidders.count=3"]) == 2
    said = capsys.readouterr().err
    assert "touchpoints.channels.mail.daily_budget = -1" in said
    limits = ["bidders.budget=3", "bidders.terms.daily_budget=3"]
    assert main(["attribution", "scenario=touchpoints", *limits]) == 2
    said = capsys.readouterr().err
    for key in ("budget", "terms.daily_budget"):
        assert f"bidders.{key}: with touchpoints each channel has its daily_budget" in said
    assert main(["attribution", "touchpoints.channels.mail.budget=1"]) == 2
    assert "did you mean 'touchpoints.channels.mail.daily_budget'" in capsys.readouterr().err


def test_sentences_say_no_more_than_the_intervals():
    row = {"unit": "EUR per million bid requests", "n_replications": 5, "metric": "focal_profit"}
    rows = [
        {
            **row,
            "estimand": "end_to_end_value",
            "arm": "a - b",
            "estimate": 1.0,
            "ci_low": -1.0,
            "ci_high": 3.0,
        },
        {
            **row,
            "estimand": "test_over_last_touch",
            "arm": "c - a",
            "estimate": -2.0,
            "ci_low": -3.0,
            "ci_high": -1.0,
        },
    ]
    said = " ".join(sentences(pd.DataFrame(rows), CHANNELS, 0))
    assert "in place of each owner's own, makes no difference that is shown (-1.00 to 3.00" in said
    assert "in place of last touch over all channels, costs 2.00" in said
    assert "(1.00 to 3.00)" in said


@pytest.mark.slow
def test_a_tiny_half_life_is_last_touch_and_rules_that_set_the_same_budgets_both_have_their_season(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    arguments = [*SMALL, "supply.requests=4000", "study.replications=2", "study.budgets=[unified/time_decay]"]
    assert main(["attribution", *arguments, "touchpoints.half_life_h=1e-6"]) == 0
    table, _ = summary()
    last, decay = (f"unified/{rule}" for rule in ("last_touch", "time_decay"))
    for channel in CHANNELS:
        shared = [lookup(table, "credit", "purchases", f"{name}: {channel}") for name in (last, decay)]
        assert shared[0] == shared[1]
    assert lookup(table, "attribution_error", "attribution_error_pct", decay).estimate > 0
    seasons = [lookup(table, "utility", "focal_profit", f"by {name}") for name in (last, decay)]
    assert seasons[0] == seasons[1]
    assert lookup(table, "end_to_end_value", "focal_profit") is not None


def test_what_is_not_known_is_not_called_wrong():
    nan = float("nan")
    rows = [("misplaced", f"one log/{rule}", "misplaced_pct", "%", nan, nan, nan, 3) for rule in RULES]
    rows += [("true_effect", "search", "purchases_expected", "purchases", 1.0, nan, nan, 1)]
    said = " ".join(sentences(pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS)), ["search"], 0))
    assert said.startswith("How far credits are off is not known")
    assert "not known %" not in said
    assert said.endswith("1 replication; interval: simulation error only.")
