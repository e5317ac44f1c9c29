"""How likely a product is still to be had, for bidders who do not see its shelf, or see an old copy of it.

A chain in steps, as the shelf itself is counted: while there are units, the sales of a step have a Poisson law of mean
``believed_sales_per_h x step_h``, down to none left; an empty shelf is full again with probability ``step_h / lead_h``. It is a mean-field
approximation: how fast units really go depends on what is bid, on the state of the product and on the hour. In the long run a
shelf of n units that go one at a time is empty for the share lead / (lead + n / rate) of the time (renewal theory, Cox 1962).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlogy

from jointbid.sim import Scenario
from jointbid.sim.landscape import Landscape, context_levels
from jointbid.sim.response import sold_out, truth
from jointbid.sim.scenario import SyntheticSupply
from jointbid.sim.stock import stock_of, units_of

from .records import records


def sales_per_h(scenario: Scenario) -> NDArray[np.float64]:
    """Units that an advertiser is believed to sell in an hour while there are any, by product; shape (products,).

    Where the scenario says none, those of one who knows all and bids truthfully against the price landscape, floors left out.
    """
    stock, supply = stock_of(scenario), scenario.supply
    if stock.believed_sales_per_h is not None:
        each = np.asarray(stock.believed_sales_per_h, dtype=np.float64)
        return np.broadcast_to(each, (scenario.types_of("context"),))
    assert isinstance(supply, SyntheticSupply)  # noqa: S101 - stock is for synthetic markets
    world, prices = truth(scenario), Landscape.of(scenario.rivals)
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
    """The chains of all products, and where they are in the long run."""
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
    """Where a shelf that holds ``full`` is in the long run; more than a delivery there never is."""
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
    chance = np.exp(xlogy(count.clip(0), mean) - mean - gammaln(count.clip(0) + 1.0))
    return np.where(count >= 0, chance, 0.0)


def units_then(scenario: Scenario, names: tuple[str, ...], *, believed: bool) -> NDArray[np.float64]:
    """P(units when these sources' copies were taken | product, units now), averaged over the run.

    Shape (products, units now, units then, ...), an axis for each name; a number of units that there never are is taken for what it was.
    """
    law, chain = stationary(scenario), transitions(scenario)
    flow = np.swapaxes(law[:, :, None] * chain, 1, 2)
    possible = law[:, :, None] > 0
    back = np.where(possible, flow / np.maximum(law, 1e-300)[:, :, None], np.eye(law.shape[1]))
    return records(scenario, names, back, stock_of(scenario).step_h, believed=believed)


def worth_by_units(scenario: Scenario) -> NDArray[np.float64]:
    """What an impression is worth over the rotation of creatives, shape (profile, context, history types, units): least where none is left."""
    world = truth(scenario)
    empty = np.tensordot(world.shares, sold_out(world.effect, scenario.response).worth, axes=1)
    there = np.repeat(world.theta[..., None], scenario.types_of("stock"), axis=-1)
    there[..., 0] = empty
    return there
