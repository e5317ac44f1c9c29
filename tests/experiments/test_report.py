"""What the report is made of: a study read back, its cards, checks and tables; the page itself is looked at in tests/browser."""

from __future__ import annotations

import json
import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

import jointbid
from jointbid.experiments.cli.main import main
from jointbid.experiments.errors import BadInput
from jointbid.experiments.estimate.ladder import ladder_summary
from jointbid.experiments.estimate.sides import Sides
from jointbid.experiments.report.folders.settings_diff import defaults, differing, flat
from jointbid.experiments.report.folders.study import StudyFolder, load_study
from jointbid.experiments.report.html.cards import cards as cards_of
from jointbid.experiments.report.html.checks import checks
from jointbid.experiments.report.html.closed_form import closed_form
from jointbid.experiments.report.html.estimand_grids import arms_grid, estimands_grid, gains_grid
from jointbid.experiments.report.html.page import write_report
from jointbid.experiments.report.html.pictures import inline

UNIT = "CNY per million bid requests"
QUICK = ["supply.requests=300", "study.replications=3", "executor=serial", "plot.enabled=false"]

SINGLE = Sides("best_single", {"best_single": "context"})


@pytest.fixture
def folder(tmp_path, cells):
    """A factory of studies' folders with known numbers."""

    def make(
        name="study",
        *,
        rows=(),
        config=None,
        manifest=None,
        failures=0,
        per_bidder=False,
        change=None,
        budget=math.inf,
        **market,
    ):
        path = tmp_path / name
        path.mkdir()
        table = cells(**market).assign(budget_left=lambda made: budget - made["spend"])
        summary = ladder_summary(table, SINGLE, unit=UNIT, per_bidder=per_bidder)
        more = [dict(zip(list(summary)[:8], row, strict=True)) for row in rows]
        summary = pd.concat([summary, pd.DataFrame(more)], ignore_index=True) if more else summary
        summary = change(summary) if change else summary
        table.to_parquet(path / "cells.parquet", index=False)
        summary.to_parquet(path / "summary.parquet", index=False)
        summary.to_csv(path / "summary.csv", index=False)
        about = {
            "command": "jointbid value",
            "best_single": "context",
            "silo": "best_single",
            "verdict": ["It is so."],
        }
        (path / "manifest.json").write_text(json.dumps(about | (manifest or {})))
        (path / "config.yaml").write_text(
            json.dumps(
                {"scenario": {"name": "default"}, "source": {"profile": {}, "context": {}}} | (config or {})
            )
        )  # JSON is YAML
        (path / "status.json").write_text('{"status": "done"}')
        if failures:
            line = json.dumps(
                {"cell": {}, "error": "ValueError: no <b>", "traceback": "", "command": "jointbid run"}
            )
            (path / "failures.jsonl").write_text(f"{line}\n" * failures)
        return path

    return make


def found(path):
    """Status of each check by its name."""
    return {check.name: check.status for check in checks(StudyFolder(path))}


# -- reading a study back ---------------------------------------------------------------------------------------------


def test_load_gives_frames_and_what_was_said(folder):
    study = jointbid.load(folder())
    assert isinstance(study, jointbid.StudyFolder)
    assert list(study.summary)[:4] == ["estimand", "arm", "metric", "unit"]
    assert study.estimate("value_of_joint_data").finding == "positive"
    assert (study.verb, study.scenario, study.status, study.verdict) == (
        "value",
        "default",
        "done",
        ("It is so.",),
    )
    assert study.timeseries.empty
    assert "value of default" in repr(study)


def test_load_takes_a_folder_as_text_and_a_scenario_by_name(folder):
    assert jointbid.load(str(folder())).sides.chosen["best_single"] == "context"
    assert jointbid.load("theory", "supply.requests=7").supply.requests == 7


def test_what_is_no_study_is_refused_and_says_what_lies_in_it(folder, tmp_path):
    path = folder()
    with pytest.raises(BadInput, match="1 lie in it, such as"):
        load_study(path.parent)
    with pytest.raises(BadInput, match="no such folder"):
        load_study(tmp_path / "nowhere")
    with pytest.raises(BadInput, match="no such folder"):
        jointbid.load("nowhere/at_all")


