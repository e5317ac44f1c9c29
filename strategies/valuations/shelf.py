"""The chance that a product is in stock, for bidders who do not see its shelf, or see an old copy of it.

A chain in steps, as the shelf itself is counted: while there are units, the sales of a step have a Poisson law of mean
``believed_sales_per_h x step_h``, down to none left; an empty shelf is full again with probability ``step_h / lead_h``. It is a mean-field
approximation: how fast units really go depends on what is bid, on the state of the product and on the hour. In the long run a
shelf of n units that go one at a time is empty for the share lead / (lead + n / rate) of the time (renewal theory, Cox 1962).
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Scenario
from jointbid.sim.journey.process import reversed_chain
from jointbid.sim.landscape import Landscape, context_levels
from jointbid.sim.response import sold_out, truth
from jointbid.sim.scenario import HOUR_US, SyntheticSupply
from jointbid.sim.sources import SyncClock
from jointbid.sim.stock import stock_of, units_of

PHASES = 512
"""Moments of the run at which the ages of copies are taken."""


def sales_per_h(scenario: Scenario) -> NDArray[np.float64]:
    """Return the units that an advertiser is believed to sell in an hour while in stock, by product; shape (products,).

    Where the scenario sets none, those of a bidder that knows all and bids truthfully against the price landscape, floors left out.
    """
    stock, supply = stock_of(scenario), scenario.supply
    if stock.believed_sales_per_h is not None:
        each = np.asarray(stock.believed_sales_per_h, dtype=np.float64)
        return np.broadcast_to(each, (scenario.types_of("context"),))
    assert isinstance(supply, SyntheticSupply)  # noqa: S101 - stock is for synthetic markets
    world, prices = truth(scenario), Landscape(scenario.rivals)
    effect = world.effect
    sale = effect.seen * (effect.seen_click * effect.after_click + effect.seen_conversion)
    won = prices.cdf(world.theta / context_levels(scenario)[None, :, None])
    a_request = (world.law * won * np.tensordot(world.shares, sale, axes=1)).sum(axis=(0, 2))
    return np.asarray((supply.requests or 0) / supply.horizon_h * a_request)


def transitions(scenario: Scenario) -> NDArray[np.float64]:
    """P(units after a step | units before it), shape (products, units, units); rows sum to 1. Read-only."""
    return _laws(scenario)[0]


def stationary(scenario: Scenario) -> NDArray[np.float64]:
    """Return the long-run law of the units left, shape (products, units); all are left where none is sold. Read-only."""
    return _laws(scenario)[1]


def _laws(scenario: Scenario) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the chains of all products, and their long-run laws."""
    stock = stock_of(scenario)
    units, rates = (tuple(column.tolist()) for column in (units_of(scenario), sales_per_h(scenario)))
    return _worked_out(units, rates, scenario.types_of("stock"), stock.step_h, stock.lead_h)


