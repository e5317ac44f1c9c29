"""What joining the tables of a log is worth where fewer keys match, records are old or of other people; by campaign; net of costs.

All points are learned anew, on the same folds by person, and share resamples: their differences are paired. Folds are fewer than in the
headline (`FOLDS`), and there is no budget, so that a point takes a fraction of its time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jointbid.sim.scenario import MICROS

from ...estimate.sides import Sides
from ...logs.formats.joins.store import TableStore
from ...logs.formats.mapping import Mapping as LogMapping
from ...logs.replay.bids import expected_values
from ...logs.replay.bootstrap import resample, with_interval
from ...logs.replay.crossfit import Model, cross_fit, honest, refit
from ...logs.replay.ladder_models import ALL, encodings_of
from ...logs.replay.outcomes import UNLIMITED, ReplayOutcome
from ...logs.replay.plan import PER, ReplayPlan, Requests, odds_shift
from ...logs.replay.prices import Prices, votes
from ...logs.replay.rejoined import Change, owners_tables, rejoined
from ...logs.replay.summary import profit_column
from ...logs.small_groups import small_groups
from ...report.wording.joined_tables import JoinedRow, LookupCosts, joined_sentences

Floats = NDArray[np.float64]
FOLDS = 3
KEPT = (0.0, 0.25, 0.5, 0.75)
PERMUTED = (0.05, 0.2, 0.5)
LAGS_H = (24.0, 168.0, 720.0)
HIGHER = (0.8, 0.9, 1.0)
MOST_POINTS = 60
OTHERS = "other campaigns"


@dataclass
class JoinedFindings:
    """The rows of `joins.csv`, and sentences on them."""

    table: pd.DataFrame
    sentences: list[str]


@dataclass(frozen=True)
class _Variation:
    curve: str
    change: Change


def other_joins(
    plan: ReplayPlan,
    requests: Requests,
    outcomes: Sequence[ReplayOutcome],
    headline: Sides,
    costs: LookupCosts,
    prices: Sequence[Prices],
    progress: Callable[[str], None],
) -> JoinedFindings | None:
    """Follow the worth of joining over match rate, age and false matches, by campaign, and net of costs; None without tables.

    Args:
        plan: the settings.
        requests: the log.
        outcomes: of the headline: they are distinguished by campaign.
        headline: what joint data are compared with there.
        costs: of joining.
        prices: the log's own, or the landscapes that stand in for them, the one that tables are of first.
        progress: receives a line for each step.
    """
    joins = requests.log.joins
    if not isinstance(joins, TableStore) or not owners_tables(joins.mapping):
        return None
    mapping = joins.mapping  # its patterns are the columns that they fit
    silo = headline.chosen.get(headline.silo, headline.silo)
    costs = replace(costs, added=set(requests.log.roles.sources) - set(silo.split("+")))
    small = replace(plan, settings=plan.settings.model_copy(update={"folds": FOLDS, "penalties": (0.3,)}))
    dealt = requests.dealt(small.settings, plan.seed, 0)
    columns: dict[Any, Floats] = {"requests": requests.weights}
    rates: dict[_Variation, float] = {}
    learner = _Learner(small, dealt, mapping)
    for point in _points(mapping):
        gains, rates[point] = learner.gain(point.change, prices)
        columns |= {(point, number): column for number, column in enumerate(gains)}
        progress(f"joined again: {point.curve} {_at(point):g}")
    for campaign, own in _campaigns(plan, requests).items():
        columns["campaign", campaign] = requests.weights * own
        for arm in ("joint", silo):
            columns[campaign, arm] = _mean_profit(plan, requests, outcomes, arm) * own
    totals = resample([columns], plan.settings.bootstrap, plan.seed, requests.blocks.numbers)
    unit = f"{requests.log.currency} per million {requests.log.what}"
    rows = _rows(totals, rates, unit, silo, len(prices))
    table = pd.DataFrame(rows, columns=list(JoinedRow._fields))
    return JoinedFindings(table, joined_sentences(rows, unit, costs, FOLDS))


def _points(mapping: LogMapping) -> list[_Variation]:
    points = [_Variation("match_rate", Change(kept=kept)) for kept in (*KEPT, 1.0)]
    points += [_Variation("false_matches", Change(permuted=share)) for share in PERMUTED]
    if any(mapping.tables[name].valid_from for name in owners_tables(mapping)):
        points += [_Variation("staleness_h", Change(lag_h=lag)) for lag in LAGS_H]
    return points


def _at(point: _Variation) -> float:
    change = point.change
    return {"match_rate": change.kept, "false_matches": change.permuted, "staleness_h": change.lag_h}[
        point.curve
    ]


class _Learner:
    """Learns silo and joint on a log whose tables are joined in some way; what no table has a part in is learned once."""

    def __init__(self, plan: ReplayPlan, requests: Requests, mapping: LogMapping) -> None:
        self._plan, self._requests, self._mapping = plan, requests, mapping
        self._tables = {column for name in owners_tables(mapping) for column in mapping.tables[name].features}
        roles = requests.log.roles
        self._models = {arm: roles.models[arm] for arm in dict.fromkeys((*roles.silos, "joint"))}
        self._kept: dict[str, Floats] = {}

    def gain(self, change: Change, prices: Sequence[Prices]) -> tuple[list[Floats], float]:
        """Return each row's part in (joint - the better silo) at each of the prices, in currency, shape (rows,); and the share of rows that match."""
        requests = self._requests
        log, found = rejoined(requests.log, self._mapping, change, self._plan.seed)
        wanted = {arm: names for arm, names in self._models.items() if arm not in self._kept}
        views, _ = cross_fit(
            {arm: Model("log", names) for arm, names in wanted.items()},
            {"log": encodings_of(self._plan, requests, log, without=True)},
            requests.clicks,
            requests.folds,
            self._plan.settings,
            self._plan.jobs,
        )
        bids = {arm: self._bids(view) for arm, view in views.items()}
        self._kept |= {arm: bid for arm, bid in bids.items() if self._tables.isdisjoint(self._models[arm])}
        bids = {**self._kept, **bids}
        silos = {arm: bids[arm] for arm in requests.log.roles.silos}
        rate = float(requests.weights[found].sum() / requests.weights.sum())
        gains = []
        for one in prices:
            better = votes(one, requests, silos).most_common(1)[0][0]
            joint, silo = (self._profit(one, arm, bids[arm]) for arm in ("joint", better))
            gains.append((joint - silo) / MICROS)
        return gains, rate

    def _profit(self, prices: Prices, arm: str, views: Floats) -> Floats:
        """Return each row's part in an arm's profit, micros; shape (rows,)."""
        won, paid = prices.take(self._requests, honest(views, self._requests.folds))
        outcome = ReplayOutcome(ALL, UNLIMITED, 0, arm, won, 1.0, paid)
        return profit_column(self._plan, self._requests, outcome)

    def _bids(self, view: Floats) -> Floats:
        requests = self._requests
        odds, _ = refit([view], requests.clicks, requests.folds)
        return np.array([expected_values(one + odds_shift(requests.log), requests.values) for one in odds])


