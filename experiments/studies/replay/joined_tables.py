"""What joining the tables of a log is worth where fewer keys match, records are old or of other people; by campaign; net of costs.

All points are learned anew, on the same folds by person, and share resamples: their differences are paired. Folds are fewer than in the
headline (`FOLDS`), and there is no budget, so that a point takes a fraction of its time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jointbid.sim.scenario import MICROS

from ...config.study_settings import Money
from ...logs.formats.mapping import Mapping as LogMapping
from ...logs.formats.registry import joined_tables
from ...logs.replay.bids import expected_values, votes
from ...logs.replay.bootstrap import resample, with_interval
from ...logs.replay.crossfit import Model, cross_fit, honest, refit
from ...logs.replay.ladder_models import encodings_of
from ...logs.replay.outcomes import UNLIMITED, Outcome
from ...logs.replay.plan import Plan, Requests, odds_shift
from ...logs.replay.rejoined import Change, feature_tables, rejoined
from ...logs.replay.summary import profit_column
from ...logs.small_groups import small_groups

Floats = NDArray[np.float64]
FOLDS = 3
KEPT = (0.0, 0.25, 0.5, 0.75)
PERMUTED = (0.05, 0.2, 0.5)
LAGS_H = (24.0, 168.0, 720.0)
HIGHER = (0.8, 0.9, 1.0)
PER = 1e6
MOST_POINTS = 60
OTHERS = "other campaigns"


class JoinedRow(NamedTuple):
    """A row of `joins.csv`.

    Attributes:
        curve: `match_rate`, `false_matches`, `staleness_h`, or the campaign.
        at: the share of keys kept or permuted, or the lag in hours; nan of a campaign.
        match_rate: share of the log's rows with a record; nan of a campaign.
        estimate, ci_low, ci_high: of the value of joint data.
        unit: of these.
        extrapolated: whether no log was joined in this way.
    """

    curve: str
    at: float
    match_rate: float
    estimate: float
    ci_low: float
    ci_high: float
    unit: str
    extrapolated: bool


@dataclass
class JoinedFindings:
    """The rows of `joins.csv`, and sentences on them."""

    table: pd.DataFrame
    sentences: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Costs:
    """What joining costs: a thousand look-ups by source, and the firm's own costs by month and once."""

    lookup_cpm: Mapping[str, float] = field(default_factory=dict)
    added: Collection[str] = ()
    money: Money = field(default_factory=Money)

    def sentences(self, worth: JoinedRow, unit: str) -> list[str]:
        """Return what joining is worth net of costs, in words; nothing where none are set."""
        lookups = 1e3 * sum(self.lookup_cpm.get(name, 0.0) for name in self.added)
        net = [end - lookups for end in (worth.estimate, worth.ci_low, worth.ci_high)]
        said = []
        if lookups > 0:
            said.append(
                f"look-ups cost {lookups:,.3g} {unit} (source.<name>.cost_per_lookup_cpm): net of them joining is worth "
                f"{net[0]:,.3g} ({net[1]:,.3g} to {net[2]:,.3g})"
            )
        volume, money = self.money.requests_per_month, self.money
        if volume:
            monthly = money.integration_monthly + money.fees_monthly
            month = [end * volume / PER - monthly for end in net]
            once = f"; {money.integration_once:,.6g} once are paid back after {money.integration_once / month[0]:,.1f} months"
            never = f"; {money.integration_once:,.6g} once are never paid back"
            said.append(
                f"at {volume:,.0f} a month, net of {monthly:,.6g} a month, joining is worth {month[0]:,.4g} ({month[1]:,.4g} to {month[2]:,.4g}) "
                f"{unit.partition(' per ')[0]} a month"
                + ((once if month[0] > 0 else never) if money.integration_once else "")
            )
        return said


@dataclass(frozen=True)
class _Point:
    curve: str
    change: Change