@lru_cache(maxsize=64)
def _worked_out(
    units: tuple[int, ...], rates: tuple[float, ...], states: int, step_h: float, lead_h: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``_laws``, by all that they depend on."""
    chain, law = np.zeros((len(units), states, states)), np.zeros((len(units), states))
    before, after = np.arange(states)[:, None], np.arange(states)[None, :]
    for product, (full, rate) in enumerate(zip(units, rates, strict=True)):
        step = np.where(after > 0, _poisson(before - after, rate * step_h), 0.0)
        step[:, 0] = np.maximum(1.0 - step.sum(axis=1), 0.0)
        step[0] = 0.0
        step[0, 0], step[0, full] = 1.0 - step_h / lead_h, step_h / lead_h
        chain[product] = step
        law[product] = _long_run(step, full)
    for table in (chain, law):
        table.flags.writeable = False
    return chain, law


def _long_run(step: NDArray[np.float64], full: int) -> NDArray[np.float64]:
    """Return the long-run law of a shelf that holds ``full``; it never holds more than a delivery."""
    law = np.zeros(len(step))
    if step[full, full] == 1.0:
        law[full] = 1.0
        return law
    states = full + 1
    equations = np.vstack([step[:states, :states].T - np.eye(states), np.ones(states)])
    law[:states] = np.maximum(
        np.linalg.lstsq(equations, np.append(np.zeros(states), 1.0), rcond=None)[0], 0.0
    )
    return np.asarray(law / law.sum())


def _poisson(count: NDArray[np.int64], mean: float) -> NDArray[np.float64]:
    """Return P(count), 0 below 0; shape as ``count``."""
    from scipy.special import gammaln, xlogy

    chance = np.exp(xlogy(count.clip(0), mean) - mean - gammaln(count.clip(0) + 1.0))
    return np.where(count >= 0, chance, 0.0)


def units_then(scenario: Scenario, names: tuple[str, ...], *, believed: bool) -> NDArray[np.float64]:
    """P(units when these sources' copies were taken | product, units now), averaged over the run.

    Shape (products, units now, units then, ...), an axis for each name; a number of units that there never are is taken for what it was.
    """
    back = reversed_chain(stationary(scenario), transitions(scenario))
    return records(scenario, names, back, stock_of(scenario).step_h, believed=believed)


def worth_by_units(scenario: Scenario) -> NDArray[np.float64]:
    """Return the worth of an impression over the rotation of creatives; shape (profile, context, history types, units)."""
    world = truth(scenario)
    empty = np.tensordot(world.shares, sold_out(world.effect, scenario.response).worth, axes=1)
    there = np.repeat(world.theta[..., None], scenario.types_of("stock"), axis=-1)
    there[..., 0] = empty
    return there


def records(
    scenario: Scenario, names: tuple[str, ...], back: NDArray[np.float64], step_h: float, *, believed: bool
) -> NDArray[np.float64]:
    """P(states that these sources' copies were taken in | group, state now), averaged over the run.

    ``back`` is P(state a step ago | state now), shape (groups, states now, states then). Shape (groups, states now, states then,
    ...), an axis for each name. Copies of one moment agree, and older ones follow from newer ones backwards. ``believed``: naive use takes a
    copy for fresh.
    """
    states = back.shape[1]
    law = np.zeros((len(back), *[states] * (1 + len(names))))
    lags = Counter(_lags(scenario, names, step_h, believed=believed))
    for lag, count in lags.items():
        order = sorted(range(len(names)), key=lambda i: lag[i])
        since, last = 0, 1
        letters: list[int] = [0, 1]
        terms: list[Any] = [np.ones((len(back), states)), [0, 1]]
        for i in order:
            step = np.linalg.matrix_power(back, lag[i] - since)
            terms += [step, [0, last, 2 + i]]
            since, last = lag[i], 2 + i
        letters += [2 + i for i in range(len(names))]
        law += np.einsum(*terms, letters) * (count / sum(lags.values()))
    return law


def _lags(
    scenario: Scenario, names: tuple[str, ...], step_h: float, *, believed: bool
) -> list[tuple[int, ...]]:
    """Return the age of each copy in steps, at moments spread evenly over the run."""
    assert isinstance(scenario.supply, SyntheticSupply)  # noqa: S101 - what moves is for synthetic markets
    hours = (np.arange(PHASES) + 0.5) * (scenario.supply.horizon_h / PHASES)
    columns = []
    for name in names:
        source = scenario.data_of(name)
        clock = SyncClock.of(source)
        interval, latency = clock.interval_us / HOUR_US, clock.latency_us / HOUR_US
        taken = hours - latency
        if interval:
            taken = np.floor(taken / interval) * interval
        if source.never_arrives or (believed and source.use == "naive"):
            taken = hours
        columns.append((np.floor(hours / step_h) - np.floor(taken / step_h)).astype(int).tolist())
    return list(zip(*columns, strict=True)) if columns else [()]
