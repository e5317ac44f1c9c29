"""Off-policy estimates of what joining is worth: on logs that the engine wrote, whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtr, ndtri

from jointbid.experiments.config.points import load
from jointbid.experiments.config.value_settings import Replay
from jointbid.experiments.errors import BadInput
from jointbid.experiments.logs.log_table import LogTable, Roles, RowCount
from jointbid.experiments.logs.replay.censored import LostValues, lost_rows
from jointbid.experiments.logs.replay.click_value import click_value_rows
from jointbid.experiments.logs.replay.crossfit import honest
from jointbid.experiments.logs.replay.folds import Blocks, blocks_of
from jointbid.experiments.logs.replay.interval import mean_interval
from jointbid.experiments.logs.replay.ladder_models import ALL, fit_ladders
from jointbid.experiments.logs.replay.off_policy import (
    LEAST,
    PLUG_IN,
    ROBUST,
    Estimates,
    Rows,
    _shared,
    estimate,
    strata_of,
)
from jointbid.experiments.logs.replay.plan import ReplayPlan, Requests, prepare, seen_rows
from jointbid.experiments.logs.replay.price_law import SampledLaw
from jointbid.experiments.logs.replay.refitting import refitted, resampled
from jointbid.experiments.studies.replay.beyond_log import _off_policy
from jointbid.sim import Entrant, Scenario, simulate
from jointbid.sim.landscape import context_levels
from jointbid.sim.scenario import MICROS, LogSupply
from jointbid.strategies.base import Policy

Floats = NDArray[np.float64]
WORTH = 0.003
ROWS = 2_000
OF = {"joint": 1.0, "context": -1.0}
MARKET = [
    "scenario=default", "rivals.context_slope=0.3", "bidders.values=common", "source.profile.match_rate=0.8", "audience.profile_types=4",
    "supply.context_types=4", "supply.floor_share=0", "response.a=-2.5", "response.b=0.8", "response.c=0.6", "response.interaction=0.3", "response.history=0",
    f"response.value_per_click={WORTH}",
]  # fmt: skip


class Logger(Policy):
    """Bids more in some contexts, times its own chance, and writes down what it saw."""

    reads = ("profile", "context", "uniform")

    def __init__(self, diary: list[tuple[Floats, ...]]) -> None:
        self.diary = diary

    def __deepcopy__(self, memo: object) -> Logger:
        return self

    def bid(self, requests):
        bids = (
            3e-4
            * (1 + 0.5 * requests["context"])
            * np.exp(0.6 * ndtri(np.clip(requests["uniform"], 1e-9, 1 - 1e-9)))
        )
        self.diary.append((np.array(requests["profile"]), np.array(requests["context"]), bids))
        return bids


@dataclass(frozen=True)
class Market:
    """Requests that the engine played against a logger, and the truth of each cell of profile and context."""

    scenario: Scenario
    requests: pd.DataFrame
    ctr: pd.Series

    def gain(self, bids: dict[str, Floats], rows: pd.DataFrame) -> float:
        """The true value of joining with these bids (micros), in currency per million of the rows."""
        ctr = self.ctr.loc[list(zip(rows["x"], rows["z"], strict=True))].to_numpy()
        level = np.log(context_levels(self.scenario))[rows["z"].to_numpy()] + self.scenario.rivals.mu
        sigma, total = self.scenario.rivals.sigma, np.zeros(len(rows))
        for arm, weight in OF.items():
            z = (np.log(np.maximum(bids[arm] / MICROS, 1e-12)) - level) / sigma
            total += weight * (ctr * WORTH * ndtr(z) - np.exp(level + sigma**2 / 2) * ndtr(z - sigma))
        return float(total.mean() * 1e6)


def played(logs: int, seed: int, settings: Sequence[str] = (), rows_each: int = ROWS) -> Market:
    """Play each log as a run of its own, which is short enough for the logger to be asked once, in order."""
    scenario = load("run", [*MARKET, *settings, f"supply.requests={rows_each}"])[0].settings.scenario
    rows = pd.concat([_played(scenario, seed, replication) for replication in range(logs)], ignore_index=True)
    ctr = rows[rows["won"]].groupby(["x", "z"])["click_probability"].mean()
    return Market(scenario, rows, ctr)


def _played(scenario: Scenario, seed: int, replication: int) -> pd.DataFrame:
    diary: list[tuple[Floats, ...]] = []
    blocks: list[dict[str, Floats]] = []
    names = ("winner", "bid_micros", "other_micros", "click_probability", "click_us", "time_us")
    simulate(
        scenario,
        {"focal": Entrant(Logger(diary))},
        seed,
        replication,
        sink=lambda rows: blocks.append({name: np.array(rows[name]) for name in names}),
    )
    rows = pd.DataFrame({name: np.concatenate([block[name] for block in blocks]) for name in names})
    for i, name in enumerate(("x", "z", "bid")):  # the first calls are of the trial
        rows[name] = np.concatenate([call[i] for call in diary])[-len(rows) :]
    rows["won"] = rows["winner"] >= 0
    # The best bid beside the winner's is the logger's own where it lost.
    own = np.where(rows["won"], rows["bid_micros"], rows["other_micros"])
    assert np.array_equal(np.rint(rows["bid"] * MICROS), own), "the diary is not in the order of the requests"
    return rows


def as_log(rows: pd.DataFrame) -> LogTable:
    """The log of a bidder that knows its bids, and the price where it won."""
    won = rows["won"].to_numpy()
    frame = pd.DataFrame({
        "time_us": rows["time_us"].to_numpy(), "campaign": "all", "click": ((rows["click_us"] >= 0) & won).astype(int).to_numpy(),
        "price_micros": np.where(won, np.maximum(rows["other_micros"], 0), 0), "floor_micros": 0, "weight": 1.0, "known": won,
        "bid_micros": np.rint(rows["bid"] * MICROS).astype(int).to_numpy(), "unpriced": ~won,
        "profile": rows["x"].astype(str).to_numpy(), "context": rows["z"].astype(str).to_numpy(),
    })  # fmt: skip
    return LogTable(
        Roles(profile=("profile",), context=("context",)),
        currency="EUR",
        full_information=True,
        frame=frame,
        rows=RowCount(len(frame), len(frame)),
        path="log",
    )


PLAN = ReplayPlan(
    LogSupply(path="log", find_suspects=False),
    Replay(folds=3, penalties=(1.0,), value_per_click=WORTH, bootstrap=200, blocks="row", split="random", splits=1),
    "context", 1, 1,
)  # fmt: skip


def estimated(market: Market, rows: pd.DataFrame) -> tuple[pd.DataFrame, float, str]:
    """The estimates on one log, the truth of the same bids, and the overlap."""
    whole = as_log(rows)
    found, bids, _ = off_policy(PLAN, prepare(PLAN, seen_rows(whole), Blocks(None)), whole)
    in_order = pd.concat([rows[rows["won"]], rows[~rows["won"]]])
    return found.table.set_index("estimator"), market.gain(bids, in_order), found.overlap


def off_policy(
    plan: ReplayPlan, requests: Requests, whole: LogTable
) -> tuple[Estimates, dict[str, Floats], pd.DataFrame]:
    """The estimates, and the bids of each arm on the seen rows and then the lost ones, which are returned too."""
    ladder = fit_ladders(plan, requests)[ALL]
    lost = lost_rows(whole, requests.log)
    assert lost is not None
    values = LostValues.of(plan, requests, lost, tuple(OF), None)
    found = _off_policy(plan, requests, lost, values, ladder.odds, OF)
    bids = {arm: np.concatenate([values.seen[arm], values.ctr[arm]]) * WORTH * MICROS for arm in OF}
    return found, bids, pd.concat([requests.log.frame, lost.frame])


def test_both_estimates_find_the_engines_answer_on_one_large_log():
    market = played(4, seed=11)
    found, truth, overlap = estimated(market, market.requests)
    robust = found.loc[ROBUST]
    assert truth > 20
    assert abs(robust["estimate"] - truth) < 2 * (robust["ci_high"] - robust["ci_low"])
    assert found.loc[PLUG_IN, "estimate"] == pytest.approx(truth, rel=0.25)
    assert overlap.startswith("overlap: ")


def rows_of(
    n: int, rng: np.random.Generator, *, wrong_model: float = 1.0, has_propensity: bool = False
) -> tuple[Rows, float]:
    """Requests with a price law, a logger that bids at random, and the true gain of bidding the value over bidding a constant."""
    theta = rng.choice([0.5, 1.0, 2.0], n)
    price, logged = rng.lognormal(0, 0.5, n), rng.lognormal(0.2, 0.5, n)
    seen = price <= logged
    gain = np.where(seen, rng.random(n) < theta / 4, 0) * 4e6
    bids = {"joint": theta * 1e6, "context": np.full(n, 1e6)}
    propensity = np.full(n, seen.mean()) if has_propensity else None
    kept = seen if has_propensity else np.ones(n, dtype=bool)
    rows = Rows(
        seen[kept], np.ones(kept.sum()), gain[kept], theta[kept] * 1e6 * wrong_model, {arm: bid[kept] for arm, bid in bids.items()},
        logged[kept] * 1e6, np.where(seen, price * 1e6, np.nan)[kept], None if propensity is None else propensity[kept],
        np.zeros(kept.sum(), dtype=np.int64),
    )  # fmt: skip
    z = {arm: np.log(bid / 1e6) / 0.5 for arm, bid in bids.items()}
    of = {arm: theta * ndtr(z[arm]) - np.exp(0.125) * ndtr(z[arm] - 0.5) for arm in bids}
    return rows, float((of["joint"] - of["context"]).mean() * 1e6)


def test_the_doubly_robust_estimate_mends_a_wrong_model():
    rng = np.random.default_rng(4)
    right, truth = rows_of(40_000, rng)
    table = estimate(right, OF).table.set_index("estimator")
    assert table.loc[PLUG_IN, "estimate"] == pytest.approx(truth, rel=0.05)
    assert table.loc[ROBUST, "estimate"] == pytest.approx(truth, rel=0.15)
    wrong, truth = rows_of(40_000, rng, wrong_model=1.5)
    table = estimate(wrong, OF).table.set_index("estimator")
    assert table.loc[PLUG_IN, "estimate"] > 1.4 * truth
    assert table.loc[ROBUST, "ci_low"] < truth < table.loc[ROBUST, "ci_high"]


@pytest.mark.parametrize("hidden", [True, False])
def test_the_influence_of_a_row_is_the_slope_in_its_weight(hidden):
    rng = np.random.default_rng(6)
    price, bid, weight = rng.integers(1, 20, 60) * 1.0, rng.integers(5, 25, 60) * 1.0, rng.uniform(1, 3, 60)
    known = price <= bid
    gain_of = rng.normal(size=40)

    def law(weight: Floats) -> SampledLaw:
        if hidden:
            return SampledLaw.kaplan_meier(np.where(known, price, bid), known, weight)
        return SampledLaw.weighted(np.where(known, price, np.nan), weight)

    def total(weight: Floats) -> float:
        found = law(weight).law
        return float(gain_of[found.atoms.astype(int)] @ found.shares)

    influence = law(weight).influence(gain_of[law(weight).law.atoms.astype(int)])
    assert influence.sum() == pytest.approx(0, abs=1e-9)
    for i in range(60):
        step = 1e-5 * weight[i] * (np.arange(60) == i)
        slope = weight[i] * (total(weight + step) - total(weight - step)) / (2e-5 * weight[i])
        assert influence[i] == pytest.approx(slope, abs=1e-6)


def test_the_interval_of_a_mean_is_students_and_wide_where_few_values_make_it_up():
    rng = np.random.default_rng(8)
    values = rng.normal(5, 2, 40)
    middle, low, high = mean_interval(values, np.ones(40))
    exact = stats.t.interval(0.95, 39, values.mean(), stats.sem(values))
    assert middle == pytest.approx(values.mean())
    assert (low, high) == pytest.approx(exact, rel=0.01)
    blocks = np.arange(40) // 4
    by_block = mean_interval(values, np.ones(40), blocks)
    sums = values.reshape(10, 4).mean(axis=1)
    assert by_block == pytest.approx(
        (sums.mean(), *stats.t.interval(0.95, 9, sums.mean(), stats.sem(sums))), rel=0.03
    )
    rare = np.where(np.arange(4_000) < 4, 1_000.0, 0.0)
    _, low, high = mean_interval(rare, np.ones(4_000))
    normal = 1.96 * rare.std() / np.sqrt(4_000)
    assert (high - low) / 2 > 1.1 * normal
    assert np.isnan(mean_interval(values, np.ones(40), np.zeros(40, dtype=np.int64))[1])


def test_folds_that_learn_from_each_other_share_an_error():
    """A bid is what a click was worth in the other folds: the parts' own variance is half of the sum's, and with what they share no less than it."""
    rng, folds, prices = np.random.default_rng(9), np.arange(90) % 3, np.arange(1.0, 101.0)
    laws = {0: SampledLaw.weighted(prices, np.ones(100))}
    total, own, shared = [], [], []
    for _ in range(1_000):
        clicks = rng.integers(0, 2, 90)
        views = np.empty((3, 90))
        for j, k in product(range(3), range(3)):
            views[k, folds == j] = 100 * clicks[(folds != j) & (folds != k)].mean()
        rows = Rows(
            np.ones(90, dtype=bool), np.ones(90), clicks * 1.0, np.full(90, 0.5), {}, views[0], prices[:90], None,
            np.zeros(90, dtype=np.int64), {"joint": views}, folds,
        )  # fmt: skip
        won = laws[0].law.win_rate(views[folds, np.arange(90)]) - 0.5
        parts = (clicks - 0.5) * won
        total.append(parts.sum())
        own.append((parts**2).sum())
        shared.append(_shared(laws, rows, {"joint": 1.0}, clicks - 0.5, None))
    assert np.mean(own) / np.var(total) == pytest.approx(0.5, rel=0.15)
    assert 1.0 < (np.mean(own) + np.mean(shared)) / np.var(total) < 1.5


def test_overlap_in_words():
    rng = np.random.default_rng(5)
    rows, _ = rows_of(5_000, rng)
    assert estimate(rows, OF).overlap.startswith("overlap: good")
    hardly = Rows(**{**vars(rows), "propensity": np.where(rng.random(5_000) < 0.02, LEAST / 10, 0.9)})
    said = estimate(hardly, OF).overlap
    assert said.startswith("overlap: poor")
    assert "counted as 0.01" in said
    same = Rows(**{**vars(rows), "bids": dict.fromkeys(OF, rows.bids["joint"])})
    assert estimate(same, OF).overlap.startswith("overlap: none")


def test_strata_hold_rows_of_one_score_together():
    score = np.repeat([0.1, 0.2, 0.3, 0.4], 500)
    assert len(np.unique(strata_of(score))) == 4
    assert len(np.unique(strata_of(np.linspace(0, 1, 2_000)))) == 10
    assert set(strata_of(np.linspace(0, 1, 50))) == {0}


def test_a_resample_keeps_copies_of_a_row_in_one_fold_and_blocks_whole():
    market = played(1, seed=13)
    requests = prepare(PLAN, seen_rows(as_log(market.requests)), Blocks(None))
    hours = (requests.log.frame["time_us"] // (2 * 3_600_000_000)).to_numpy()
    requests = replace(requests, blocks=Blocks(pd.factorize(hours)[0]))
    drawn = resampled(requests, np.random.default_rng(1))
    assert np.array_equal(drawn.log.frame["time_us"], np.sort(drawn.log.frame["time_us"]))
    fold_of = dict(zip(requests.log.frame["time_us"], requests.folds, strict=True))
    assert [fold_of[at] for at in drawn.log.frame["time_us"]] == drawn.folds.tolist()
    copies = drawn.log.frame.groupby("time_us").size()
    by_block = copies.groupby(copies.index // (2 * 3_600_000_000)).nunique()
    assert (by_block == 1).all()
    assert copies.max() > 1


@pytest.mark.slow
def test_a_refitted_interval_is_wide_and_blocks_may_be_columns():
    market = played(1, seed=13)
    whole = as_log(market.requests)
    requests = prepare(PLAN, seen_rows(whole), Blocks(None))
    plan = replace(PLAN, settings=PLAN.settings.model_copy(update={"refit": 4}))
    found = refitted(plan, requests, OF, 20.0, lambda _: None).iloc[0]
    assert found["ci_high"] - 20.0 == pytest.approx(20.0 - found["ci_low"])
    assert found["ci_low"] < 20.0
    assert blocks_of(whole, "context", 1.0).note.startswith(
        "intervals resample single rows: log has 4 values of context"
    )
    with pytest.raises(
        BadInput, match=r"study.replay.blocks = contxt: must be one of .*did you mean 'context'"
    ):
        blocks_of(whole, "contxt", 1.0)


def test_a_clicks_value_by_its_factor():
    market = played(1, seed=13)
    requests = prepare(PLAN, seen_rows(as_log(market.requests)), Blocks(None))
    ladder = fit_ladders(PLAN, requests)[ALL]
    odds = {arm: honest(ladder.odds[arm], requests.folds) for arm in OF}
    table = click_value_rows(PLAN, requests, odds, OF).set_index("click_value")["estimate"]
    twice = replace(requests, values=2 * requests.values)
    again = click_value_rows(PLAN, twice, odds, OF).set_index("click_value")["estimate"]
    assert table["doubled"] == pytest.approx(again["as it is"])
    assert list(table.index) == ["as it is", "halved", "doubled"]
    own = replace(PLAN, settings=PLAN.settings.model_copy(update={"value_per_click": None}))
    assert "eCPC of the training part" in set(click_value_rows(own, requests, odds, OF)["click_value"])
