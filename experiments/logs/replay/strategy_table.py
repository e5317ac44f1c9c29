"""The classic table: eight strategies at fractions of the budget, a campaign each, on the log's own prices.

As in Zhang, Yuan, Wang & Shen (2014) and Cai et al. (2017): parameters are tuned on the training rows, the test rows are
played in their order, a second-price auction against the logged price, and the budget is a fraction of what buying all test
rows costs, as in the code published with optimal-rtb and rtbarbitrage. Tuning has the same fraction of what the training rows
cost, and knows no price of a test row. With `study.replay.budget_per` each episode has its part of the budget by its rows, and strategies
begin anew in each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jointbid.sim import Entrant, Scenario
from jointbid.sim.scenario import MICROS, Bidders, LogSupply, Rivals, StrategySpec
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.registry import make

from ...errors import BadInput
from ...execution.progress import say
from ..log_table import LogTable
from ..small_groups import small_groups
from .bootstrap import ratio, resample, with_interval
from .engine import rows_won
from .episodes import budgets_of, episodes_of
from .folds import Blocks, blocks_of
from .outcomes import budget_label
from .plan import ReplayPlan
from .priced_log import PricedLog, landscape
from .strategy_tuning import TuningRows, tune

STRATEGIES = {
    "const": "constant",
    "rand": "random",
    "mcpc": "mcpc",
    "lin": "linear",
    "ortb1": "ortb1",
    "ortb2": "ortb2",
    "rlb": "rlb",
    "pid": "pid_spend",
}
"""Their names in the literature, and here."""
METRICS = {
    "clicks": "clicks",
    "cost": "{currency}",
    "ecpc": "{currency} per click",
    "win_rate": "share of {what}",
}
LEAST_ROWS = 20
CONTROLS = 200
"""Control steps a run, at which strategies look at their budget."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Played:
    """One strategy at one budget in one campaign: the test rows that it won, shape (rows,)."""

    campaign: str
    share: float
    strategy: str
    won: NDArray[np.bool_]
    parameters: Mapping[str, Any]
    budget: float


@dataclass(frozen=True)
class Part:
    """One campaign that can be played: which rows are its own, shape (rows,), and what intervals resample in its test rows."""

    campaign: str
    rows: NDArray[np.bool_]
    blocks: Blocks


def playable(
    plan: ReplayPlan, log: LogTable, training: NDArray[np.bool_], shares: tuple[float, ...]
) -> tuple[list[Part], tuple[str, ...]]:
    """Return the campaigns that can be played, before anything is learned, and notes on those that cannot and what others lack.

    Raises:
        BadInput: no campaign can be played.
    """
    names, frame = log.frame["campaign"].astype(str).to_numpy(), log.frame
    clicks = frame["click"].to_numpy()
    valued = clicks > 0  # of rows whose outcome was not seen the prediction that came with them counts
    if "pctr" in frame and "known" in frame:
        valued = valued | ~frame["known"].to_numpy()
    cost = frame["price_micros"].to_numpy() * frame["weight"].to_numpy()
    parts: list[Part] = []
    notes: list[str] = []
    small = {
        name
        for part in (training, ~training)
        for name in small_groups(plan.supply, replace(log, frame=frame[part]), names[part])
    }
    for campaign in sorted(set(names)):
        rows = names == campaign
        learned, test = rows & training, rows & ~training
        if campaign in small:
            notes.append(
                f"campaign {campaign} is left out: its training or its test rows are of fewer than {plan.supply.min_group} persons "
                "(supply.min_group)"
            )
            continue
        if min(learned.sum(), test.sum()) < LEAST_ROWS or not valued[learned].any():
            notes.append(
                f"campaign {campaign} is left out: {learned.sum():,} training rows with {clicks[learned].sum():,} clicks, "
                f"{test.sum():,} test rows; it takes {LEAST_ROWS} of each and a click among the training rows"
            )
            continue
        blocks = blocks_of(replace(log, frame=frame[test]), plan.settings.blocks, plan.settings.block_h)
        parts.append(Part(campaign, rows, blocks))
        notes += [f"campaign {campaign}: {blocks.note}"] if blocks.note else []
        poor = [budget_label(share) for share in shares if share * cost[test].sum() < cost[test].min()]
        if poor:
            notes.append(
                f"campaign {campaign}: a budget of {', '.join(poor)} is less than its cheapest test row costs, and buys nothing"
            )
    if not parts:
        raise BadInput([f"{log.path}: no campaign can be played", *notes])
    return parts, tuple(notes)


