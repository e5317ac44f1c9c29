"""`jointbid log table`: the classic strategies on a log, tuned on the training part."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.logs.replay.strategy_table import STRATEGIES
from jointbid.experiments.logs.replay.strategy_tuning import TuningRows, tune
from jointbid.experiments.logs.synthetic.forms import write_all, write_click_price_pctr


def tuning_rows(rows: int = 4_000, budget: float = 0.2) -> TuningRows:
    rng = np.random.default_rng(4)
    price, value = rng.lognormal(-7, 0.8, rows), rng.lognormal(-7, 1.0, rows)
    clicks = (rng.random(rows) < np.minimum(value * 20, 1)).astype(float)
    return TuningRows(
        price, np.zeros(rows), value, price, clicks, rng.random(rows), budget, np.zeros(rows, dtype=np.int64)
    )


def test_tuned_parameters_keep_to_the_budget_and_beat_their_neighbours():
    for budget in (0.05, 0.5):
        field = tuning_rows(budget=budget)
        gain = tune("linear", field)["gain"]
        clicks, cost = field.clicks_of(gain * field.value)
        assert cost <= budget
        assert clicks >= max(field.clicks_of(gain * k * field.value)[0] for k in (0.1, 0.3, 3.0, 10.0))
        level = tune("constant", field)["level"]
        assert field.clicks_of(np.full(len(field.price), level))[0] < clicks, (
            "the linear bid knows the values"
        )
    assert tune("mcpc", field) == tune("rlb", field) == {}
    assert set(tune("ortb2", field)) == {"c", "lam"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    path = folder / "1458.txt"
    write_click_price_pctr(path, 4_000)
    assert main(["log", "table", str(path), f"results_dir={folder / 'out'}", "study.replay.bootstrap=200",
                 "study.replay.block_h=0.01"]) == 0  # fmt: skip
    (out,) = (folder / "out" / "table").iterdir()
    return out


def test_every_strategy_at_every_budget_with_intervals(made):
    table = pd.read_csv(made / "table.csv")
    assert set(table["strategy"]) == set(STRATEGIES)
    assert sorted(table["budget_share"].unique()) == [1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2]
    assert set(table["metric"]) == {"clicks", "cost", "ecpc", "win_rate"}
    assert len(table) == 8 * 6 * 4
    known = table.dropna(subset="ci_low")
    assert (known["ci_low"] <= known["ci_high"]).all()
    cost = table[table["metric"] == "cost"]
    assert (cost["estimate"] <= cost["budget"] * (1 + 1e-9)).all()
    clicks = table[table["metric"] == "clicks"].set_index(["strategy", "budget_share"])["estimate"]
    assert clicks["lin"].sum() > 1.3 * clicks["const"].sum()
    assert clicks["lin"].loc[0.5] > clicks["lin"].loc[1 / 64]
    status = json.loads((made / "status.json").read_text())
    about = json.loads((made / "manifest.json").read_text())
    assert status == {"status": "done"}
    assert about["command"].startswith("jointbid log table")
    assert any("4,000 used" in note for note in about["notes"])


@pytest.mark.slow
def test_learned_predictions_several_campaigns_and_full_information(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("jointbid.experiments.studies.replay.strategy_table.SHARES", (0.25,))
    paths = write_all(tmp_path, 1_200)
    quick = [
        "study.replay.bootstrap=100",
        "study.replay.folds=3",
        "study.replay.penalties=[.3]",
        f"results_dir={tmp_path}",
    ]
    assert main(["log", "table", str(paths["ipinyou_log_txt"]), *quick]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for campaign in ("1458", "2259", "3386"):
        assert f"Campaign {campaign}: clicks" in text or f"campaign {campaign} is left out" in text
    assert "predictions: logistic, learned on the training rows" in text
    assert main(["log", "table", str(paths["auctionnet"]), *quick]) == 0
    text = capsys.readouterr().out
    assert "predictions: the log's own (pctr)" in text


def test_too_little_to_play(tmp_path, capsys):
    path = tmp_path / "1.txt"
    path.write_text("0 20 .1\n1 30 .2\n" * 5)
    assert main(["log", "table", str(path), f"results_dir={tmp_path}"]) == 2
    assert "campaign 1 is left out" in capsys.readouterr().err
    assert main(["log", "table", str(Path(tmp_path) / "none.txt")]) == 2


@pytest.mark.slow
def test_what_looks_like_leakage_is_left_out_beside_the_headline(tmp_path, capsys):
    data = Path(__file__).parents[1] / "data" / "ipinyou_synthetic.csv.gz"
    assert main(["log", "table", str(data), "supply.campaign=1458", "supply.nonclick_weight=5", f"results_dir={tmp_path}",
                 "study.replay.bootstrap=100", "study.replay.folds=3", "study.replay.penalties=[.3]", "supply.suspect_tags=['11278']"]) == 0  # fmt: skip
    out = capsys.readouterr().out
    assert "played twice: with all values, and without the suspect usertag 11278" in out
    assert "Campaign 1458 (without suspects): clicks" in out
    (path,) = tmp_path.glob("table/*/table.csv")
    table = pd.read_csv(path)
    clicks = table[table["metric"] == "clicks"].pivot_table(
        index=["strategy", "budget_share"], columns="tags", values="estimate"
    )
    assert (clicks.loc["const"]["all"] == clicks.loc["const"]["without_suspects"]).all()
    lin = clicks.loc["lin"]
    assert lin["all"].sum() > lin["without_suspects"].sum()


def test_predictions_that_came_with_the_log_are_played_once(made):
    assert pd.read_csv(made / "table.csv")["tags"].unique().tolist() == ["all"]
    notes = json.loads((made / "manifest.json").read_text())["notes"]
    assert "the predictions came with the log: what they owe to leaks is not known" in notes
