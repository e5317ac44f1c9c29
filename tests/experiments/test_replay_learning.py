"""Learned valuations on a log: nothing that prices a row has seen it, and predictions are what they should be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from jointbid.experiments.config.points import validate
from jointbid.experiments.errors import BadInput
from jointbid.experiments.logs.replay.crossfit import honest, refit
from jointbid.experiments.logs.replay.features import encode
from jointbid.experiments.logs.replay.folds import assign_folds
from jointbid.experiments.logs.replay.ladder_models import ALL, WITHOUT, fit_ladders, model_rows
from jointbid.experiments.logs.replay.plan import ReplayPlan, load
from jointbid.experiments.logs.replay.prediction_quality import auc_within, quality
from jointbid.experiments.logs.synthetic.ipinyou_rows import ipinyou_rows, write_ipinyou_csv

DATA = Path(__file__).parents[1] / "data" / "ipinyou_synthetic.csv.gz"
SUPPLY = {
    "kind": "log",
    "path": str(DATA),
    "nonclick_weight": 112.2,
    "suspect_tags": ["11278"],
    "find_suspects": False,
}
CONFIG = {
    "seed": 1,
    "supply": SUPPLY,
    "study": {"replay": {"split": "random", "folds": 3, "penalties": [0.3, 1.0], "splits": 1}},
    "executor": {"name": "serial"},
}


def plan_of(tree: dict) -> ReplayPlan:
    return ReplayPlan.from_settings(validate("value", {"study": {}, **tree}))


@pytest.fixture(scope="module")
def plan():
    return plan_of(CONFIG)


@pytest.fixture(scope="module")
def requests(plan):
    return load(plan)


@pytest.fixture(scope="module")
def ladders(plan, requests):
    return fit_ladders(plan, requests)


def with_clicks(requests, clicks):
    """The same log with other clicks to learn from; its sampling stays."""
    changed = replace(requests)
    vars(changed)["clicks"] = clicks
    return changed


def test_a_row_s_price_does_not_know_its_own_fold_s_clicks(plan, requests, ladders):
    view = 1
    inside = requests.folds == view
    flipped = np.where(inside, 1 - requests.clicks, requests.clicks)
    again = fit_ladders(plan, with_clicks(requests, flipped))
    for tags, ladder in ladders.items():
        for rung, views in ladder.odds.items():
            assert np.array_equal(views[view], again[tags].odds[rung][view]), (tags, rung)
            assert not np.array_equal(views[0][inside], again[tags].odds[rung][0][inside]), (tags, rung)


def test_no_value_of_the_held_out_fold_gets_a_column():
    frame = pd.DataFrame({"page": ["a", "a", "b", "b", "new"], "tags": ["1,2", "2", "2,1", "", "9,2"]})
    encoded = encode(frame, ("page", "tags"), {"tags"})
    names = ("page", "tags")
    frequent = encoded.frequent(names, np.array([True] * 4 + [False]), min_count=1)
    columns = encoded.columns(names, frequent).toarray()
    # page: a, b; tags: '', 1, 2; then "rare" of page and of tags, both for the new row alone.
    assert columns.tolist() == [
        [1, 0, 0, 1, 1, 0, 0],
        [1, 0, 0, 0, 1, 0, 0],
        [0, 1, 0, 1, 1, 0, 0],
        [0, 1, 1, 0, 0, 0, 0],
        [0, 0, 0, 0, 1, 1, 1],
    ]
    twice = encoded.frequent(("page",), np.ones(5, dtype=bool), min_count=2)
    assert encoded.columns(("page",), twice).toarray()[:, 2].tolist() == [0, 0, 0, 0, 1]
    # Other rows are encoded by the same values: "a" has its column, "c" is rare.
    others = encode(pd.DataFrame({"page": ["c", "a"], "tags": ["", ""]}), names, {"tags"})
    assert others.columns(names, frequent).toarray()[:, [0, 5]].tolist() == [[0, 1], [1, 0]]


def test_hidden_tags_leave_no_trace():
    frame = pd.DataFrame({"tags": ["1,77", "77", "1"]})
    without = encode(frame, ("tags",), {"tags"}, hidden={"tags": ["77"]})
    assert without.matrix.toarray().tolist() == [[0, 1], [1, 0], [0, 1]]  # columns: no tag, tag 1


def test_folds_share_campaigns_and_clicks_evenly(requests):
    table = pd.crosstab(
        requests.log.frame["campaign"].astype(str) + requests.log.frame["click"].astype(str), requests.folds
    )
    assert (table.max(axis=1) - table.min(axis=1)).max() <= 1
    again = assign_folds(requests.log.frame["campaign"], 3, [1, 0])
    assert np.array_equal(again, assign_folds(requests.log.frame["campaign"], 3, [1, 0]))
    assert not np.array_equal(again, assign_folds(requests.log.frame["campaign"], 3, [1, 1]))


def test_shuffled_clicks_teach_nothing(plan, requests):
    clicks = np.random.default_rng(3).permutation(requests.clicks)
    shuffled = with_clicks(requests, clicks)
    for rung, views in fit_ladders(plan, shuffled)[ALL].odds.items():
        auc = roc_auc_score(clicks, honest(views, requests.folds))
        assert abs(auc - 0.5) < 4 * np.sqrt(1 / (12 * clicks.sum())), rung  # sd of the AUC of noise


def test_predictions_are_corrected_for_the_sampling_of_non_clicks(plan, requests, ladders):
    """Predicted clicks in the full log are those that were there: the sampled odds would predict 112 times as many."""
    for tags, ladder in ladders.items():
        for row in model_rows(tags, ladder, requests):
            if row["rung"] != "summed":
                assert 0.9 < row["predicted_to_clicks"] < 1.12, row
                assert 0.8 < row["calibration_slope"] < 1.2, row


def test_on_data_without_interaction_the_sources_rank_and_add(requests, ladders):
    auc = {
        (row["tags"], row["rung"]): row["auc"]
        for t, ladder in ladders.items()
        for row in model_rows(t, ladder, requests)
    }
    for tags in (ALL, WITHOUT):
        assert auc[tags, "none"] < min(auc[tags, "profile"], auc[tags, "context"])
        assert auc[tags, "stacked"] > max(auc[tags, "profile"], auc[tags, "context"])
        assert abs(auc[tags, "stacked"] - auc[tags, "joint"]) < 0.03
    assert auc[ALL, "profile"] - auc[WITHOUT, "profile"] > 0.02
    assert auc[ALL, "context"] == auc[WITHOUT, "context"]


def test_processes_give_the_serial_figures(plan, requests, ladders):
    parallel = fit_ladders(replace(plan, jobs=2), requests)
    for tags, ladder in ladders.items():
        for rung, views in ladder.odds.items():
            assert np.array_equal(views, parallel[tags].odds[rung])


def test_stacking_finds_the_weights_of_independent_scores():
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 1, (2, 40_000))
    clicks = (rng.random(40_000) < expit(-1 + 0.5 * scores[0] + 1.5 * scores[1])).astype(np.int64)
    folds = np.arange(40_000) % 4
    views = [np.tile(score, (4, 1)) for score in scores]
    combined, weights = refit(views, clicks, folds)
    assert np.allclose(weights, [-1, 0.5, 1.5], atol=0.08)
    assert np.allclose(combined[0], weights[0, 0] + weights[0, 1:] @ scores, atol=1e-8)


def test_auc_within_groups_weighs_by_pairs():
    clicks = np.array([1, 0, 0, 1, 1, 0])
    groups = np.array(["a", "a", "a", "b", "b", "b"], dtype=object)
    scores = np.array([3.0, 1.0, 2.0, 0.0, 5.0, 4.0])
    assert auc_within(clicks, scores, groups) == pytest.approx((2 * 1.0 + 2 * 0.5) / 4)
    assert np.isnan(auc_within(np.zeros(6, dtype=np.int64), scores, groups))


def test_log_loss_of_a_known_case():
    measured = quality(
        np.array([1, 0]), np.log([3.0, 1.0]), np.array([1.0, 3.0]), np.array(["a", "a"], dtype=object)
    )
    assert measured["log_loss"] == pytest.approx((-np.log(0.75) - 3 * np.log(0.5)) / 4)
    assert measured["predicted_to_clicks"] == pytest.approx(0.75 + 3 * 0.5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"supply": {**SUPPLY, "nonclick_weight": -1}}, r"supply\.nonclick_weight"),
        ({"supply": {"kind": "log"}}, r"supply\.path: required, and not given"),
        ({"supply": {**SUPPLY, "format": "csv"}}, r"supply\.format: 'csv' is not one of"),
        ({"supply": {**SUPPLY, "path": "nowhere.csv"}}, r"nowhere\.csv: cannot be read: no such file"),
        ({"supply": {**SUPPLY, "requests": 100}}, "3 folds need at least 15 rows with a click"),
        ({"study": {"silo": "history"}}, r"study\.silo = history: .* has no columns of it"),
        ({"study": {"replay": {"budgets": [2.0]}}}, r"study\.replay\.budgets"),
        ({"study": {"replay": {"fold": 5}}}, r"study\.replay\.fold"),
    ],
)
def test_wrong_settings_name_their_place(change, message):
    with pytest.raises(BadInput, match=message):
        load(plan_of({**CONFIG, **change}))


def test_rows_beyond_the_limit_are_accounted_for():
    rows = load(plan_of({**CONFIG, "supply": {**SUPPLY, "requests": 1_500}})).log.rows
    assert (rows.read, rows.used, rows.dropped) == (2_500, 1_500, {"beyond supply.requests": 1_000})


def test_a_campaign_without_clicks_does_not_bid(tmp_path):
    write_ipinyou_csv(tmp_path / "log.csv")
    frame = pd.read_csv(tmp_path / "log.csv", dtype=str, keep_default_na=False)
    frame.loc[frame["advertiser"] == "2259", "click"] = "0"
    frame.to_csv(tmp_path / "log.csv", index=False)
    requests = load(plan_of({**CONFIG, "supply": {**SUPPLY, "path": str(tmp_path / "log.csv")}}))
    quiet = (requests.log.frame["campaign"] == "2259").to_numpy()
    assert (requests.values[quiet] == 0).all()
    assert (requests.values[~quiet] > 0).all()


def test_the_value_of_a_click_is_the_campaign_s_ecpc(requests):
    made = ipinyou_rows()
    weight = np.where(made["click"] == 1, 1, 112.2)
    mine = made["advertiser"] == "1458"
    expected = (weight * made["payprice"])[mine].sum() * 10 / made["click"][mine].sum()
    assert requests.values[mine.to_numpy()] == pytest.approx(expected, rel=1e-6)