def play_all(
    plan: ReplayPlan, priced: PricedLog, parts: Sequence[Part], shares: tuple[float, ...], suffix: str
) -> pd.DataFrame:
    """Return the table: columns `campaign`, `budget_share`, `strategy`, `metric`, `unit`, `estimate`, `ci_low`, `ci_high`, `parameters`.

    A line of progress is printed for each campaign; `suffix` ends it.
    """
    rows: list[dict[str, Any]] = []
    for part in parts:
        own = priced.select(part.rows)
        training, test = own.select(own.training), own.select(~own.training)
        played = list(_campaign(plan, part.campaign, training, test, shares))
        rows += _estimates(plan, test, part.blocks, played)
        say(f"campaign {part.campaign}: {len(played)} runs on {len(test.log):,} test rows{suffix}")
    return pd.DataFrame(rows)


def _campaign(
    plan: ReplayPlan, campaign: str, training: PricedLog, test: PricedLog, shares: tuple[float, ...]
) -> Iterator[Played]:
    """Play every strategy at every budget in one campaign."""
    # A strategy that plans ahead counts rows: money is scaled so that the average row stands for one impression.
    scale = float(training.log.frame["weight"].mean())
    learned_cost, test_cost = (float(_cost(part, scale).sum()) for part in (training, test))
    rivals = landscape(training.log, plan.settings.landscape)
    per = plan.settings.budget_per
    episodes = episodes_of(test.log, per)
    parts = [test.select(episodes == one) for one in range(int(episodes.max()) + 1)]
    for share in shares:
        budget = share * test_cost
        rows = TuningRows.from_priced_log(training, share * learned_cost, scale, plan.seed, per)
        for label, name in STRATEGIES.items():
            parameters = tune(name, rows)
            spec, won = StrategySpec(name=name, **parameters), np.zeros(len(test.log), dtype=np.bool_)
            for one, (part, own) in enumerate(zip(parts, budgets_of(episodes, budget), strict=True)):
                won[episodes == one] = _play(plan, part, spec, rivals, float(own), scale)
            yield Played(campaign, share, label, won, parameters, budget * scale)


def _play(
    plan: ReplayPlan, test: PricedLog, spec: StrategySpec, rivals: Rivals, budget: float, scale: float
) -> NDArray[np.bool_]:
    """Return which rows of one episode a strategy wins; shape (rows,)."""
    columns = test.columns(scale)
    supply = LogSupply(path=test.log.path, horizon_h=float(columns.time_us[-1]) / 3.6e9 + 1e-6)
    every = max(1, len(test.log) // CONTROLS)
    scenario = Scenario(supply=supply, rivals=rivals, bidders=Bidders(control_interval_requests=every))
    entrant = Entrant(make(spec, MarketFacts.of(scenario)), ("value",), budget)
    return rows_won(scenario, {"focal": entrant}, plan.seed, columns)


def _cost(priced: PricedLog, scale: float = 1.0) -> Floats:
    frame = priced.log.frame
    return frame["price_micros"].to_numpy() * frame["weight"].to_numpy() / MICROS / scale


def _estimates(
    plan: ReplayPlan, test: PricedLog, blocks: Blocks, played: list[Played]
) -> Iterator[dict[str, Any]]:
    """Yield totals of the test rows that were won, with intervals by resampling them."""
    weight, cost = test.log.frame["weight"].to_numpy(), _cost(test)
    columns = {"requests": weight}
    for number, one in enumerate(played):
        won = {"clicks": weight * test.happened, "cost": cost, "wins": weight}
        columns |= {f"{number} {what}": one.won * column for what, column in won.items()}
    totals = resample([columns], plan.settings.bootstrap, plan.seed, blocks.numbers)
    units = blocks.count(len(weight))
    for number, one in enumerate(played):
        clicks, spent, wins = (totals[f"{number} {what}"] for what in ("clicks", "cost", "wins"))
        found = (clicks, spent, ratio(spent, clicks), wins / totals["requests"])
        parameters = " ".join(f"{name}={value:.4g}" for name, value in one.parameters.items())
        for (metric, unit), value in zip(METRICS.items(), found, strict=True):
            estimate, low, high = with_interval(value, units)
            yield {
                "campaign": one.campaign,
                "budget_share": one.share,
                "strategy": one.strategy,
                "metric": metric,
                "unit": unit.format(currency=test.log.currency, what=test.log.what),
                "estimate": estimate,
                "ci_low": low,
                "ci_high": high,
                "parameters": parameters,
                "budget": one.budget,
            }