def test_a_damaged_table_is_read_from_its_csv_or_is_empty(folder):
    path = folder()
    (path / "summary.parquet").write_bytes(b"PAR1")
    (path / "cells.parquet").unlink()
    assert len(StudyFolder(path).summary) == len(pd.read_csv(path / "summary.csv"))
    assert StudyFolder(path).cells.empty


def test_exports(folder, tmp_path):
    study = load_study(folder())
    files = {path.name for path in study.export(tmp_path / "out")}
    assert files == {"summary.csv", "summary.parquet", "cells.csv", "cells.parquet", "estimands.md"}
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / "cells.parquet"), study.cells)
    lines = (tmp_path / "out" / "estimands.md").read_text().splitlines()
    assert len(lines) == 2 + len(study.summary)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {8}


def test_a_bar_in_a_name_does_not_break_the_markdown_table(folder):
    rows = [("marginal_value", "history | profile", "focal_profit", UNIT, 1.0, math.nan, math.nan, 1)]
    assert r"| history \| profile | focal_profit | 1.00 | none |" in load_study(folder(rows=rows)).markdown()


def test_an_estimate_is_of_one_row_or_refused_with_what_would_tell_rows_apart(folder):
    study = StudyFolder(folder())
    assert study.estimate("same_request_step").finding == "positive"
    assert (
        study.estimate("utility", arm="joint").estimate
        == study.estimate("utility", "focal_profit", "joint").estimate
    )
    for arguments, words in {
        ("utility",): r"utility: \d rows fit; choose one of arm='none' or 'profile' or 'context'",
        ("utility", None, "joi"): "arm: the summary has no 'joi'; did you mean 'joint'",
        (
            "same_request_stp",
        ): "estimand: the summary has no 'same_request_stp'; did you mean 'same_request_step'",
        ("utility", "focal_proft"): "metric: .* did you mean 'focal_profit'",
    }.items():
        with pytest.raises(BadInput, match=words):
            study.estimate(*arguments)
    with pytest.raises(BadInput, match="tag: the summary has no such column"):
        study.estimate("utility", tag="all")
    assert study.estimate("shapley", arm="stacked") is None


def test_an_estimate_of_a_log_is_of_one_budget_and_one_variant(folder):
    def log(summary):
        cases = [(t, b) for t in ("all", "without_suspects") for b in (0.5, math.inf)]
        return pd.concat([summary.assign(tags=t, budget_share=b) for t, b in cases])

    study = StudyFolder(folder(change=log))
    with pytest.raises(
        BadInput, match=r"4 rows fit; choose one of tags='all' or .*; budget_share=0.5 or inf"
    ):
        study.estimate("value_of_joint_data")
    assert study.estimate("value_of_joint_data", tags="all", budget_share=math.inf).finding == "positive"


# -- cards ------------------------------------------------------------------------------------------------------------


def test_cards_say_no_more_than_their_intervals(folder):
    by_title = {card.title: card for card in cards_of(StudyFolder(folder()))}
    assert list(by_title) == ["Value of joint data", "Same-request step", "Joint-model step"]
    assert re.fullmatch(r"a gain of [\d.]+ %", by_title["Value of joint data"].note)
    noisy = cards_of(StudyFolder(folder("noisy", arm_sd=1.0, replications=3)))
    assert noisy[0].note == "no difference shown"
    alone = cards_of(StudyFolder(folder("alone", replications=1)))
    assert (alone[0].between, alone[0].note) == ("no interval", "no interval")


def test_money_is_stated_in_words_where_it_never_comes(folder):
    inf, nan = math.inf, math.nan
    rows = [
        ("net_value", "joint", "focal_profit", "CNY per month", -900.0, -950.0, -850.0, 12),
        ("payback_month", "joint", "focal_profit", "months", inf, 40.0, inf, 12),
        ("break_even_match_rate", "joint", "focal_profit", "share", nan, nan, nan, 12),
    ]
    net, payback, match = cards_of(StudyFolder(folder(rows=rows)))[3:]
    assert (net.amount, net.note, net.mark) == ("-900", "a loss", "loss")
    assert (payback.amount, payback.between) == ("not paid back", "95 % interval 40.0 to never")
    assert (match.amount, match.between) == ("not known", "")


