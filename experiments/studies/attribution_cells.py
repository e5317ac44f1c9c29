"""Which cells the study ``attribution`` needs, and what one of them measures: campaigns by channel, their log, their test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.arms import FOCAL
from experiments.cells import Cell, CellResult
from experiments.estimate.credit import RULES, credits_of
from experiments.found import Ledger
from experiments.settings import Settings
from experiments.studies.arms import for_all, records
from sim import Entrant, RunResult, Scenario, VisibleRequests, simulate
from sim.permission import people_held_out
from sim.scenario import Holdout, Touchpoints
from sim.streams import Streams
from sim.touchpoints import Touches, TouchLog, paths
from strategies.base import Policy

OBSERVED, HELD_OUT, WITHOUT = "all channels", "held out", "without "
"""Arms: everything on; everything on, with a randomised share of people left out of each channel; all but one channel."""
UNIFIED, SILO = "unified", "silo"
"""Whose log a rule is applied to: that of all channels, or each owner's own."""
TEST, TRUTH, AS_IS = "holdout", "truth", "as_is"
"""Budgets may also follow the randomised test, what only the simulator knows, or stay."""
BUDGET = "daily_budget"
NEXT = 100_000
"""Budgets that a replication's log leads to are played in another market: that of the replication so much further on."""
INTERESTED = 1


class Buying(Policy):
    """A plan for one channel: bid ``level`` there, ``targeting`` times that on people who are seen to be interested."""

    def __init__(self, place: str, channel: int, level: float, targets: str | None, targeting: float) -> None:
        self.reads = (place, *([targets] if targets else []))
        self._place, self._channel, self._targets = place, channel, targets
        self._level, self._targeting = level, targeting

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The plan's bid in its channel, 0 elsewhere."""
        level = np.full(requests.n, self._level)
        if self._targets:
            level[requests[self._targets] == INTERESTED] *= self._targeting
        return np.where(requests[self._place] == self._channel, level, 0.0)


