"""What every oracle needs: a scenario by its parts, the engine run over replications, and the verdict."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import pytest
from scipy import stats

from jointbid.experiments.cells.bidders import run_cell
from jointbid.experiments.cells.cell import Cell
from jointbid.sim import Scenario, simulate

REPLICATIONS = 32
REQUESTS = 25_000


def build(requests=REQUESTS, supply=None, **parts):
    """A scenario of one short run of one hour; everything else that is not said is the default of `jointbid.sim.scenario`."""
    return Scenario.model_validate(
        {"supply": {"requests": requests, "horizon_h": 1, **(supply or {})}, **parts}
    )


def play(scenario, strategies, *, replications=REPLICATIONS, seed=1):
    """Per request and replication: `revenue` and `welfare` (R,), and every column of bidders as (R, bidders)."""
    runs = [simulate(scenario, strategies, seed, r) for r in range(replications)]
    n = runs[0].market["requests"]
    columns = ("spend", "value", "profit", "wins")
    table = {name: np.stack([run.bidders[name] for run in runs]) / n for name in columns}
    return table | {name: np.array([run.market[name] for run in runs]) / n for name in ("revenue", "welfare")}


METRICS = ("profit", "spend", "value", "wins")


@cache
def _focal(scenario_json, replications, arm, options):
    scenario = Scenario.model_validate_json(scenario_json)
    cells = [Cell(scenario, arm, replication=r, **dict(options)) for r in range(replications)]
    rows = [[row for row in run_cell(cell).rows if row["focal"]] for cell in cells]
    totals = {metric: np.array([sum(row[metric] for row in run) for run in rows]) for metric in METRICS}
    return {metric: total / scenario.supply.requests for metric, total in totals.items()}


def focal(scenario, arm, *, metric="profit", replications=REPLICATIONS, **options):
    """The focal advertiser's profit (or another metric) per request in each replication of an arm; shape (R,)."""
    return _focal(scenario.model_dump_json(), replications, arm, tuple(sorted(options.items())))[metric]


def verdict(seen, expected, *, z=4.0, resolution=None, atol=1e-9):
    """The mean over replications lies within z of its own standard errors, and these are small enough to tell.

    The standard error is estimated from the replications, so the bound is Student's t at z's normal tail probability
    (4.7 for 32 of them, 6.4 for 12). `resolution` bounds that many errors from above (default: a quarter of what is expected):
    a test that could not have failed proves nothing.
    """
    seen = np.asarray(seen, dtype=float)
    mean, error = seen.mean(), seen.std(ddof=1) / np.sqrt(len(seen))
    margin = stats.t.isf(stats.norm.sf(z), len(seen) - 1) * error + atol
    sharp = abs(expected) / 4 if resolution is None else resolution
    assert margin <= sharp + 2 * atol, f"blind: a margin of {margin:.3g} is more than {sharp:.3g}"
    assert abs(mean - expected) <= margin, (
        f"{mean:.7g} +- {error:.2g} (n = {len(seen)} replications), theory {expected:.7g}, "
        f"t = {(mean - expected) / error if error else np.inf:.2f}"
    )


@pytest.fixture(scope="session")
def scenario():
    return build


@pytest.fixture(scope="module")
def replications_here(request):
    """How many a module's tests have each; one whose differences are large says by ``REPLICATIONS`` that fewer are enough."""
    return getattr(request.module, "REPLICATIONS", REPLICATIONS)


@pytest.fixture(scope="module")
def market(replications_here):
    return partial(play, replications=replications_here)


@pytest.fixture(scope="module")
def profit(replications_here):
    return partial(focal, replications=replications_here)


@pytest.fixture(scope="session")
def lands():
    return verdict
