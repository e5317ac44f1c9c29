"""`jointbid tournament`: its estimates against tables with a known answer, and small tournaments through the command line."""

from __future__ import annotations

import json
import shlex
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jointbid.experiments.cells.cell import Cell, label
from jointbid.experiments.cells.match import run_match
from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import load
from jointbid.experiments.errors import BadInput
from jointbid.experiments.estimate.ranking import best_responses, comparisons, ranking
from jointbid.experiments.estimate.tournament import ESTIMANDS, METRICS, Results
from jointbid.experiments.execution.stages import repeat
from jointbid.experiments.report.plots import draw_payoffs, draw_ranks
from jointbid.experiments.report.wording import tournament as tournament_tables
from jointbid.experiments.studies.session import run_study
from jointbid.experiments.studies.tournament.study import Tournament
from jointbid.sim import BidError
from jointbid.sim.scenario import StrategySpec

DOCS = Path(__file__).parents[2] / "docs"
SMALL = ["supply.requests=1500", "bidders.budget=60", "bidders.control_interval_h=2", "executor=serial"]
THREE = "study.strategies=[truthful,shading,{name:linear,gain:0.5}]"
UNIT = "EUR per million bid requests"


def scores(levels, n=12, sd=0.1, seed=1):
    """One column a strategy, sharing each replication's luck."""
    rng = np.random.default_rng(seed)
    luck = rng.normal(0, 5, n)
    return pd.DataFrame({name: level + luck + rng.normal(0, sd, n) for name, level in levels.items()})


def ranked(levels, **about):
    table = scores(levels, **about)
    return ranking(table, comparisons(table, "together", UNIT), "together", UNIT)


# ranks


def test_what_is_apart_has_one_rank_each_and_what_is_not_shares_several():
    found = ranked({"a": 1.0, "b": 3.0, "c": 3.0, "d": 9.0}).set_index("strategy")
    assert found.loc["d", ["rank", "rank_best", "rank_worst"]].tolist() == [1, 1, 1]
    assert found.loc["a", ["rank", "rank_best", "rank_worst"]].tolist() == [4, 4, 4]
    assert {tuple(found.loc[name, ["rank_best", "rank_worst"]]) for name in "bc"} == {(2, 3)}
    assert (found.loc["b", "tied_with"], found.loc["a", "tied_with"]) == ("c", "")


def test_strategies_that_do_the_same_are_tied_and_share_the_mean_rank():
    table = scores({"a": 1.0, "b": 2.0})
    table["c"] = table["b"]
    compared = comparisons(table, "together", UNIT)
    assert compared.set_index(["strategy", "other"]).loc[("b", "c"), ["p_value", "finding"]].tolist() == [
        1.0,
        "no difference shown",
    ]
    assert ranking(table, compared, "together", UNIT)["rank"].tolist() == [1, 1, 3]


def test_one_replication_shows_no_order():
    found = ranked({"a": 1.0, "b": 2.0}, n=1)
    assert found[["rank_best", "rank_worst"]].to_numpy().tolist() == [[1, 2], [1, 2]]
    assert "no order is shown" in tournament_tables.verdict(found, "together")


def test_findings_go_by_the_corrected_p_value():
    """Eight alike: of 28 comparisons some come out at 5 % alone; after Holm none does, in 19 of 20 seeds and here."""
    levels = dict.fromkeys("abcdefgh", 1.0)
    alone, corrected = 0, 0
    for seed in range(20):
        table = comparisons(scores(levels, seed=seed, sd=1.0), "together", UNIT)
        alone += int((table["p_value"] < 0.05).any())
        corrected += int((table["finding"] != "no difference shown").any())
        assert (table["p_holm"] >= table["p_value"]).all()
    assert alone > 10
    assert corrected <= 3


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ({"a": 1.0, "b": 2.0, "c": 9.0}, "c earns more than every other strategy"),
        ({"a": 1.0, "b": 2.0, "c": 9.0}, "a earns less than every other"),
        ({"a": 1.0, "b": 9.0, "c": 9.0}, "no difference is shown among"),
        ({"a": 1.0, "b": 1.0, "c": 1.0}, "no difference is shown that would put one behind"),
    ],
)
def test_the_sentence_says_what_the_intervals_do(levels, said):
    text = tournament_tables.verdict(ranked(levels), "together")
    assert said in text
    assert "simulation error only" in text