@dataclass(frozen=True)
class Firm:
    """The cells of one firm in one market. ``point`` says which of many markets; empty in the scenario's own."""

    settings: Settings[Any]
    point: str = ""

    @property
    def plan(self) -> Touchpoints:
        """Its channels."""
        return plan_of(self.settings.scenario)

    @property
    def channels(self) -> list[str]:
        """Names of its channels."""
        return list(self.plan.channels)

    def log(self, replications: Iterable[int], *, truth: bool = True) -> list[Cell]:
        """What the firm can see, and with ``truth`` what only the simulator can: each channel's removal."""
        removed = [WITHOUT + channel for channel in self.channels] if truth else []
        return [
            self._cell(arm, replication, self.point)
            for replication in replications
            for arm in (OBSERVED, HELD_OUT, *removed)
        ]

    def next(self, replications: Iterable[int], budgets: Iterable[str], ledger: Ledger) -> list[Cell]:
        """The next season under the budgets that each replication's log leads to; none where its cells failed."""
        cells, wanted = [], list(budgets)
        for replication in replications:
            measured = self.measured(replication, ledger)
            for name in wanted:
                split = self.split(name, measured)
                if split is not None:
                    point = f"{self.point}, budget by {name}".removeprefix(", ")
                    cells.append(self._cell(OBSERVED, replication + NEXT, point, split))
        return cells

    def measured(self, replication: int, ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
        """Rows by arm of one replication, a row a channel."""
        cells = [cell for cell in self.log([replication]) if cell.arm]
        return {cell.arm: result.rows for cell, result in ledger.of(cells)}

    def split(
        self, name: str, measured: Mapping[str, list[dict[str, Any]]]
    ) -> tuple[tuple[str, float], ...] | None:
        """Daily budgets by channel: the whole in proportion to what a rule, or a measurement, credits; None where it is not known."""
        channels = self.plan.channels
        weights = np.array(
            [channel.daily_budget for channel in channels.values()]
            if name == AS_IS
            else self._credited(name, measured)
        )
        if len(weights) != len(channels) or not np.isfinite(weights).all():
            return None
        weights = np.maximum(weights, 0.0)
        if weights.sum() == 0:
            weights = np.ones(len(weights))
        total = sum(channel.daily_budget for channel in channels.values())
        return tuple(zip(channels, (total * weights / weights.sum()).tolist(), strict=True))

    def _credited(self, name: str, measured: Mapping[str, list[dict[str, Any]]]) -> list[float]:
        if name == TEST:
            return [row["holdout_effect"] for row in measured.get(HELD_OUT, [])]
        if name == TRUTH:
            if OBSERVED not in measured or any(WITHOUT + c not in measured for c in self.channels):
                return []
            return list(true_effects(measured, self.channels).values())
        return [row[credit_column(name)] for row in measured.get(OBSERVED, [])]

    def _cell(
        self, arm: str, replication: int, point: str, split: tuple[tuple[str, float], ...] = ()
    ) -> Cell:
        return Cell(
            scenario=self.settings.scenario,
            arm=arm,
            parameter=BUDGET if split else "",
            policies=split,
            seed=self.settings.seed,
            replication=replication,
            point=point,
        )


def true_effects(measured: Mapping[str, list[dict[str, Any]]], channels: Iterable[str]) -> dict[str, float]:
    """What only a simulator knows: expected purchases with all channels less those without each, on the same draws."""
    whole = sum(row["purchases_expected"] for row in measured[OBSERVED])
    return {
        channel: whole - sum(row["purchases_expected"] for row in measured[WITHOUT + channel])
        for channel in channels
    }


def credit_column(name: str) -> str:
    """The column of ``cells.parquet`` that holds the credits of ``unified/last_touch`` and the like."""
    return f"credit_{name.replace('/', '_')}"


def credit_names() -> list[str]:
    """Every rule on either log."""
    return [f"{scope}/{rule}" for scope in (UNIFIED, SILO) for rule in RULES]


def plan_of(scenario: Scenario) -> Touchpoints:
    """The scenario's touchpoints; ``ValueError`` where it has none."""
    if scenario.touchpoints is None:
        raise ValueError("this scenario has no channels: set touchpoints")
    return scenario.touchpoints


def run_cell(cell: Cell) -> CellResult:
    """Simulate one cell: a row a channel, with what its log credits it with, or what the test found."""
    plan, market = plan_of(cell.scenario), campaigns(cell)
    log = TouchLog(len(market)) if cell.arm == OBSERVED and not cell.policies else None
    result = simulate(cell.scenario, market, cell.seed, cell.replication, sink=log)
    about = {"study_point": cell.point, "arm": cell.arm, "replication": cell.replication}
    totals = {name: result.market[name] for name in ("revenue", "exchange_fee", "welfare", "relevance")}
    rows = [{**about, **row, "focal": True, **totals} for row in records(result.bidders)]
    further: dict[str, list[Any]] = {}
    if log is not None:
        further = credited(plan, log.touches(), result)
    elif cell.arm == HELD_OUT:
        further = tested(cell, result)
    for name, column in further.items():
        for row, value in zip(rows, column, strict=True):
            row[name] = value
    return CellResult(rows=rows, auctions=int(result.market["requests"]))


def campaigns(cell: Cell) -> dict[str, Entrant]:
    """A campaign for each channel, all of one advertiser; one that is removed never bids, and saves its money.

    A test's budget shrinks with the people that it leaves out, so that the others see what they would have seen without it.
    """
    scenario, plan = cell.scenario, plan_of(cell.scenario)
    place = next(
        n for n in scenario.source if scenario.factor_of(n) == "context" and scenario.data_of(n).is_whole
    )
    budgets = {name: daily for name, daily in cell.policies if not isinstance(daily, tuple)}
    held_out = cell.arm == HELD_OUT
    common = scenario.bidders.terms.holdout
    entrants = {}
    for number, (name, channel) in enumerate(plan.channels.items()):
        level = 0.0 if cell.arm == WITHOUT + name else channel.bid_cpm / 1000.0
        brain = Buying(place, number, level, plan.targets, channel.targeting)
        daily = budgets.get(name, channel.daily_budget) * (1.0 - plan.holdout if held_out else 1.0)
        terms = scenario.bidders.terms.model_copy(
            update={
                "daily_budget": daily,
                "holdout": Holdout(share=plan.holdout) if held_out else for_all(common, FOCAL),
            }
        )
        held = tuple(dict.fromkeys(brain.reads or ()))
        entrants[name] = Entrant(brain, held, None, FOCAL, terms)
    return entrants


def credited(plan: Touchpoints, touches: Touches, result: RunResult) -> dict[str, list[Any]]:
    """Credits of every rule by channel, on the whole log and on each owner's own; and how many purchases have a touchpoint."""
    count, owners = len(plan.channels), [channel.owner for channel in plan.channels.values()]
    bought = result.purchases or {"hour": np.empty(0), "account": np.empty(0, np.int64)}
    whole = paths(touches, bought, plan.window_h)
    columns = {
        credit_column(f"{UNIFIED}/{rule}"): shared.tolist()
        for rule, shared in credits_of(whole, count, plan.half_life_h).items()
    }
    apart = {rule: np.zeros(count) for rule in RULES}
    for owner in dict.fromkeys(owners):
        own = [number for number, other in enumerate(owners) if other == owner]
        part = paths(touches.of(own), bought, plan.window_h)
        for rule, shared in credits_of(part, count, plan.half_life_h).items():
            apart[rule] += shared
    columns |= {credit_column(f"{SILO}/{rule}"): shared.tolist() for rule, shared in apart.items()}
    return {**columns, "touched": [whole.touched] * count}


def tested(cell: Cell, result: RunResult) -> dict[str, list[Any]]:
    """What the randomised test says of each channel: purchases by those who may see it less those by the others, for all people.

    ``holdout_error`` is the standard error of a difference of two means with unequal variances (Welch 1947). Each test is
    read alone, as its owner can: the other channels' tests run at the same time, independently of it. A test with fewer than two
    people on a side says nothing: nan.
    """
    plan, people = plan_of(cell.scenario), cell.scenario.audience.people or 0
    bought = np.bincount(result.purchases.get("account", np.empty(0, np.int64)), minlength=people)
    streams = Streams(cell.seed, cell.replication)
    effects, errors = [], []
    for name in plan.channels:
        out = people_held_out(Holdout(share=plan.holdout), name, streams, people)
        shown, hidden = bought[~out], bought[out]
        if min(len(shown), len(hidden)) < 2:
            effects.append(float("nan"))
            errors.append(float("nan"))
            continue
        effects.append(float(people * (shown.mean() - hidden.mean())))
        spread = shown.var(ddof=1) / len(shown) + hidden.var(ddof=1) / len(hidden)
        errors.append(float(people * np.sqrt(spread)))
    return {"holdout_effect": effects, "holdout_error": errors}
