"""The benchmark: scores of known games, bounds that hold, a suite that does not change, and result files beside each other."""

from __future__ import annotations

import itertools
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jointbid import study
from jointbid.experiments.cells.benchmark_game import run_game
from jointbid.experiments.cells.cell import Cell
from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import load
from jointbid.experiments.config.study_settings import BENCHMARK_SEEDS
from jointbid.experiments.estimate.benchmark import Scores, scores_of
from jointbid.experiments.estimate.intervals import mean_interval
from jointbid.experiments.studies.benchmark.suites import (
    SUITES,
    addresses,
    lineup_of,
    scenario_of,
    silo_of,
)
from jointbid.sim.scenario import StrategySpec
from jointbid.strategies.hindsight import hindsight, hindsight_cpa, hindsight_slots, penalised

QUICK = ["executor=serial", "plot.enabled=false", "study.replications=2", "study.requests=200"]
MINE = """
from jointbid import Policy

class Half(Policy):
    def bid(self, requests):
        return 0.5 * requests["value"]
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    Path("mine.py").write_text(MINE)


def games(**utilities):
    """Two games of one market in three replications, whose yardsticks are 10 and 30 on average."""
    yardsticks = {"m": pd.DataFrame({"none": [9.0, 10.0, 11.0], "bound": [28.0, 32.0, 30.0]})}
    table = pd.DataFrame({name: column for name, column in utilities.items() if column is not None})
    return Scores({"m/joint": table, "m/silo": pd.DataFrame()}, yardsticks, tuple(utilities))


def test_the_bidder_without_data_scores_0_and_hindsight_100():
    scores = games(same=[9.0, 10.0, 11.0], all=[28.0, 32.0, 30.0], mid=[19.0, 20.0, 21.0])
    joint = scores.values(["m/joint"])
    assert joint.mean().tolist() == pytest.approx([0, 100, 50])
    assert mean_interval(joint["same"]).ci_high == pytest.approx(0, abs=1e-9), (
        "its score is 0 in each replication"
    )
    assert mean_interval(joint["mid"]).ci_high > 50


def test_a_game_that_cannot_be_played_counts_as_0_and_none_counts_below_minus_100():
    scores = games(mid=[19.0, 20.0, 21.0], ruin=[-500.0, -500.0, -500.0], absent=None)
    assert scores.total.mean().tolist() == pytest.approx([25, -50, 0]), (
        "half of it, as no strategy plays the silo's game"
    )
    assert scores.by_game.set_index(["strategy", "information"])["estimate"].isna().tolist() == [
        *(False, False, True),
        *(True, True, True),
    ]


def test_intervals_are_the_jackknife_s():
    rng = np.random.default_rng(1)
    none, bound, own = rng.normal(10, 1, 8), rng.normal(30, 2, 8), rng.normal(22, 3, 8)
    yardsticks = {"m": pd.DataFrame({"none": none, "bound": bound})}
    scores = Scores({"m/joint": pd.DataFrame({"own": own})}, yardsticks, ("own",))
    found = mean_interval(scores.values(["m/joint"])["own"])

    def score(rows):
        return 100 * (own[rows] - none[rows]).mean() / (bound[rows] - none[rows]).mean()

    without = np.array([score(np.delete(np.arange(8), row)) for row in range(8)])
    error = np.sqrt(7 / 8 * ((without - without.mean()) ** 2).sum())
    assert found.estimate == pytest.approx(score(np.arange(8)))
    assert found.standard_error == pytest.approx(error)


def test_a_failed_replication_leaves_out_its_own_strategy_alone():
    cells = pd.DataFrame(
        [
            *(
                {"study_point": "m/none", "strategy": "x", "replication": r, "utility": 1.0, "bound": 3.0}
                for r in range(3)
            ),
            *(
                {"study_point": "m/joint", "strategy": "a", "replication": r, "utility": 2.0, "bound": 3.0}
                for r in range(3)
            ),
            *(
                {"study_point": "m/joint", "strategy": "b", "replication": r, "utility": 2.0, "bound": 3.0}
                for r in (0, 2)
            ),
        ]
    )
    scores = scores_of(cells, ["a", "b"], ["m/joint"])
    assert scores.total["a"].tolist() == pytest.approx([50, 50, 50])
    assert scores.ranked.set_index("strategy")["n_replications"].to_dict() == {"a": 3, "b": 2}
    with pytest.raises(ValueError, match="no replication of the bidder without data"):
        scores_of(cells[cells["study_point"] != "m/none"], ["a"], ["m/joint"])


@pytest.mark.parametrize("budget", [0.5, 1.5, np.inf])
def test_the_bound_over_slots_is_at_least_the_best_choice_and_that_of_one_slot(budget):
    rng = np.random.default_rng(2)
    value, prices, rates = rng.random(6), np.sort(rng.random((6, 2)))[:, ::-1], (1.0, 0.6)
    best = 0.0
    for choice in itertools.product((None, 0, 1), repeat=6):
        bought = [(request, slot) for request, slot in enumerate(choice) if slot is not None]
        spend = sum(rates[slot] * prices[request, slot] for request, slot in bought)
        if spend <= budget:
            best = max(best, sum(rates[slot] * value[request] for request, slot in bought) - spend)
    bound = hindsight_slots(value, prices, rates, budget)
    assert best - 1e-9 <= bound <= 1.3 * best + 0.2
    one = hindsight(value, prices[:, 0], budget).gain
    assert hindsight_slots(value, prices[:, :1], (1.0,), budget) == pytest.approx(one, rel=1e-3)


@pytest.mark.parametrize(("target", "budget"), [(0.5, 1.0), (1.0, 2.0), (3.0, np.inf)])
def test_the_bound_with_a_target_is_at_least_the_best_choice(target, budget):
    rng = np.random.default_rng(3)
    conversions, price = rng.random(10), rng.random(10)
    best = 0.0
    for chosen in itertools.product((False, True), repeat=10):
        bought = np.array(chosen)
        if (spend := price[bought].sum()) <= budget:
            best = max(best, penalised(conversions[bought].sum(), spend, target))
    bound = hindsight_cpa(conversions, price, target, budget)
    assert best - 1e-9 <= bound <= best + 1.5


def test_auctionnet_s_penalty():
    assert penalised(10, 5, 1.0) == 10
    assert penalised(10, 20, 1.0) == pytest.approx(2.5)
    assert penalised(0, 3, 1.0) == 0
    assert penalised(2, 0, 1.0) == 2


def test_the_suite_does_not_change():
    """Another market, seed or way to play is another suite, v2: results of this one are compared with those of years ago."""
    assert len(SUITES["v1"].markets) == SUITES["v1"].replications == 8
    assert addresses("v1") == json.loads((Path(__file__).parent / "benchmark_v1.json").read_text())


def test_each_market_has_a_file_with_its_reference_and_a_silo():
    for market in SUITES["v1"].markets:
        scenario = scenario_of("v1", market.name)
        assert scenario.name == f"v1/{market.name}"
        assert scenario.question
        assert silo_of(scenario) == "context"
    crowd = scenario_of("v1", "crowd")
    lineup = lineup_of(crowd, StrategySpec(name="truthful"))
    assert len(lineup) == crowd.bidders.count == 48
    assert len(crowd.auction.slots) == 3
    assert scenario_of("v1", "tight_budget", 600).bidders.budget == pytest.approx(25)


@pytest.mark.few(3)
@pytest.mark.parametrize("name", [market.name for market in SUITES["v1"].markets])
def test_no_strategy_beats_hindsight_in_a_small_game(name):
    market = next(one for one in SUITES["v1"].markets if one.name == name)
    scenario = scenario_of("v1", name, 150)
    for spec in ("truthful", "adaptive_pacing"):
        cell = Cell(
            scenario, "joint", market.valuation, train_requests=2_000, seed=3, lineup=lineup_of(scenario, StrategySpec(name=spec)),
            replayed=market.replayed, target_cpa=market.target_cpa,
        )  # fmt: skip
        (row,) = run_game(cell).rows
        assert row["bidder"] == "seat_1"
        assert row["utility"] <= row["bound"] * (1 + 1e-9)
        assert row["bound"] > 0


def test_keys_of_other_cells_do_not_know_of_the_benchmark():
    scenario = scenario_of("v1", "tight_budget")
    plain = Cell(scenario, "joint")
    assert plain.key == Cell(scenario, "joint", replayed=False, target_cpa=None).key
    assert (
        len(
            {
                plain.key,
                Cell(scenario, "joint", replayed=True).key,
                Cell(scenario, "joint", target_cpa=1.0).key,
            }
        )
        == 3
    )


@pytest.mark.slow
def test_from_the_command_line_to_a_comparison(here, capsys):
    words = ["study.markets=[second_price,replayed_log]", *QUICK]
    assert main(["benchmark", "mine.py:Half", "truthful", *words]) == 0
    out = capsys.readouterr().out
    assert "Score over all games" in out
    assert "not a result of suite v1" in out
    (folder,) = Path("results/benchmark").iterdir()
    result = json.loads((folder / "benchmark.json").read_text())
    assert result["strategies"].keys() == {"mine.py:Half", "truthful"}
    assert result["strategies"]["mine.py:Half"]["address"]
    assert result["is_complete"] is False
    assert {"ranking.csv", "games.csv", "comparisons.csv"} <= {file.name for file in folder.iterdir()}
    shutil.copy(folder / "benchmark.json", "a.json")
    assert main(["benchmark", "truthful", '{"name":x'.replace('{"name":x', "linear"), *words]) == 0
    (other,) = set(Path("results/benchmark").iterdir()) - {folder}
    capsys.readouterr()
    assert main(["compare", "a.json", str(other)]) == 0
    said = capsys.readouterr().out
    assert "mine.py:Half" in said
    assert "linear" in said
    rows = said.count("| truthful")
    assert rows == said.count("| linear"), "once in each table, as its numbers are the same in both files"
    (written,) = Path("results/compare").iterdir()
    assert set(pd.read_csv(written / "results.csv")["strategy"]) == {"mine.py:Half", "truthful", "linear"}
    Path("b.json").write_text(Path("a.json").read_text().replace('"split": "test"', '"split": "train"'))
    assert main(["compare", "a.json", "b.json"]) == 2
    assert "b.json: split = train, where a.json has test" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["supply.requests=100"], "its markets are fixed"),
        (["seed=4"], "has seeds of its own; study.split=train"),
        (["study.markets=[tight]"], "study.markets: 'tight' is none of second_price"),
        (["linaer"], "study.strategies.0: unknown strategy 'linaer'; did you mean 'linear'"),
        (["mine.py:Hlaf"], "has no class 'Hlaf'; did you mean 'Half'"),
        (["truthful", "truthful"], "is there already"),
        (["study.split=tset"], "study.split"),
    ],
)
def test_what_cannot_be_a_result_is_refused(words, message, here, capsys):
    assert main(["benchmark", *words]) == 2
    assert message in capsys.readouterr().err


def test_its_seeds_are_set_apart(here, capsys):
    assert main(["run", f"seed={BENCHMARK_SEEDS['v1']['test']}"]) == 2
    assert "set apart for the results of the benchmark v1" in capsys.readouterr().err
    assert load("run", [f"seed={BENCHMARK_SEEDS['v1']['train']}"])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["a.json"], "1 result of the benchmark"),
        (["a.json", "none.json"], "no such file"),
        (["a.json", "mine.py"], "is a result of the benchmark, and the others are not"),
        (["a.json", "no.json"], "no result of jointbid benchmark"),
    ],
)
def test_compare_refuses_other_files(files, message, here, capsys):
    some = {"suite": "v1", "markets": {}, "yardsticks": {}, "strategies": {}}
    Path("a.json").write_text(json.dumps(some))
    Path("no.json").write_text("[]")
    assert main(["compare", *files]) == 2
    assert message in capsys.readouterr().err


def test_it_runs_from_python(here):
    found = study("benchmark", QUICK, "study.markets=[tight_budget]", strategy="mine.py:Half")
    assert found.tables["ranking"]["strategy"].tolist() == ["mine.py:Half"]
    assert np.isfinite(found.summary.set_index("estimand").loc["score", "estimate"])