def test_a_lead_is_claimed_only_where_it_is_shown_over_each_other():
    """a is ahead of b, b of c, and between a and c no difference is shown."""
    found = ranked({"a": 3.0, "b": 2.0, "c": 1.0}).assign(
        strategy=["a", "b", "c"], rank_best=[1, 2, 2], rank_worst=[2, 2, 3]
    )
    text = tournament_tables.verdict(found, "together")
    assert "a has the highest mean" in text
    assert "not shown to be ahead of every other" in text
    assert "earns" not in text


def test_without_a_budget_nothing_is_said_of_money_at_large():
    none = pd.DataFrame(columns=["estimand", "metric", "estimate"])
    (said,) = tournament_tables.notes(none)
    assert said == (
        "no budget is set (bidders.budget, bidders.terms.daily_budget): the ranking says nothing of how strategies pace one"
    )


# payoffs


def rows(payoff, replications=6, noise=0.0, together=True):
    """Matches in which seat 1 has `payoff[own][other]` + 1 a request, and seat 2 the like - 1."""
    rng = np.random.default_rng(3)
    names, made = list(payoff), []
    for r in range(replications):
        for a, b in product(names, repeat=2):
            for seat, own, other, shift in (("seat_1", a, b, 1.0), ("seat_2", b, a, -1.0)):
                profit = payoff[own][other] + shift + rng.normal(0, noise)
                made.append(row(f"{a} vs {b}", r, seat, own, profit))
        if together:
            for first in range(len(names)):
                seated = names[first:] + names[:first]
                made += [
                    row(
                        f"together, {seated[0]} first",
                        r,
                        f"seat_{i}",
                        name,
                        sum(payoff[name].values()) + 3 * (i - 2),
                    )
                    for i, name in enumerate(seated, 1)
                ]
    return pd.DataFrame(made)


def row(arm, replication, seat, strategy, profit):
    return {
        "arm": arm, "replication": replication, "bidder": seat, "strategy": strategy, "requests": 1000,
        "profit": profit, "value": profit + 5.0, "spend": 5.0, "budget_left": 5.0, "win_rate": 0.1, "hindsight_profit": profit + 2.0,
    }  # fmt: skip


GAME = {
    "rock": {"rock": 4.0, "paper": 1.0, "well": 2.0},
    "paper": {"rock": 7.0, "paper": 3.0, "well": 1.0},
    "well": {"rock": 5.0, "paper": 2.0, "well": 6.0},
}


def game(**about):
    cells = rows(GAME, **about)
    return Results(cells, tuple(GAME), pilot=cells, scale=1000.0, unit=UNIT)


def test_the_payoff_is_the_mean_of_both_seats():
    table = game().payoffs.set_index(["strategy", "opponent"])
    for own, other in product(GAME, repeat=2):
        assert table.loc[(own, other), "estimate"] == pytest.approx(GAME[own][other])


def test_regret_is_what_the_best_response_gains_more():
    results = game()
    assert results.best == {"rock": "paper", "paper": "paper", "well": "well"}
    table = results.payoffs.set_index(["strategy", "opponent"])
    assert table.loc[("rock", "well"), "regret"] == pytest.approx(4.0)
    assert table.loc[("paper", "rock"), "regret"] == 0
    summary = results.summary().set_index(["estimand", "arm", "metric"])
    expected = {"rock": (3 + 2 + 4) / 3, "paper": 5 / 3, "well": (2 + 1) / 3}
    for name, regret in expected.items():
        assert summary.loc[("regret_best_response", name, "profit"), "estimate"] == pytest.approx(regret)


def test_a_best_response_chosen_on_pilots_may_turn_out_not_to_be_one():
    other = {own: dict(row) for own, row in GAME.items()}
    other["well"]["rock"] = 9.0
    results = Results(rows(GAME), tuple(GAME), pilot=rows(other), scale=1000.0, unit=UNIT)
    assert results.best["rock"] == "well"
    assert results.payoffs.set_index(["strategy", "opponent"]).loc[
        ("paper", "rock"), "regret"
    ] == pytest.approx(-2.0)


