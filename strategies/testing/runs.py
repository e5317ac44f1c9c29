"""Checks in whole runs of a small market."""

from __future__ import annotations

import time

import numpy as np

from .case import Case, check
from .failure import CheckFailed, expect, expect_finite, first_difference
from .life import Life, account, call, feedback_of, live
from .trial import ROWS

BLOCKS = (1, 7, 65_536)
HOURLY = 0.125
"""Spend of a long campaign in an hour."""
MANY, FEW = 1_000, 4
BOUND, STILL = 50.0, 1.1
PATIENCE_S = 2.0
"""How long a strategy is watched that takes its time."""


@check
def never_over_budget(case: Case) -> None:
    """It plays on with no budget, a tight one, a coin, and none left; and spends no more than it has."""
    free = float(case.run(None).of("focal")["spend"])
    for budget in (None, round(0.2 * free, 6), 1e-6, 0.0):
        row = case.run(budget).of("focal")
        expect(
            budget is None or row["spend"] <= budget + 1e-9,
            f"spend of at most {budget}",
            str(row["spend"]),
            "the engine holds every budget: this is its fault",
        )
    for left in (np.inf, 0.0):
        strategy = live(case, case.new(), Life(budget=left))
        expect_finite(
            case.ask(strategy, case.batch(strategy)),
            f"finite bids with a budget of {left:.0f}",
            "control() divides by the budget or by what is left of it: state.budget is inf without a budget, and "
            "state.budget_left 0 when it is gone",
        )
    strategy = case.new()
    if getattr(strategy, "paces", False) and free > 0:
        spent = case.run(0.5 * free).of("focal")["spend"]
        expect(
            spent > 0,
            "a strategy that paces spends something where half of the money is there",
            "nothing",
            "its first bids are 0 and it never raises them; or it takes state.budget_left for state.spend",
        )


@check
def long_campaign(case: Case) -> None:
    """It plays a week to its last hour, with a budget that is spent a day before and without one."""
    for budget in (144 * HOURLY, np.inf):
        strategy = live(
            case, case.new(), Life(budget, HOURLY, steps=168, rows=24, horizon_h=168.0, lived=1.0)
        )
        expect_finite(
            case.ask(strategy, case.batch(strategy, hour=np.full(ROWS, 168.0))),
            "finite bids in the last hour of a week",
            "a division by what is left of the time, the requests or the money: each is 0 in the end; or a number that "
            "grows or shrinks with every control step",
        )
    for life in (Life(0.95 * MANY * HOURLY, HOURLY, steps=MANY, rows=20, horizon_h=float(MANY), lived=1.0), Life(np.inf, HOURLY, steps=MANY, rows=20, horizon_h=float(MANY), lived=1.0)):  # fmt: skip
        _stays_in_bounds(case, life)


def _stays_in_bounds(case: Case, life: Life) -> None:
    """A thousand control steps that change nothing, with money spent a little above plan, or without a budget."""
    strategy = case.new()
    batch = case.batch(strategy)
    usual = max(
        float(case.ask(strategy, batch).max()),
        float(batch["value"].max()) if "value" in batch else 0.0,
        case.scale,
    )
    reports = (
        [feedback_of(case, strategy, step, life, []) for step in range(1, FEW + 1)] if strategy.learns else []
    )
    until, half = time.monotonic() + PATIENCE_S, usual
    for step in range(life.steps + 1):
        if step and reports:
            call(strategy, "observe", reports[step % FEW], life.hour(step))
        call(strategy, "control", account(case, step, life), life.hour(step))
        if step == life.steps // 2:
            half = float(case.ask(strategy, batch).max())
        if time.monotonic() > until:
            return
    highest = float(case.ask(strategy, batch).max())
    expect(
        highest <= max(BOUND * usual, STILL * half),
        f"after {life.steps:,} control steps that change nothing, {'with money spent a little above plan' if np.isfinite(life.budget) else 'without a budget'}, "
        f"bids have come to a limit, or are at most {BOUND:.0f} times what they are at first (or the value)",
        f"{usual:.4g} at first, {half:.4g} after {life.steps // 2:,} steps, {highest:.4g} in the end",
        "a multiplier that grows at every control step, whatever was spent: set it from state (what is spent, what is planned), and limit it, "
        "np.clip(gain, 0.1, 10.0)",
    )


@check
def block_size_invariance(case: Case) -> None:
    """Results do not depend on the number of requests that travel together: 1, 7 or all up to the next event."""
    budget = 0.5 * float(case.run(None).of("focal")["spend"]) or None
    runs = {most: case.run(budget, most) for most in BLOCKS}
    for most in BLOCKS[:-1]:
        for table in ("bidders", "timeseries"):
            one, all_ = getattr(runs[most], table), getattr(runs[BLOCKS[-1]], table)
            for name in one:
                row = first_difference(np.asarray(one[name]), np.asarray(all_[name]))
                if row is not None:
                    raise CheckFailed(
                        f"the same {table} with at most {most} requests at a time and with {BLOCKS[-1]:,}",
                        f"{name}: {one[name][row]} and {all_[name][row]}",
                        "a bid depends on the other rows or on the batch's length, or bid() changes the strategy's state "
                        "(the engine calls it as often as it likes): see the checks row_wise and deterministic_under_seed",
                    )