# -- checks -----------------------------------------------------------------------------------------------------------


def test_a_sound_study_passes(folder):
    assert found(folder(replications=30)) == {
        "failed cells": "PASS", "replications": "PASS", "width of the interval": "PASS",
        "choice of the silo": "PASS", "win rate": "PASS",
    }  # fmt: skip


def test_too_few_replications(folder):
    assert found(folder(replications=12))["replications"] == "REVIEW"
    alone = found(folder("alone", replications=1))
    assert (alone["replications"], alone["width of the interval"]) == ("FAIL", "FAIL")


def test_worlds_are_no_replications(folder):
    over = ("range_over_worlds", "quantile_10", "focal_profit", "CNY", 1.0, math.nan, math.nan, 20)
    assert found(folder(replications=30, rows=[over]))["replications"] == "PASS"


def test_an_interval_that_is_wide_says_what_would_narrow_it(folder):
    (check,) = [c for c in checks(StudyFolder(folder(arm_sd=0.03))) if c.name == "width of the interval"]
    assert check.status == "REVIEW"
    assert re.search(r"some [\d,]+ replications", check.advice)


def test_failed_cells_are_a_review_where_few_and_a_failure_where_many(folder):
    assert found(folder(failures=2, replications=30))["failed cells"] == "REVIEW"
    assert found(folder("many", failures=60, replications=30))["failed cells"] == "FAIL"


def test_a_near_tie_of_the_single_sources(folder):
    levels = {"none": 0.25, "profile": 0.2720, "context": 0.2725, "stacked": 0.2825, "joint": 0.285}
    (check,) = [
        c for c in checks(StudyFolder(folder(levels=levels, arm_sd=0.01))) if c.name == "choice of the silo"
    ]
    assert check.status == "REVIEW"
    assert "close" in check.found


def test_the_steps_on_the_cards_add_up_to_the_value(folder):
    value, *steps = cards_of(StudyFolder(folder()))
    assert len(steps) == 2
    assert sum(step.value for step in steps) == pytest.approx(value.value)


@pytest.mark.parametrize(("low", "words"), [(math.inf, "never pays back"), (40.0, "not paid back")])
def test_never_is_said_where_the_whole_interval_says_it(folder, low, words):
    rows = [
        ("payback_month", "joint", "focal_profit", "months", math.inf, low, math.inf, 12),
        ("break_even_match_rate", "joint", "focal_profit", "share", math.inf, low, math.inf, 12),
    ]
    payback, match = cards_of(StudyFolder(folder(rows=rows)))[3:]
    assert payback.amount == words
    assert match.amount == "not at any rate tried"


def test_the_budget_of_a_tournament_is_that_of_each_strategy(folder):
    path = folder()
    seats = pd.DataFrame(
        {
            "study_point": "", "arm": "together", "replication": [0, 0, 1, 1], "focal": False,
            "advertiser": ["seat_1", "seat_2"] * 2, "strategy": ["pid", "slow"] * 2, "spend": [50.0, 1.0, 49.5, 2.0],
            "budget_left": [0.0, 49.0, 0.5, 48.0],
        }
    )  # fmt: skip
    seats.to_parquet(path / "cells.parquet", index=False)
    (check,) = [c for c in checks(StudyFolder(path)) if c.name == "budget"]
    assert (check.status, check.found) == ("PASS", "used up (at least 98 % on average) by pid")
    seats.assign(spend=seats["spend"] / 10, budget_left=50 - seats["spend"] / 10).to_parquet(
        path / "cells.parquet", index=False
    )
    (check,) = [c for c in checks(StudyFolder(path)) if c.name == "budget"]
    assert check.found == "not used up: at most 9.95 % of it was spent on average (pid)"
    seats.assign(spend=math.nan).to_parquet(path / "cells.parquet", index=False)
    assert "not known" not in str([c for c in checks(StudyFolder(path)) if c.name == "budget"])


def test_the_budget_of_a_tournament_is_looked_at_where_all_meet(folder):
    rows = [
        ("score_together", name, "budget_spent", "share of the budget", share, share, share, 12)
        for name, share in (("pid", 0.99), ("slow", 0.2), ("even", 0.98))
    ]
    (check,) = [c for c in checks(StudyFolder(folder(rows=rows, budget=50.0))) if c.name == "budget"]
    assert (check.status, check.found) == ("PASS", "used up (at least 98 % on average) by pid, even")


