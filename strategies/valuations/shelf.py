"""How likely a product is still to be had, for bidders who do not see its shelf, or see an old copy of it.

A chain in steps, as the shelf itself is counted: while there are units, so many are sold in a step as a Poisson law says of mean
``believed_sales_per_h x step_h``, down to none; an empty shelf is full again with probability ``step_h / lead_h``. It is a mean-field
approximation: how fast units really go depends on what is bid, on the state of the product and on the hour. In the long run a
shelf of n units that go one at a time is empty for the share lead / (lead + n / rate) of the time (renewal theory, Cox 1962).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim import Scenario
from sim.landscape import Landscape
from sim.response import sold_out, truth
from sim.scenario import SyntheticSupply
from sim.stock import stock_of, units_of
from strategies.valuations.records import records


def sales_per_h(scenario: Scenario) -> NDArray[np.float64]:
    """Units that an advertiser is believed to sell in an hour while there are any, by product; shape (products,).

    Where the scenario says none, those of one who knows all and bids truthfully against the price landscape, floors left out.
    """
    stock, supply = stock_of(scenario), scenario.supply
    products = scenario.types_of("context")
    if stock.believed_sales_per_h is not None:
        return np.broadcast_to(np.asarray(stock.believed_sales_per_h, dtype=np.float64), (products,))
    assert isinstance(supply, SyntheticSupply)  # noqa: S101 - stock is for synthetic markets
    world, prices = truth(scenario), Landscape.of(scenario.rivals)
    effect = world.effect
    sale = effect.seen * (effect.seen_click * effect.after_click + effect.seen_conversion)
    level = np.broadcast_to(np.asarray(scenario.rivals.by_context or 1.0), (products,))[None, :, None]
    won = prices.cdf(world.theta / level)
    a_request = (world.law * won * np.tensordot(world.shares, sale, axes=1)).sum(axis=(0, 2))
    return np.asarray((supply.requests or 0) / supply.horizon_h * a_request)


def transitions(scenario: Scenario) -> NDArray[np.float64]:
    """P(units after a step | units before it), shape (products, units, units); rows sum to 1."""
    from scipy.stats import poisson

    stock, units = stock_of(scenario), units_of(scenario)
    states = scenario.types_of("stock")
    arrives = stock.step_h / stock.lead_h
    chain = np.zeros((len(units), states, states))
    for product, (full, rate) in enumerate(zip(units, sales_per_h(scenario), strict=True)):
        chain[product, 0, 0], chain[product, 0, full] = 1.0 - arrives, arrives
        for before in range(1, states):
            sold = poisson.pmf(np.arange(before), rate * stock.step_h)
            chain[product, before, before - np.arange(before)] = sold
            chain[product, before, 0] = max(1.0 - sold.sum(), 0.0)
    return chain


def stationary(scenario: Scenario) -> NDArray[np.float64]:
    """How often so many units are left in the long run, shape (products, units); all are there where none is ever sold."""
    chain, units = transitions(scenario), units_of(scenario)
    law = np.zeros(chain.shape[:2])
    for product, full in enumerate(units):
        step = chain[product]
        if step[full, full] == 1.0:
            law[product, full] = 1.0
            continue
        states = full + 1  # more than a delivery there never is
        equations = np.vstack([step[:states, :states].T - np.eye(states), np.ones(states)])
        law[product, :states] = np.linalg.lstsq(equations, np.append(np.zeros(states), 1.0), rcond=None)[0]
    law = np.maximum(law, 0.0)
    return np.asarray(law / law.sum(axis=1, keepdims=True))


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