def test_regret_against_hindsight_in_money_and_percent():
    summary = game().summary().set_index(["estimand", "arm", "metric"])
    for format_, profit in (("together", 7.0), ("pairings", 7.0 / 3)):
        money = summary.loc[(f"regret_hindsight_{format_}", "rock", "profit")]
        share = summary.loc[(f"regret_hindsight_{format_}", "rock", "profit_pct")]
        assert money["estimate"] == pytest.approx(2.0)
        assert share["estimate"] == pytest.approx(100 * 2.0 / (profit + 2.0))


def test_in_the_market_of_all_every_seat_counts_the_same():
    """Later seats have 3 more: over all seatings nothing of it is left, and without one seating there is no score."""
    cells = rows(GAME)
    assert game().together().iloc[0].to_dict() == pytest.approx(
        {name: sum(GAME[name].values()) for name in GAME}
    )
    lost = (cells["arm"] == "together, well first") & (cells["replication"] == 1)
    part = Results(cells[~lost], tuple(GAME), pilot=cells, scale=1000.0, unit=UNIT)
    assert part.together().index.tolist() == [0, 2, 3, 4, 5]


def test_every_estimand_and_metric_is_documented_and_nothing_else_comes():
    summary = game(noise=0.1).summary()
    assert set(summary["estimand"]) == set(ESTIMANDS)
    assert set(summary["metric"]) == {*METRICS, "profit_pct"}
    page = (DOCS / "tournament.md").read_text("utf-8")
    for name in (*ESTIMANDS, *METRICS, "profit_pct"):
        assert f"`{name}`" in page


def test_a_failed_match_leaves_its_replication_out():
    cells = rows(GAME)
    lost = (cells["arm"] == "rock vs paper") & (cells["replication"] == 2)
    results = Results(cells[~lost], tuple(GAME), pilot=cells, scale=1000.0, unit=UNIT)
    assert (
        results.payoffs.set_index(["strategy", "opponent"])["n_replications"].to_dict()[("paper", "rock")]
        == 5
    )
    assert (
        results.payoffs.set_index(["strategy", "opponent"])["n_replications"].to_dict()[("well", "rock")] == 6
    )
    with pytest.raises(ValueError, match="no replication of the market of all"):
        Results(cells[~cells["arm"].str.startswith("together")], tuple(GAME), pilot=cells).summary()


def test_best_responses_take_the_first_of_equals():
    one = pd.Series([1.0, 1.0])
    assert best_responses({("a", "a"): one, ("b", "a"): one}) == {"a": "a"}


def test_plots_show_each_strategy():
    results = game(noise=0.1)
    for figure in (draw_ranks(results.ranked), draw_payoffs(results.payoffs)):
        shown = [text.get_text() for axes in figure.axes for text in axes.get_yticklabels()]
        assert set(GAME) <= set(shown)


# matches


def small(*overrides):
    return load("tournament", [*SMALL, *overrides])[0].settings


def cell(settings, *names, replication=0):
    strategies = tuple(StrategySpec(name=name) for name in names)
    return Cell(settings.scenario, "joint", lineup=strategies, replication=replication)


def seats(settings, *names, **about):
    return run_match(cell(settings, *names, **about)).rows


@pytest.mark.parametrize("auction", ["second_price", "first_price"])
def test_hindsight_is_above_every_seat_and_knows_what_was_won(auction):
    settings = small(f"auction={auction}")
    for replication in range(2):
        for row_ in seats(settings, "truthful", "adaptive_pacing", "constant", replication=replication):
            assert row_["profit"] <= row_["hindsight_profit"] + 1e-9
            assert row_["spend"] <= 60.0


