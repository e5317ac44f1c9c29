"""Studies side by side: which differences are taken pair by pair, and what is said of them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from jointbid.experiments.cli.main import main
from jointbid.experiments.errors import BadInput
from jointbid.experiments.estimate.ladder import ladder_summary
from jointbid.experiments.estimate.sides import Sides
from jointbid.experiments.report.folders.comparison import Comparison, studies_of, welch
from jointbid.experiments.report.html.comparison_page import compare
from jointbid.experiments.report.numbers import number

UNIT = "CNY per million bid requests"

SINGLE = Sides("best_single", {"best_single": "context"})


@pytest.fixture
def study(tmp_path, cells):
    """A factory of studies' folders whose joint arm is worth `joint`."""

    def make(name, *, joint=0.285, seed=1, unit=UNIT, keep=slice(None), with_cells=True, **config):
        path = tmp_path / "value" / name
        path.mkdir(parents=True)
        levels = {"none": 0.25, "profile": 0.26, "context": 0.2725, "stacked": 0.2825, "joint": joint}
        table = cells(levels=levels, market_sd=0.05, arm_sd=0.0005)
        table = table[table["replication"].isin(range(100)[keep])]
        ladder_summary(table, SINGLE, unit=unit).to_csv(path / "summary.csv", index=False)
        if with_cells:
            table.to_parquet(path / "cells.parquet", index=False)
        about = {
            "command": f"jointbid value seed={seed}",
            "best_single": "context",
            "silo": "best_single",
            "verdict": [name],
        }
        (path / "manifest.json").write_text(json.dumps(about))
        tree = {"seed": seed, "scenario": {"name": "default"}, "results_dir": name, **config}
        (path / "config.yaml").write_text(json.dumps(tree))
        return path

    return make


def value(comparison):
    rows = comparison.differences
    return rows[rows["estimand"] == "value_of_joint_data"].iloc[0]


def test_replications_of_one_market_are_compared_pair_by_pair(study):
    """Same seed: the market's own noise cancels, and the difference is what was put in."""
    comparison = Comparison(studies_of([study("a"), study("b", joint=0.295, response={"d": 0.2})]))
    row = value(comparison)
    assert row["method"] == "paired by replication, Student-t"
    assert (row["n_replications"], row["unit"]) == (12, UNIT)
    assert row["estimate"] == pytest.approx(10_000)
    assert row["ci_high"] - row["ci_low"] < 1  # the very same draws
    assert comparison.labels == ["response.d=–", "response.d=0.2"]


def test_only_the_replications_that_both_have_are_pairs(study):
    comparison = Comparison(
        studies_of([study("a", keep=slice(0, 8)), study("b", keep=slice(5, 12), joint=0.295)])
    )
    assert value(comparison)["n_replications"] == 3


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"seed": 2}, "seed differs"),
        ({"supply": {"requests": 7}}, "supply.requests differs"),
        ({"audience": {"people": 7}}, "audience.people differs"),
    ],
)
def test_other_draws_are_no_pairs(study, config, why):
    row = value(Comparison(studies_of([study("a"), study("b", joint=0.295, **config)])))
    assert row["method"] == f"not paired ({why}), Welch"
    assert row["ci_high"] - row["ci_low"] > 100


def test_without_cells_the_two_intervals_are_all_there_is(study):
    row = value(Comparison(studies_of([study("a"), study("b", with_cells=False)])))
    assert row["method"] == "not paired, from both intervals"
    assert row["ci_low"] < 0 < row["ci_high"]


def test_other_units_are_not_compared(study):
    row = value(Comparison(studies_of([study("a"), study("b", unit="EUR per million bid requests")])))
    assert row["method"].startswith("not comparable")
    assert math.isnan(row["estimate"])


def test_welch_is_that_of_scipy():
    rng = np.random.default_rng(3)
    a, b = pd.Series(rng.normal(1, 2, 12)), pd.Series(rng.normal(0, 0.5, 30))
    known = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    found = welch(a, b)
    assert (found.ci_low, found.ci_high) == pytest.approx((known.low, known.high))
    assert welch(a.head(1), b).has_interval is False


def test_what_sets_them_apart_and_what_does_not(study):
    comparison = Comparison(
        studies_of([study("a", supply={"requests": 7}), study("b", supply={"requests": 8}, seed=2)])
    )
    assert comparison.differing == {
        "seed": ["1", "2"],
        "supply.requests": ["7", "8"],
    }  # where it lies is no difference


