"""The market that strategies are tried in, and batches of requests as it shows them."""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Entrant, RunResult, Scenario, Strategy, VisibleRequests, simulate
from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.sim.exposures import EXPOSURE_CODES
from jointbid.sim.public_columns import EXPOSURES, PUBLIC_COLUMNS

from ..base import OF_VALUATIONS, SIGMA, VALUE, Policy, Priced
from ..valuations.bayes import bayes
from ..valuations.tables import CellValues
from .sample import sample_of

TRIAL = "trial"
ROWS = 257
REQUESTS = 600
CONTROL_EVERY = 50
PEOPLE = 100
"""Where a strategy reads how often they have seen its ads."""
TYPES = 4
PRICE = 0.4
"""Median price of the trial market where bids are about 1."""

Column = NDArray[Any]


def trial_scenario(auction: str = "second_price", scale: float = 1.0, *, creatives: bool = False) -> Scenario:
    """Return a small market with both sources (the profile ages), late clicks and conversions, and known prices.

    ``scale`` is the usual height of bids, in currency per impression. With ``creatives`` a campaign has two.
    """
    late = {"law": "exponential", "mean": 0.1}
    return Scenario.model_validate(
        {
            "name": TRIAL,
            "supply": {"requests": REQUESTS, "horizon_h": 1, "context_types": TYPES},
            "audience": {"profile_types": TYPES},
            "response": {
                "family": "logit",
                "a": -0.5,
                "b": 0.5,
                "c": 0.5,
                "value_per_click": 2 * scale,
                "click_delay_h": late,
                "conversion": {"a": -0.5, "value": scale, "delay_h": late},
            },
            "source": {
                "profile": {"match_rate": 0.8, "sync_interval_h": 0.25, "flip_rate_per_h": 0.5},
                "context": {},
            },
            "rivals": {"landscape": "lognormal", "mu": float(np.log(PRICE * scale)), "sigma": 0.6},
            "auction": {"type": auction},
            "bidders": {"control_interval_requests": CONTROL_EVERY},
            "creative": {"plain": {}, "loud": {"a": 0.25}} if creatives else {},
        }
    )


def sized(scenario: Scenario, max_block: int | None = None) -> Scenario:
    """Return the market with as few requests and as frequent control steps as a trial needs."""
    tree = scenario.model_dump()
    tree["supply"]["requests"] = min(scenario.supply.requests or REQUESTS, REQUESTS)
    tree["bidders"] |= {"control_interval_requests": CONTROL_EVERY}
    if max_block is not None:
        tree["engine"]["max_block"] = max_block
    return Scenario.model_validate(tree)


def visible(scenario: Scenario) -> tuple[str, ...]:
    """Return the columns that a bidder with all data may read."""
    if scenario.response.family == "private_value":
        return (VALUE, *PUBLIC_COLUMNS)
    return (*scenario.source, *scenario.ages_shown(scenario.source), *PUBLIC_COLUMNS)


def columns(scenario: Scenario, n: int, seed: int = 0, money: float = 1.0) -> dict[str, Column]:
    """Return all possible columns, ``value`` among them, drawn at random; amounts are in ``money``.

    In a market that is given, values and floors are its own.
    """
    rng = np.random.default_rng(seed)
    made: dict[str, Column] = {
        name: rng.integers(0, scenario.codes_of(name), n).astype(np.int32) for name in scenario.source
    }
    made |= {f"age_{name}": rng.random(n) for name in scenario.source}
    types = np.array([MECHANISMS[name] for name in scenario.auction.shares], dtype=np.int8)
    has_floor, value = rng.random(n) < 0.3, rng.lognormal(-0.5, 0.5, n)
    hour, floor = np.sort(rng.random(n)), np.where(has_floor, 0.2, 0.0)
    if scenario.name != TRIAL:
        sample = sample_of(sized(scenario))
        hour, floor = hour * scenario.supply.horizon_h, rng.choice(sample.floors, n)
        value = sample.values(VisibleRequests(n, {**made, "hour": hour, "floor": floor}), rng)
    value[:2] = (0.0, 1e-6)[:n]  # what is worth nothing, or less than the smallest coin
    return made | {
        "hour": hour,
        "floor": floor * money,
        "auction_type": types[rng.integers(0, len(types), n)],
        "uniform": rng.random(n),
        VALUE: value * money,
        SIGMA: np.random.default_rng(seed + 2).random(n) * value * money,
        EXPOSURES: np.random.default_rng(seed + 1).integers(0, EXPOSURE_CODES, n).astype(np.int32),
    }


def takes_value(strategy: Strategy, scenario: Scenario) -> bool:
    """Return whether it bids on a value that a valuation must compute."""
    if scenario.response.family == "private_value":
        return False
    if strategy.reads is None:
        return isinstance(strategy, Policy)
    return any(column in strategy.reads for column in OF_VALUATIONS)


def wants(strategy: Strategy, scenario: Scenario) -> tuple[str, ...]:
    """Return the columns that it receives."""
    if strategy.reads is not None:
        more, there = getattr(strategy, "may_read", ()), (*visible(scenario), SIGMA)
        if scenario.audience.people is not None:
            there = (*there, EXPOSURES)
        return (*strategy.reads, *(name for name in more if name in there))
    return (*visible(scenario), *((VALUE,) if takes_value(strategy, scenario) else ()))


def part(batch: VisibleRequests, rows: slice | NDArray[np.intp]) -> VisibleRequests:
    """Return some rows of a batch."""
    kept = {name: column[rows] for name, column in batch.items()}
    return VisibleRequests(len(np.arange(batch.n)[rows]), kept)


def play(strategy: Strategy, scenario: Scenario, budget: float | None) -> RunResult:
    """Return a run of it in the market, behind a valuation where it needs one: by visible cells in our market, else ``bayes``."""
    if takes_value(strategy, scenario):
        names = tuple(scenario.source)
        sizes = tuple(scenario.codes_of(name) for name in names)
        table = 0.3 + np.arange(prod(sizes)).reshape(sizes) / prod(sizes)
        own = scenario.name == TRIAL
        sure = partial(np.multiply, 0.2, table)
        strategy = Priced(CellValues(names, table, sure) if own else bayes(scenario, names), strategy)
    if scenario.audience.people is None and EXPOSURES in (strategy.reads or ()):
        people = scenario.audience.model_copy(update={"people": PEOPLE})
        scenario = scenario.model_copy(update={"audience": people})
    return simulate(scenario, {"focal": Entrant(strategy, budget=budget)}, seed=1)