def test_hindsight_holds_the_daily_budget_and_the_flight_of_each_seat():
    """On one day a daily budget is a budget; a kind with less money, or fewer hours, has a lower bound."""
    names = ("truthful", "pid_spend")
    by_run, by_day = (
        seats(small(*limits), *names)
        for limits in (
            ("bidders.budget=20",),
            ("bidders.budget=null", "bidders.terms.daily_budget=20"),
        )
    )
    assert by_run == by_day
    kinds = "bidders.kinds={poor: {terms: {daily_budget: 2}}, short: {terms: {flight_h: [0, 2]}}}"
    settings = small("bidders.budget=null", "supply.horizon_h=36", kinds, "strategy=truthful")
    rows_ = {row_["strategy"]: row_ for row_ in seats(settings, "truthful", "poor", "short")}
    assert all(row_["profit"] <= row_["hindsight_profit"] + 1e-9 for row_ in rows_.values())
    assert rows_["poor"]["spend"] + rows_["poor"]["budget_left"] == pytest.approx(4.0)
    assert (
        max(rows_[kind]["hindsight_profit"] for kind in ("poor", "short"))
        < rows_["truthful"]["hindsight_profit"] / 3
    )


def test_what_is_spent_is_stated_of_each_seat_s_own_budget():
    cells = rows(GAME).assign(budget_left=lambda t: np.where(t["strategy"] == "rock", np.inf, 15.0))
    results = Results(cells, tuple(GAME), pilot=cells, scale=1000.0, unit=UNIT)
    spent = results.summary().query("metric == 'budget_spent'").set_index("arm")["estimate"].to_dict()
    assert spent == pytest.approx({"paper": 0.25, "well": 0.25})


def test_without_rivals_or_budget_hindsight_is_what_the_value_buys():
    """One truthful seat beside a seat that bids nothing, exact data, second price: none could have done better."""
    settings = small(
        "bidders.budget=null", "source.profile.match_rate=1", "rivals.landscape=uniform", "rivals.high=2"
    )
    lineup = (StrategySpec(name="truthful"), StrategySpec(name="constant", level=0))
    first, _ = run_match(Cell(settings.scenario, "joint", lineup=lineup)).rows
    assert first["profit"] == pytest.approx(first["hindsight_profit"])


def test_a_seat_meets_the_same_facts_with_any_strategy_in_the_other():
    """Adding a third seat that bids nothing changes no other row."""
    settings = small()
    two = seats(settings, "truthful", "adaptive_pacing")
    lineup = (*cell(settings, "truthful", "adaptive_pacing").lineup, StrategySpec(name="constant", level=0))
    three = run_match(Cell(settings.scenario, "joint", lineup=lineup)).rows
    for old, new in zip(two, three, strict=False):
        assert old["profit"] == new["profit"]


def test_a_self_pairing_is_fair():
    """Both seats are alike in law: over replications their profits differ by chance alone."""
    settings = small()
    pairs = [
        [row_["profit"] for row_ in seats(settings, "truthful", "truthful", replication=r)] for r in range(12)
    ]
    gap = np.subtract(*np.array(pairs).T)
    assert abs(gap.mean()) < 4 * gap.std(ddof=1) / np.sqrt(len(gap))


def test_cells_of_other_lineups_are_other_cells():
    settings = small()
    keys = {
        cell(settings, "truthful", "shading").key,
        cell(settings, "shading", "truthful").key,
        cell(settings, "truthful", "truthful").key,
        Cell(settings.scenario, "joint").key,
    }
    assert len(keys) == 4
    assert cell(settings, "truthful", "shading").treatment == "truthful vs shading"
    assert label(StrategySpec(name="linear", gain=0.5)) == "linear(gain=0.5)"


# the command


def tournament(*overrides):
    return main(["tournament", *SMALL, "study.replications=2", *overrides])