def test_a_budget_is_not_used_up_by_several_points_of_a_curve_together(folder, cells):
    path = folder()
    table = cells().assign(budget_left=lambda made: 150.0 - made["spend"])
    points = [table.assign(study_point=point) for point in ("", "match_rate=0.3", "match_rate=0.6")]
    pd.concat(points).to_parquet(path / "cells.parquet", index=False)
    assert found(path)["budget"] == "REVIEW"


@pytest.mark.parametrize(("budget", "status"), [(50.0, "PASS"), (500.0, "REVIEW"), (math.inf, None)])
def test_a_budget_that_never_binds(folder, budget, status):
    """Of the run or of all its days: what was spent and what is left."""
    path = folder(budget=budget, levels={"context": 0.26, "profile": 0.25, "joint": 0.28})
    assert found(path).get("budget") == status


def test_a_budget_that_no_focal_bidder_has_is_not_judged(folder):
    path = folder(budget=50.0)
    table = pd.read_parquet(path / "cells.parquet").assign(focal=False)
    table.to_parquet(path / "cells.parquet", index=False)
    assert "budget" not in found(path)


def test_win_rates_out_of_the_ordinary(folder):
    def often(summary):
        return summary.assign(estimate=summary["estimate"].where(summary["metric"] != "win_rate", 0.6))

    assert found(folder(change=often))["win rate"] == "REVIEW"


def test_a_learner_whose_joint_model_loses_has_not_converged(folder):
    levels = {"none": 0.25, "profile": 0.26, "context": 0.2725, "stacked": 0.2825, "joint": 0.275}
    learned = {"study": {"valuation": "learned", "train_requests": 1000}}
    assert found(folder(levels=levels, config=learned))["learner"] == "REVIEW"
    assert found(folder("good", config=learned))["learner"] == "PASS"
    assert "learner" not in found(folder("exact"))


@pytest.mark.parametrize(("cost", "status"), [(0.01, "PASS"), (0.03, "REVIEW")])
def test_with_both_valuations_the_learner_is_held_to_what_there_is_to_know(folder, cost, status):
    rows = [
        ("cost_of_learning", "joint", "focal_profit", UNIT, 1e6 * cost, 1e6 * cost - 9, 1e6 * cost + 9, 12)
    ]
    assert (
        found(folder(rows=rows, levels={"none": 0.25, "context": 0.27, "joint": 0.285}))["learner"] == status
    )


def test_leak_suspects_of_a_log(folder):
    def log(summary):
        return pd.concat(
            [summary.assign(tags=tags, budget_share=math.inf) for tags in ("all", "without_suspects")]
        )

    path = folder(change=log)
    assert found(path)["leak suspects"] == "REVIEW"
    assert "replications" not in found(path)  # a log is resampled
    study = load_study(path)
    for grid in (gains_grid(study), estimands_grid(study)):
        assert "which rows were logged" in grid.note
        assert "simulation" not in grid.note
    assert "resamples" in {column.unit for column in arms_grid(study).columns}


# -- closed forms -----------------------------------------------------------------------------------------------------


def theory(*overrides, scenario="theory"):
    from jointbid.experiments.config.points import load

    return load("value", [f"scenario={scenario}", *overrides])[0].settings.tree()


@pytest.mark.oracle
def test_the_closed_form_of_the_base_example():
    """theory.md, section 3, item 1: U_none .25, U_profile .2725, U_context .26, U_joint .285; item 6, linear in matches."""
    expected = {"none": 0.25, "profile": 0.2725, "context": 0.26, "joint": 0.285}
    assert closed_form(theory()) == pytest.approx(expected)
    half = closed_form(theory("source.profile.match_rate=0.5"))
    assert half == pytest.approx({"none": 0.25, "profile": 0.26125, "context": 0.26, "joint": 0.2725})


