"""How much a study learns in a CPU second: with common random numbers and expectation scoring, and without either."""

from __future__ import annotations

import time

import numpy as np

from jointbid.experiments.cells.bidders import run_cell
from jointbid.experiments.cells.cell import Cell
from jointbid.experiments.config.points import load

REPLICATIONS, REQUESTS, ELSEWHERE = 30, 20_000, 500_000


def test_precision_per_cpu_second():
    """Joint less context in the scenario `default`: the variance of one replication's difference, times the CPU time it takes."""
    (point,) = load("value", ["scenario=default", f"supply.requests={REQUESTS}"])
    scenario = point.settings.scenario
    run_cell(Cell(scenario, "joint"))  # compiles

    def difference(replication, *, paired):
        joint = run_cell(Cell(scenario, "joint", replication=replication)).rows[0]
        other = replication if paired else ELSEWHERE + replication
        alone = run_cell(Cell(scenario, "context", replication=other)).rows[0]
        if paired:
            return joint["profit"] - alone["profit"]
        worth = scenario.response.value_per_click
        return worth * (joint["clicks"] - alone["clicks"]) - (joint["spend"] - alone["spend"])

    cost, variance, mean = {}, {}, {}
    for paired in (True, False):
        begin = time.process_time()
        found = 1e6 / REQUESTS * np.array([difference(r, paired=paired) for r in range(REPLICATIONS)])
        cost[paired] = (time.process_time() - begin) / REPLICATIONS
        variance[paired], mean[paired] = found.var(ddof=1), found.mean()
    gain = variance[False] / variance[True]
    per_second = gain * cost[False] / cost[True]
    print(
        f"\njoint - context, CNY per million bid requests, {REPLICATIONS} replications of {REQUESTS:,} requests:\n"
        f"  paired and scored by expectation: {mean[True]:.2f}, sd of a replication {variance[True] ** 0.5:.3g}\n"
        f"  independent and scored by clicks: {mean[False]:.2f}, sd of a replication {variance[False] ** 0.5:.3g}\n"
        f"  variance {gain:,.0f} times smaller; precision per CPU second {per_second:,.0f} times as high"
    )
    assert gain >= 100
