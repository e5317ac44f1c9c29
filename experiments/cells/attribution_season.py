"""What one cell of the study ``attribution`` measures: campaigns by channel, their log, their test."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Entrant, RunResult, Scenario, VisibleRequests, simulate
from jointbid.sim.scenario import Holdout, Touchpoints
from jointbid.sim.serving import people_held_out
from jointbid.sim.streams import Streams
from jointbid.sim.touchpoints import Touches, TouchLog, paths
from jointbid.strategies.base import Policy

from .arms import FOCAL
from .attribution_rules import RULES, credits_of
from .bidders import drawn_by, for_all
from .cell import MARKET_FIGURES, Cell, CellResult, cell_result

OBSERVED, HELD_OUT, WITHOUT = "all channels", "held out", "without "
"""Arms: everything on; everything on, with a randomised share of people left out of each channel; all but one channel."""
UNIFIED, SILO = "unified", "silo"
"""Whose log a rule is applied to: that of all channels, or each owner's own."""
TEST, TRUTH, AS_IS = "holdout", "truth", "as_is"
"""Budgets may also follow the randomised test, what only the simulator knows, or stay."""
BY_LAST_TOUCH, BY_CLAIMS = f"{UNIFIED}/last_touch", f"{SILO}/last_touch"
COMPARED = {"end_to_end_value": (BY_LAST_TOUCH, BY_CLAIMS), "test_over_last_touch": (TEST, BY_LAST_TOUCH)}
"""Estimand -> budgets by what, and by what they are compared with."""
BUDGET = "daily_budget"
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


def credit_column(name: str) -> str:
    """The column of ``cells.parquet`` that holds the credits of ``unified/last_touch`` and the like."""
    return f"credit_{name.replace('/', '_')}"


def credit_names() -> list[str]:
    """Every rule on either log."""
    return [f"{scope}/{rule}" for scope in (UNIFIED, SILO) for rule in RULES]


def touchpoints_of(scenario: Scenario) -> Touchpoints:
    """The scenario's touchpoints; ``ValueError`` where it has none."""
    if scenario.touchpoints is None:
        raise ValueError("this scenario has no channels: set touchpoints")
    return scenario.touchpoints


def run_cell(cell: Cell) -> CellResult:
    """Simulate one cell: a row a channel, with what its log credits it with, or what the test found."""
    plan, market = touchpoints_of(cell.scenario), campaigns(cell)
    log = TouchLog(len(market)) if cell.arm == OBSERVED and not cell.policies else None
    result = simulate(cell.scenario, market, cell.seed, cell.replication, sink=log, drawn=drawn_by(cell))
    found = cell_result(cell, result, [{"focal": True}] * len(market), MARKET_FIGURES, hours=False)
    further: dict[str, list[Any]] = {}
    if log is not None:
        further = credited(plan, log.touches(), result)
    elif cell.arm == HELD_OUT:
        further = tested(cell, result)
    for name, column in further.items():
        for row, value in zip(found.rows, column, strict=True):
            row[name] = value
    return found


def campaigns(cell: Cell) -> dict[str, Entrant]:
    """A campaign for each channel, all of one advertiser; one that is removed never bids, and saves its money.

    A test's budget shrinks with the people that it leaves out, so that the others see what they would have seen without it.
    """
    scenario, plan = cell.scenario, touchpoints_of(cell.scenario)
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
    plan, people = touchpoints_of(cell.scenario), cell.scenario.audience.people or 0
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