@pytest.mark.oracle
def test_the_closed_form_among_rivals():
    """Section 4: each of n bidders gains b 2^-n from the profile where all have it, the first alone b/2."""
    alone = closed_form(theory(scenario="theory_rivals"))
    assert (alone["none"], alone["profile"], alone["context"]) == pytest.approx((0, 0.15, 0.1))
    everyone = closed_form(theory("study.who=universal", scenario="theory_rivals"))
    assert everyone["profile"] == pytest.approx(0.3 * 2**-4)


@pytest.mark.parametrize(
    "more",
    ["auction.type=first_price", "bidders.budget=5", "bidders.terms.daily_budget=5", "bidders.terms.flight_h=[2,9]", "auction.floor_cpm=500", "source.profile.false_match_rate=0.1",
     "rivals.landscape=lognormal", "scenario=default"],
)  # fmt: skip
def test_where_there_is_no_closed_form_nothing_is_said(more):
    assert closed_form(theory(more)) == {}


def test_numbers_that_are_not_the_closed_form_fail(folder):
    config = theory()
    right = {"none": 0.25, "profile": 0.2725, "context": 0.26, "stacked": 0.28, "joint": 0.285}
    per_request = {"change": lambda summary: summary.assign(
        **{name: summary[name] / 1e6 for name in ("estimate", "ci_low", "ci_high")})}  # fmt: skip
    path = folder(config=config, levels=right, market_sd=0.002, **per_request)
    assert found(path)["closed form"] == "PASS"
    wrong = right | {"joint": 0.295}
    assert (
        found(folder("wrong", config=config, levels=wrong, market_sd=0.002, **per_request))["closed form"]
        == "FAIL"
    )


# -- tables -----------------------------------------------------------------------------------------------------------


def test_who_gains_and_who_loses(folder):
    grid = gains_grid(StudyFolder(folder(rivals=2, per_bidder=True)))
    words = {row[0].text: row[5].text for row in grid.rows}
    assert words == {
        "the advertiser": "gains", "all bidders together": "gains", "the seller": "no difference shown",
        "all together (welfare)": "gains", "rival_1 (rival)": "no difference shown",
        "rival_2 (rival)": "no difference shown",
    }  # fmt: skip


def test_tables_hold_the_exact_values(folder):
    study = StudyFolder(folder())
    values = [float(row[3].sort) for row in estimands_grid(study).rows]
    assert values == list(study.summary["estimate"])
    arms = arms_grid(study)
    assert [row[0].text for row in arms.rows][3] == "best_single (context)"
    assert all(len(row) == len(arms.columns) for row in arms.rows)


def test_a_study_without_a_summary_has_no_tables(folder):
    path = folder(change=lambda summary: summary.head(0))
    study = StudyFolder(path)
    assert gains_grid(study) is None
    assert arms_grid(study) is None
    assert estimands_grid(study) is None
    assert "It is so." in write_report(path).read_text()


# -- configurations ---------------------------------------------------------------------------------------------------


def test_what_differs_from_the_scenario_as_it_ships():
    own = flat(theory("supply.requests=17", "source.profile.match_rate=0.5", "results_dir=/elsewhere"))
    assert differing([own, defaults("value", "theory")]) == {
        "supply.requests": ["17", "200000"],
        "source.profile.match_rate": ["0.5", "1"],
    }
    assert defaults("value", "no_such_scenario") == {}
    assert flat({"a": {"b": None, "c": [1, 0.5], "d": {}}, "e": True}) == {
        "a.b": "null",
        "a.c": "[1, 0.5]",
        "a.d": "{}",
        "e": "true",
    }


# -- figures ----------------------------------------------------------------------------------------------------------


def test_an_inlined_figure_has_a_text_alternative_and_touches_nothing_else(tmp_path):
    from jointbid.experiments.report.plots import draw_curve, save

    x = np.linspace(0, 1, 5)
    table = pd.DataFrame(
        {"x": x, "estimate": x, "ci_low": x - 0.2, "ci_high": x + 0.3, "metric": "focal_profit"}
    )
    file, *_ = save(draw_curve(table, unit=UNIT, silo="profile & more"), table, tmp_path, "curve")
    markup, title, width = inline(file.read_text(), "fig-curve")
    assert title == "Value of joint data against match rate"
    assert 600 < width < 800
    root = ET.fromstring(markup)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert all(ident.startswith("fig-curve-") for ident in ids)
    assert len(set(ids)) == len(ids)
    labels = root.get("aria-labelledby").split()
    said = {element.get("id"): element.text for element in root.iter()}
    assert said[labels[0]] == title
    assert "Siloed: profile & more." in said[labels[1]]
    used = re.findall(r'(?:href="|url\()#([^")]+)', markup)
    assert used
    assert set(used) <= set(ids)
    assert "<style" not in markup
    assert "#ffffff" not in markup


