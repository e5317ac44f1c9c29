"""The study of a log with all three houses: rungs, splits, learners, blocks, split budgets, suspects that are found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.experiments.log_files import read_log

from jointbid.experiments.config.points import validate
from jointbid.experiments.errors import BadInput
from jointbid.experiments.logs.replay.bootstrap import resample, with_interval
from jointbid.experiments.logs.replay.features import encode
from jointbid.experiments.logs.replay.folds import blocks_of, person_draws, time_folds
from jointbid.experiments.logs.replay.ladder_models import fit_ladders
from jointbid.experiments.logs.replay.plan import ReplayPlan, load
from jointbid.experiments.logs.synthetic.forms import shop, write_all
from jointbid.experiments.studies.replay.ladder import run_replay

ROWS = 1_200


def plan_of(tree: dict) -> ReplayPlan:
    return ReplayPlan.from_settings(validate("value", {"study": {}, **tree}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("houses")
    write_all(path, ROWS)
    return path


def config(folder, **replay):
    return {
        "seed": 1,
        "supply": {"kind": "log", "path": str(folder / "shop.csv"), "mapping": str(folder / "shop.yaml")},
        "study": {"replay": {"folds": 3, "penalties": [1.0], "bootstrap": 100, "budgets": [0.25], **replay}},
        "executor": {"name": "serial"},
    }


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("replay", "said"),
    [
        ({}, "100 resamples of stretches of 1 h, 1 split by time"),
        ({"split": "person", "splits": 1, "blocks": "person"}, "100 resamples of people, 1 split by person"),
        ({"learner": "boosting", "min_count": 20}, "1 split by time"),
    ],
)  # fmt: skip
def test_a_log_with_history_has_its_rung(folder, replay, said):
    result = run_replay(plan_of(config(folder, **replay)))
    arms = set(result.summary.query("estimand == 'utility'")["arm"])
    assert arms == {
        "none",
        "profile",
        "context",
        "history",
        "best_single",
        "context+history",
        "best_silo",
        "stacked",
        "joint",
        "split_budget",
        "summed",
    }
    assert set(result.models["rung"]) == {
        "none",
        "profile",
        "context",
        "history",
        "context+history",
        "stacked",
        "joint",
        "summed",
    }
    assert "(cmo: context and history)" in result.verdict[0] or "(cio: profile)" in result.verdict[0]
    auc = result.models.set_index("rung")["auc"]
    assert auc["joint"] > auc["none"] + 0.03
    assert said in result.verdict[0]
    limited = result.cells[np.isfinite(result.cells["budget_share"])].set_index("arm")["spend"]
    total = (shop(ROWS)["paid_cpm"] * shop(ROWS)["stands_for"]).sum() / 1e3
    assert limited["split_budget"] <= 0.25 * total
    assert any("no value looks like leakage" in note for note in result.notes)


@pytest.mark.slow
def test_a_suspect_that_is_found_is_left_out_beside_the_headline(tmp_path):
    write_all(tmp_path, ROWS)
    frame = shop(ROWS)
    leak = (frame["clicked"] == 1) & (np.random.default_rng(1).random(ROWS) < 0.7)
    frame.loc[leak, "last_touch"] = "checkout"
    frame.to_csv(tmp_path / "shop.csv", index=False)
    plan = plan_of(config(tmp_path))
    requests = load(plan)
    assert requests.hidden == {"last_touch": ("checkout",)}
    ladders = fit_ladders(plan, requests)
    assert list(ladders) == ["all", "without_suspects"]
    same = [
        np.array_equal(ladders["all"].odds[rung], ladders["without_suspects"].odds[rung])
        for rung in ("profile", "history")
    ]
    assert same == [True, False], "only rungs that have the column change"
    # The clicks of a fold have no say in what is left out where it is priced.
    fold = requests.folds == 0
    clicks = np.where(fold, 1 - requests.clicks, requests.clicks)
    flipped = replace(requests.log, frame=requests.log.frame.assign(click=clicks))
    again = requests.suspects.dealt(flipped, requests.folds)
    assert again.without((0,)) == requests.suspects.without((0,)) == {"last_touch": ("checkout",)}
    assert again.without((0, 1)) == requests.suspects.without((0, 1))
    assert again.without((1,)) != requests.suspects.without((1,))
    result = run_replay(plan_of(config(tmp_path)))
    assert len(result.verdict) == 2
    assert result.verdict[1].startswith("Without the suspect last_touch checkout: ")
    switched_off = config(tmp_path)
    switched_off["supply"]["find_suspects"] = False
    assert load(plan_of(switched_off)).hidden == {}


def test_folds_hold_out_stretches_and_people(folder):
    assert time_folds(10, 3).tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2]
    plan = plan_of(config(folder, split="person"))
    requests = load(plan)
    user = requests.log.frame["user"]
    assert (pd.Series(requests.folds).groupby(user).nunique() == 1).all()
    draws = person_draws(requests.log, [1])
    assert len(np.unique(draws)) == user.nunique()
    assert not np.array_equal(draws, person_draws(requests.log, [2]))


def test_blocks_are_drawn_whole(folder):
    log = load(plan_of(config(folder))).log
    hours = blocks_of(log, "time", 1.0).numbers
    assert hours.max() + 1 == (log.frame["time_us"] // 3_600_000_000).nunique()
    assert blocks_of(log, "row", 1.0).numbers is None
    assert blocks_of(log, "person", 1.0).numbers.max() + 1 == log.frame["user"].nunique()
    few = blocks_of(log, "time", 100.0)
    assert few.numbers is None
    assert "where a bootstrap needs 10" in few.note
    # Rows of a block that are all alike make an interval as wide as the blocks are few.
    blocks = np.repeat(np.arange(20), 50)
    column = np.repeat(np.random.default_rng(1).normal(size=20), 50)
    width = {}
    for name, groups in (("block", blocks), ("row", None)):
        _, low, high = with_interval(resample([{"x": column}], 400, 1, groups)["x"])
        width[name] = high - low
    assert width["block"] > 4 * width["row"]


def test_hashing_puts_values_together_where_bits_are_few():
    frame = pd.DataFrame({"page": [f"p{i}" for i in range(300)]})
    assert encode(frame, ("page",), ()).matrix.shape[1] == 300
    few = encode(frame, ("page",), (), None, 5).matrix
    assert few.shape[1] == 32
    assert (few.sum(axis=1) == 1).all()


def test_a_hidden_value_of_a_plain_column_hides_the_column_as_its_gap_would_tell():
    frame = pd.DataFrame({"page": ["a", "b", "a"]})
    for value in ("b", "(anything)"):
        assert encode(frame, ("page",), (), {"page": [value]}).matrix.toarray().tolist() == [[1], [1], [1]]


def test_people_without_identified_people_and_one_house(tmp_path):
    paths = write_all(tmp_path, 300)
    tree = config(tmp_path, split="person")
    tree["supply"] = {"kind": "log", "path": str(paths["yzx"])}
    with pytest.raises(BadInput, match="has no user ids of two people"):
        load(plan_of(tree))
    tree["supply"]["path"] = str(paths["auctionnet"])
    with pytest.raises(BadInput, match="feature columns of context alone"):
        load(plan_of(tree))
    assert read_log(paths["auctionnet"]).full_information