def test_the_csv_has_every_estimand_of_every_study(study, tmp_path):
    page = compare([study("a"), study("b", response={"d": 0.2})], tmp_path)[1]
    table = pd.read_csv(page.with_name("compare.csv"))
    assert list(table)[:4] == ["study", "response.d", "estimand", "arm"]
    assert set(table["estimand"]) >= {
        "utility",
        "value_of_joint_data",
        "same_request_step",
        "joint_model_step",
    }
    assert set(table["folder"].str[-1]) == {"a", "b"}
    assert page.parent.parent == tmp_path / "compare"
    assert compare([tmp_path / "value"], tmp_path)[1] == page  # the same studies, named by what holds them


@pytest.mark.parametrize(
    ("joint", "words"),
    [
        (0.295, "Joining is worth 10,000 CNY per million bid requests more in b than in a"),
        (0.275, "Joining is worth 10,000 CNY per million bid requests less in b than in a"),
        (0.285, "No difference shown: value of joint data in b less that in a is 0"),
    ],
)
def test_the_sentence_claims_no_more_than_the_interval(study, tmp_path, joint, words):
    page = compare([study("a"), study("b", joint=joint)], tmp_path)[1].read_text()
    assert words in page


def test_without_an_interval_nothing_is_known(study, tmp_path):
    folders = [study("a", keep=slice(0, 1)), study("b", keep=slice(0, 1), joint=0.5)]
    assert "is not known: there is no interval" in compare(folders, tmp_path)[1].read_text()


@pytest.mark.slow
def test_two_knobs_give_small_multiples_and_a_map(study, tmp_path):
    for x in (0.2, 0.5, 0.8):
        for y in (1, 2):
            study(f"s{x}{y}", joint=0.28 + x / 100, source={"profile": {"match_rate": x}}, response={"d": y})
    page = compare([tmp_path / "value"], tmp_path)[1]
    drawn = {file.stem for file in (page.parent / "plots").glob("*.svg")}
    assert drawn == {"forest", "multiples", "map"}
    assert "Against profile.match_rate=0.2" in page.read_text() or "Against response.d=1" in page.read_text()


@pytest.mark.slow
def test_scattered_points_are_drawn_over_each_knob(study, tmp_path):
    rng = np.random.default_rng(1)
    for i, (x, y, z) in enumerate(rng.random((5, 3))):
        study(f"s{i}", joint=0.28 + x / 100, response={"b": x, "c": y, "d": z})
    page = compare([tmp_path / "value"], tmp_path)[1]
    drawn = {file.stem for file in (page.parent / "plots").glob("*.svg")}
    assert drawn == {"forest", "over_response_b", "over_response_c", "over_response_d"}


def test_a_sweep_is_compared_by_its_own_folder(tmp_path, capsys):
    swept = [
        "scenario=theory",
        "source.profile.match_rate=0.3,0.9",
        "supply.requests=300",
        "study.replications=3",
    ]
    assert (
        main(["value", "-m", *swept, "executor=serial", "plot.enabled=false", f"results_dir={tmp_path}"]) == 0
    )
    (sweep,) = (tmp_path / "sweeps").iterdir()
    capsys.readouterr()
    assert main(["compare", str(sweep), f"results_dir={tmp_path}"]) == 0
    said = capsys.readouterr().out
    page = said.strip().splitlines()[-1].removeprefix("Report: ")
    points = pd.read_csv(f"{page.removesuffix('compare.html')}points.csv")
    for row in points.to_dict("records"):
        assert number(row["value_of_joint_data"]) in said
    content = Path(page).read_text()
    assert "Joining is worth" in content.partition("<main")[0]
    assert 'id="figures"' not in content or content.index('id="figures"') < content.index('id="verdicts"')
    assert list(points["source.profile.match_rate"]) == [0.3, 0.9]
    assert value(Comparison(studies_of([sweep])))["method"].startswith("paired")


def test_one_study_is_no_comparison(study, tmp_path, monkeypatch, capsys):
    folder = study("a")
    with pytest.raises(BadInput, match="needs two at least"):
        studies_of([folder, folder])
    assert main(["compare", str(folder), "nowhere"]) == 2
    assert capsys.readouterr().err == "jointbid: nowhere: no such folder\n"