def _mean_profit(plan: ReplayPlan, requests: Requests, outcomes: Sequence[ReplayOutcome], arm: str) -> Floats:
    """Return the profit column of an arm without a budget, in currency, the mean over the splits; shape (rows,)."""
    own = [
        one for one in outcomes if one.arm == arm and one.share == UNLIMITED and one.tags == outcomes[0].tags
    ]
    return np.mean([profit_column(plan, requests, one) for one in own], axis=0) / MICROS


def _campaigns(plan: ReplayPlan, requests: Requests) -> dict[str, NDArray[np.bool_]]:
    """Return the rows of each campaign of `supply.min_group` persons or more, and of all others together."""
    log = requests.log
    campaign = log.frame["campaign"].astype(str).to_numpy()
    names = sorted(set(campaign))
    small = small_groups(plan.supply, log, campaign)
    large = [name for name in names if name not in small][:MOST_POINTS]
    if len(names) < 2 or "user" not in log.frame:
        return {}
    found = {name: campaign == name for name in large}
    rest = ~np.isin(campaign, large)
    if rest.any() and True not in small_groups(plan.supply, log, rest):
        found[OTHERS] = rest
    return found


def _rows(
    totals: Mapping[Any, Floats], rates: Mapping[_Variation, float], unit: str, silo: str, markets: int
) -> list[JoinedRow]:
    per = {
        key: total / totals["requests"] * PER
        for key, total in totals.items()
        if isinstance(key[0], _Variation)
    }

    def row(
        curve: str, at: float, rate: float, of: Sequence[Floats], *, extrapolated: bool = False
    ) -> JoinedRow:
        points = [float(one[0]) for one in of]
        band = (min(points), max(points)) if len(of) > 1 else (np.nan, np.nan)
        return JoinedRow(curve, at, rate, *with_interval(of[0]), unit, extrapolated, *band)

    def of(point: _Variation) -> list[Floats]:
        return [per[point, number] for number in range(markets)]

    rows = [row(point.curve, _at(point), rate, of(point)) for point, rate in rates.items()]
    curve = [point for point in rates if point.curve == "match_rate"]
    x = np.array([rates[point] for point in curve])
    if np.ptp(x) > 0:
        lines = [
            np.polyfit(x, np.array([per[point, number] for point in curve]), 1) for number in range(markets)
        ]
        rows += [
            row(
                "match_rate",
                rate / x.max(),
                rate,
                [level + slope * rate for slope, level in lines],
                extrapolated=True,
            )
            for rate in HIGHER
            if rate > x.max() + 0.005
        ]
    for key in totals:
        if key[0] == "campaign":
            gain = (totals[key[1], "joint"] - totals[key[1], silo]) / totals[key] * PER
            rows.append(row(f"campaign {key[1]}", np.nan, np.nan, [gain]))
    return rows