# -- the page, and the verb that makes it -----------------------------------------------------------------------------


def test_every_study_leaves_a_report_that_is_made_again_from_its_folder(tmp_path, capsys):
    arguments = ["value", "scenario=theory", *QUICK, f"results_dir={tmp_path}"]
    assert main(arguments) == 0
    (path,) = (tmp_path / "value").iterdir()
    page = (path / "report.html").read_text()
    sentence, *_ = json.loads((path / "manifest.json").read_text())["verdict"]
    assert sentence in capsys.readouterr().out
    assert f'<div class="verdict"><p>{sentence}</p>' in page
    assert "jointbid value scenario=theory supply.requests=300" in page
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
    (path / "report.html").unlink()
    assert main(["report", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{path / 'report.html'}\n"
    assert (path / "report.html").read_text() == page
    (path / "report.html").unlink()
    assert main(arguments) == 0  # nothing to run, but the page is missed
    assert (path / "report.html").read_text() == page


def test_what_comes_from_outside_is_escaped(folder):
    page = write_report(
        folder(failures=1, manifest={"verdict": ["a <script>"], "command": "jointbid value 'x<y'"})
    ).read_text()
    assert "a &lt;script&gt;" in page
    assert "ValueError: no &lt;b&gt;" in page
    assert "x&lt;y" in page


@pytest.mark.parametrize("arguments", [["nowhere"], ["--fast"], ["."]])
def test_a_folder_without_a_study_is_an_error_of_the_input(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["report", *arguments]) == 2
    assert capsys.readouterr().err.startswith(
        f"jointbid: {arguments[0]}: no such" if arguments != ["."] else "jointbid: .: no study"
    )


# -- plot.format and plot.style ---------------------------------------------------------------------------------------


@pytest.mark.slow
def test_plots_come_in_the_formats_and_the_style_that_are_asked_for(tmp_path):
    style = tmp_path / "mine.mplstyle"
    style.write_text("axes.prop_cycle: cycler('color', ['123456', '654321'])\n")
    curve = [
        "study.point.redundancy=[0]",
        "study.point.interaction=[0]",
        "study.point.requests=200",
        "study.point.replications=2",
    ]
    drawn = ["plot.enabled=true", "plot.format=[svg,pdf]", f"plot.style={style}"]
    assert main(["value", "scenario=theory", *QUICK, *curve, *drawn, f"results_dir={tmp_path}"]) == 0
    (path,) = (tmp_path / "value").iterdir()
    assert {file.suffix for file in (path / "plots").iterdir()} == {".svg", ".pdf", ".csv"}
    assert "#123456" in (path / "plots" / "ladder.svg").read_text()
    assert "#0072b2" not in (path / "plots" / "ladder.svg").read_text().lower()
    page = (path / "report.html").read_text()
    for name in ("ladder", "match_rate", "pacing"):
        assert f'id="fig-{name}"' in page
    assert 'id="fig-forest"' not in page, "the ladder shows what each arm gains"


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("plot.format=[gif]", "plot.format"),
        ("plot.format=[]", "plot.format"),
        ("plot.style=nowhere.mplstyle", "plot.style: nowhere.mplstyle: no such file"),
        ("plot.style=ggplt", "did you mean 'ggplot'?"),
    ],
)
def test_a_wrong_format_or_style_is_refused_before_anything_runs(override, problem, capsys):
    assert main(["value", "scenario=theory", override]) == 2
    assert problem in capsys.readouterr().err


def test_a_file_that_is_no_style_sheet_is_refused(tmp_path, capsys):
    (tmp_path / "bad.mplstyle").write_text("axes.nonsense: 3\n")
    assert main(["value", "scenario=theory", f"plot.style={tmp_path / 'bad.mplstyle'}"]) == 2
    assert "plot.style" in capsys.readouterr().err