def test_it_ranks_writes_everything_and_is_instant_the_second_time(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert tournament(THREE) == 0
    shown = capsys.readouterr()
    assert "All in one market:" in shown.out
    assert "linear(gain=0.5)" in shown.out
    (folder,) = (tmp_path / "results" / "tournament").iterdir()
    wanted = {
        "summary.csv",
        "ranking.csv",
        "comparisons.csv",
        "payoffs.csv",
        "cells.parquet",
        "timeseries.parquet",
    }
    assert wanted <= {path.name for path in folder.iterdir()}
    assert {f"{name}.{end}" for name in ("ranks", "payoffs") for end in ("svg", "png", "csv")} <= {
        path.name for path in (folder / "plots").iterdir()
    }
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["cells_run"] == 2 * (3 + 9) + 4 * 9
    summary = pd.read_csv(folder / "summary.csv")
    assert summary.columns.tolist() == [
        "estimand", "arm", "metric", "unit", "estimate", "ci_low", "ci_high", "n_replications",
    ]  # fmt: skip
    assert summary["unit"].notna().all()
    before = (folder / "manifest.json").stat().st_mtime_ns
    assert tournament(THREE) == 0
    assert "Cells: 0 kept, 60 run" in shown.out
    assert capsys.readouterr().out == shown.out.replace("0 kept, 60 run", "60 kept, 0 run")
    assert (folder / "manifest.json").stat().st_mtime_ns == before


def test_truthful_and_shading_are_one_in_second_price(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert tournament("study.strategies=[truthful,shading]", "plot.enabled=false") == 0
    (folder,) = (tmp_path / "results" / "tournament").iterdir()
    ranking_ = pd.read_csv(folder / "ranking.csv")
    pairings = ranking_[ranking_["format"] == "pairings"]
    assert pairings["rank"].tolist() == [1, 1]
    assert set(ranking_["n_replications"]) == {2}
    assert pairings["tied_with"].tolist() == ["shading", "truthful"]
    assert "no difference is shown" in capsys.readouterr().out


def test_a_sweep_shows_the_first_listed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = [
        "study.strategies=[linear,constant]",
        "plot.enabled=false",
        "-m",
        "auction=first_price,second_price",
    ]
    assert tournament(*words) == 0
    assert "Score together, EUR per million bid requests" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["study.strategies=[truthfull,shading]"],
            "study.strategies.0: unknown strategy 'truthfull'; did you mean 'truthful'?",
        ),
        (["study.strategies=[truthful,truthful]"], "study.strategies.1 = truthful: is there already"),
        (["study.strategies=[truthful]"], "study.strategies"),
        (
            ["study.strategies=[truthful,{name:linear,gian:1}]"],
            "study.strategies.1: strategy 'linear' has no parameter 'gian'",
        ),
        (
            ["study.strategies=[truthful,hindsight]"],
            "study.strategies.1: 'hindsight' is no bidder but an upper bound",
        ),
        (
            ["study.strategies=[truthful,ortb1]", "rivals.landscape=null"],
            "study.strategies.1: strategy 'ortb1': c is needed",
        ),
        ([THREE, "study.arm=split_budget"], "study.arm = split_budget"),
        ([THREE, "auction.bidder_floor_cpm={focal: 1}"], "auction.bidder_floor_cpm"),
        (["study.stratgies=[a,b]"], "study.stratgies: no such key; did you mean 'study.strategies'?"),
    ],
)
def test_bad_input_is_named(overrides, message, capsys):
    assert tournament(*overrides) == 2
    assert message in capsys.readouterr().err


def test_the_command_of_a_failed_match_plays_it_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (point,) = load("tournament", [*SMALL, THREE])
    match = Tournament(point.settings)._matches.pairings(range(1, 2))[2]
    words = shlex.split(repeat(match, point))[1:]
    assert words[-1] == "arm truthful vs linear(gain=0.5), replication 1"
    assert main(words) == 0
    assert "seat_2" in capsys.readouterr().out


def test_a_match_can_be_looked_at_closely(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["run", "scenario=tournament", *SMALL, "study.strategies=[truthful,shading]"]) == 0
    (folder,) = (tmp_path / "results" / "run").iterdir()
    settings = small()
    played = pd.read_csv(folder / "bidders.csv")["profit"].tolist()
    assert played == pytest.approx(
        [row_["profit"] for row_ in seats(settings, "truthful", "shading")], abs=1e-12
    )


def test_a_strategy_that_raises_is_refused_before_the_first_match(tmp_path, monkeypatch):
    (point,) = load("tournament", [*SMALL, THREE])
    monkeypatch.chdir(tmp_path)

    def broken(_cell):
        raise BidError("strategy of bidder 'seat_1' at hour 0: bid() raised")

    monkeypatch.setattr(Tournament, "work", staticmethod(broken))
    with pytest.raises(BadInput, match=r"study\.strategies: strategy of bidder 'seat_1'"):
        run_study(point, Tournament)