def study_tables(
    plan: Plan,
    requests: Requests,
    outcomes: Sequence[Outcome],
    silo: str,
    costs: Costs | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> JoinedFindings | None:
    """Follow the worth of joining over match rate, age and false matches, by campaign, and net of costs; None without tables.

    Args:
        plan: the settings.
        requests: the log.
        outcomes: of the headline: they are told apart by campaign.
        silo: what joint data are compared with there.
        costs: of joining.
        progress: receives a line for each step.
    """
    mapping = joined_tables(plan.supply)
    if mapping is None or not feature_tables(mapping) or requests.log.joins is None:
        return None
    small = replace(plan, settings=plan.settings.model_copy(update={"folds": FOLDS, "penalties": (0.3,)}))
    dealt = requests.dealt(small.settings, plan.seed, 0)
    columns: dict[Any, Floats] = {"requests": requests.weights}
    rates: dict[_Point, float] = {}
    learner = _Learner(small, dealt, mapping)
    for point in _points(mapping):
        gains, rates[point] = learner.gain(point.change)
        columns[point] = gains
        progress(f"joined again: {point.curve} {_at(point):g}")
    for campaign, own in _campaigns(plan, requests).items():
        columns["campaign", campaign] = requests.weights * own
        for arm in ("joint", silo):
            columns[campaign, arm] = _mean_profit(plan, requests, outcomes, arm) * own
    totals = resample([columns], plan.settings.bootstrap, plan.seed, requests.blocks.numbers)
    unit = f"{requests.log.currency} per million {requests.log.what}"
    rows = _rows(totals, rates, unit, silo)
    found = JoinedFindings(pd.DataFrame(rows, columns=list(JoinedRow._fields)))
    found.sentences += _sentences(rows, unit, costs or Costs())
    return found


def _points(mapping: LogMapping) -> list[_Point]:
    points = [_Point("match_rate", Change(kept=kept)) for kept in (*KEPT, 1.0)]
    points += [_Point("false_matches", Change(permuted=share)) for share in PERMUTED]
    if any(mapping.tables[name].valid_from for name in feature_tables(mapping)):
        points += [_Point("staleness_h", Change(lag_h=lag)) for lag in LAGS_H]
    return points


def _at(point: _Point) -> float:
    change = point.change
    return {"match_rate": change.kept, "false_matches": change.permuted, "staleness_h": change.lag_h}[
        point.curve
    ]


class _Learner:
    """Learns silo and joint on a log whose tables are joined in some way; what no table has a part in is learned once."""

    def __init__(self, plan: Plan, requests: Requests, mapping: LogMapping) -> None:
        self._plan, self._requests, self._mapping = plan, requests, mapping
        self._tables = {
            column for name in feature_tables(mapping) for column in mapping.tables[name].features
        }
        roles = requests.log.roles
        self._models = {arm: roles.models[arm] for arm in dict.fromkeys((*roles.silos, "joint"))}
        self._kept: dict[str, Floats] = {}

    def gain(self, change: Change) -> tuple[Floats, float]:
        """Return each row's part in (joint - the better silo), in currency, shape (rows,); and the share of rows that match."""
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
        chosen = votes(silos, requests.folds, requests.profit, requests.prices).most_common(1)[0][0]
        profit = {arm: self._profit(bids[arm]) for arm in ("joint", chosen)}
        rate = float(requests.weights[found].sum() / requests.weights.sum())
        return (profit["joint"] - profit[chosen]) / MICROS, rate

    def _bids(self, view: Floats) -> Floats:
        requests = self._requests
        odds, _ = refit([view], requests.clicks, requests.folds)
        return np.array([expected_values(one + odds_shift(requests.log), requests.values) for one in odds])

    def _profit(self, bids: Floats) -> Floats:
        requests = self._requests
        won = np.rint(honest(bids, requests.folds)) > requests.prices
        return profit_column(self._plan, requests, won, requests.clicks * requests.weights)


def _mean_profit(plan: Plan, requests: Requests, outcomes: Sequence[Outcome], arm: str) -> Floats:
    """Return the profit column of an arm without a budget, in currency, the mean over the splits; shape (rows,)."""
    own = [
        one for one in outcomes if one.arm == arm and one.share == UNLIMITED and one.tags == outcomes[0].tags
    ]
    clicks = requests.clicks * requests.weights
    return np.mean([profit_column(plan, requests, one.won, clicks) for one in own], axis=0) / MICROS


def _campaigns(plan: Plan, requests: Requests) -> dict[str, NDArray[np.bool_]]:
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
    totals: Mapping[Any, Floats], rates: Mapping[_Point, float], unit: str, silo: str
) -> list[JoinedRow]:
    requests, rows = totals["requests"], list[JoinedRow]()
    for point, rate in rates.items():
        found = with_interval(totals[point] / requests * PER)
        rows.append(JoinedRow(point.curve, _at(point), rate, *found, unit, extrapolated=False))
    curve = [point for point in rates if point.curve == "match_rate"]
    x = np.array([rates[point] for point in curve])
    if np.ptp(x) > 0:
        y = np.array([totals[point] / requests * PER for point in curve])
        slope, level = np.polyfit(x, y, 1)
        rows += [
            JoinedRow(
                "match_rate",
                rate / x.max(),
                rate,
                *with_interval(level + slope * rate),
                unit,
                extrapolated=True,
            )
            for rate in HIGHER
            if rate > x.max() + 0.005
        ]
    for key in totals:
        if isinstance(key, tuple) and key[0] == "campaign":
            own = totals[key]
            gain = totals[key[1], "joint"] - totals[key[1], silo]
            found = with_interval(gain / own * PER)
            rows.append(JoinedRow(f"campaign {key[1]}", np.nan, np.nan, *found, unit, extrapolated=False))
    return rows


def _sentences(rows: Sequence[JoinedRow], unit: str, costs: Costs) -> list[str]:
    """Return what the table says, in words."""

    def of(row: JoinedRow) -> str:
        return f"{row.estimate:,.3g} ({row.ci_low:,.3g} to {row.ci_high:,.3g})"

    curve = [row for row in rows if row.curve == "match_rate"]
    measured = [row for row in curve if not row.extrapolated]
    said = [
        f"joining by match rate, in {unit}: "
        + ", ".join(f"{row.match_rate:.0%} {of(row)}" for row in measured)
        + f"; the last is the tables' own, the others keep a part of its keys ({FOLDS} folds)"
    ]
    if higher := [row for row in curve if row.extrapolated]:
        said.append(
            "higher match rates are extrapolated by a straight line, as if people whom the tables lack were like those they "
            "have: " + ", ".join(f"{row.match_rate:.0%} {of(row)}" for row in higher)
        )
    for name, what in (
        ("staleness_h", "records as old as"),
        ("false_matches", "keys that find another person's record:"),
    ):
        if own := [row for row in rows if row.curve == name]:
            shown = (
                f"{row.at:g} h {of(row)}" if name == "staleness_h" else f"{row.at:.0%} {of(row)}"
                for row in own
            )
            said.append(f"joining with {what} " + ", ".join(shown))
    if own := [row for row in rows if row.curve.startswith("campaign ")]:
        said.append(
            "joining by campaign: "
            + ", ".join(f"{row.curve.removeprefix('campaign ')} {of(row)}" for row in own)
        )
    return said + costs.sentences(measured[-1], unit)
