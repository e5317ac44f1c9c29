"""The classic table: eight strategies at fractions of the budget, a campaign each, on the log's own prices.

As in Zhang, Yuan, Wang & Shen (2014) and Cai et al. (2017): parameters are tuned on the training rows, the test rows are
played in their order, a second-price auction against the logged price, and the budget is a fraction of what buying all test
rows costs (taken from the training rows' mean price, as nobody knows it beforehand).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jointbid.sim import Entrant, Scenario, simulate
from jointbid.sim.scenario import MICROS, Bidders, LogSupply, StrategySpec
from jointbid.strategies.market import Market
from jointbid.strategies.registry import make

from .bootstrap import Resampled, resample
from .folds import blocks_of
from .plan import Plan
from .priced_log import Field, landscape
from .strategy_tuning import Ground, tune

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
    "win_rate": "share of bid requests",
}
LEAST_ROWS = 20
CONTROLS = 200
"""So many control steps a run: strategies that watch their budget look at it that often."""
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


def play_all(
    plan: Plan, field: Field, shares: tuple[float, ...], progress: Callable[[str], None]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table, and the campaigns that are left out and why.

    Columns: `campaign`, `budget_share`, `strategy`, `metric`, `unit`, `estimate`, `ci_low`, `ci_high`, `parameters`.
    """
    rows: list[dict[str, Any]] = []
    left_out: list[str] = []
    names = field.log.frame["campaign"].astype(str)
    for campaign in sorted(names.unique()):
        own = field.part((names == campaign).to_numpy())
        training, test = own.part(own.training), own.part(~own.training)
        if min(len(training.log), len(test.log)) < LEAST_ROWS or not training.happened.any():
            left_out.append(
                f"campaign {campaign} is left out: {len(training.log):,} training rows with {training.happened.sum():,.0f} clicks, "
                f"{len(test.log):,} test rows"
            )
            continue
        played = list(_campaign(plan, campaign, training, test, shares))
        rows += _estimates(plan, test, played)
        progress(f"campaign {campaign}: {len(played)} runs on {len(test.log):,} test rows")
    return pd.DataFrame(rows), tuple(left_out)


def _campaign(
    plan: Plan, campaign: str, training: Field, test: Field, shares: tuple[float, ...]
) -> Iterator[Played]:
    """Every strategy at every budget in one campaign."""
    # A strategy that plans ahead counts rows: money is scaled so that the average row stands for one impression.
    scale = float(training.log.frame["weight"].mean())
    mean_cost = _cost(training, scale).mean()
    rivals = landscape(training.log, plan.settings.landscape)
    columns = test.columns(scale)
    supply = LogSupply(path=test.log.path, horizon_h=float(columns.time_us[-1]) / 3.6e9 + 1e-6)
    every = max(1, len(test.log) // CONTROLS)
    scenario = Scenario(supply=supply, rivals=rivals, bidders=Bidders(control_interval_requests=every))
    market = Market.of(scenario)
    for share in shares:
        budget, seen = share * mean_cost * len(test.log), share * mean_cost * len(training.log)
        ground = Ground.of(training, seen, scale, plan.seed)
        for label, name in STRATEGIES.items():
            parameters = tune(name, ground)
            strategy = make(StrategySpec(name=name, **parameters), market)
            won = np.zeros(len(test.log), dtype=np.bool_)

            def note(block: Mapping[str, NDArray[Any]], won: NDArray[np.bool_] = won) -> None:
                won[block["position"]] = block["winner"] == 0

            simulate(
                scenario, {"focal": Entrant(strategy, ("value",), budget)}, plan.seed, log=columns, sink=note
            )
            yield Played(campaign, share, label, won, parameters, budget * scale)


def _cost(field: Field, scale: float = 1.0) -> Floats:
    frame = field.log.frame
    return frame["price_micros"].to_numpy() * frame["weight"].to_numpy() / MICROS / scale


def _estimates(plan: Plan, test: Field, played: list[Played]) -> Iterator[dict[str, Any]]:
    """Totals of the test rows that were won, with intervals by resampling them."""
    weight, cost = test.log.frame["weight"].to_numpy(), _cost(test)
    columns = {"requests": weight}
    for number, one in enumerate(played):
        columns |= {
            f"{number} clicks": one.won * weight * test.happened,
            f"{number} cost": one.won * cost,
            f"{number} wins": one.won * weight,
        }
    settings = plan.settings
    totals = resample([columns], settings.bootstrap, plan.seed, _blocks(plan, test))
    units = {metric: unit.format(currency=test.log.currency) for metric, unit in METRICS.items()}
    for number, one in enumerate(played):
        clicks, spent, wins = (totals[f"{number} {what}"] for what in ("clicks", "cost", "wins"))
        found: dict[str, Resampled] = {
            "clicks": clicks,
            "cost": spent,
            "ecpc": spent / clicks,
            "win_rate": wins / totals["requests"],
        }
        for metric, value in found.items():
            low, high = value.interval
            yield {
                "campaign": one.campaign,
                "budget_share": one.share,
                "strategy": one.strategy,
                "metric": metric,
                "unit": units[metric],
                "estimate": value.point,
                "ci_low": low,
                "ci_high": high,
                "parameters": " ".join(f"{name}={number:.4g}" for name, number in one.parameters.items()),
                "budget": one.budget,
            }


def _blocks(plan: Plan, test: Field) -> NDArray[np.int64] | None:
    """Blocks of the test rows; rows themselves where a campaign's test part has too few blocks."""
    from ...errors import BadInput

    try:
        return blocks_of(test.log, plan.settings.blocks, plan.settings.block_h)
    except BadInput:
        return None
