"""The worth of one more impression where accounts are on a journey: the purchases that it makes likelier, sooner or later.

Let T be the transition law of a step, h the chance of a decision at the next step (only with an approved budget), and
lambda what is left of a stock after a step. An impression adds ``lasting`` to the stock; in stage s its worth is then
lasting x slope x V(s), with V = h + lambda T V: the sum over all later steps of the chance to decide there, times what
is left by then. The margin's slope is taken at the stock that an account has in the long run if every advertiser wins
``believed_win_rate`` of its impressions, which may be worked out from prices: a mean-field approximation, as no bidder
sees the stocks. Everything else is exact, given that the world goes on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Scenario
from jointbid.sim.journey.process import (
    APPROVED,
    STAGES,
    decay,
    journey_of,
    leaving,
    stationary,
    transitions,
)
from jointbid.sim.landscape import Landscape, context_levels
from jointbid.sim.response import truth


def prospects(scenario: Scenario) -> NDArray[np.float64]:
    """Return V(s), the expected decisions from here on, each weighted with what is left of the impression; shape (profile types, stages)."""
    hazard = np.zeros((scenario.audience.profile_types, len(STAGES)))
    hazard[:, APPROVED] = leaving(scenario)[:, APPROVED]
    kept = decay(journey_of(scenario))
    left = np.eye(len(STAGES)) - kept * transitions(scenario)
    return np.asarray(np.linalg.solve(left, hazard[..., None])[..., 0])


def slope(scenario: Scenario, win_rate: float) -> float:
    """Return the growth of the margin of one decision per unit of stock, in currency, at the stocks of this win rate."""
    journey, supply = journey_of(scenario), scenario.supply
    accounts = (scenario.audience.people or 1) / journey.group
    a_step = (supply.requests or 0) / accounts * journey.step_h / supply.horizon_h
    stock = win_rate * a_step * float(np.mean(impact(scenario))) / (1.0 - decay(journey))
    gained = (1.0 + stock) ** journey.power
    own = gained + (journey.base - 1.0)
    others = journey.outside + (scenario.bidders.count - 1) * own
    return float(journey.margin * journey.power * gained / (1.0 + stock) * others / (own + others) ** 2)


def impact(scenario: Scenario) -> NDArray[np.float64]:
    """Return the mean addition of an impression to the stock, seen or not, by context type; shape (context types,)."""
    world = truth(scenario)
    seen = np.tensordot(world.shares, world.effect.seen, axes=1)
    by_context = seen.mean(axis=tuple(axis for axis in range(seen.ndim) if axis != 1))
    return np.asarray(by_context * np.asarray(journey_of(scenario).lasting))


def worth_by_stage(scenario: Scenario) -> NDArray[np.float64]:
    """Return an impression's lasting worth in currency; shape (profile types, context types, stages)."""
    left, ahead = impact(scenario)[None, :, None], prospects(scenario)[:, None, :]
    return np.asarray(left * ahead * slope(scenario, believed_win_rate(scenario)))


def believed_win_rate(scenario: Scenario) -> float:
    """The share of an account's impressions that bidders believe each advertiser wins.

    Where the scenario sets none, it is the rate at which a fully informed bidder would win with truthful bids against the price landscape if
    all bidders believed just that: more impressions leave larger stocks, which make one more worth less and bids lower, so that there
    is one such rate. Floors are left out.
    """
    journey = journey_of(scenario)
    if journey.believed_win_rate is not None:
        return journey.believed_win_rate
    world, prices = truth(scenario), Landscape(scenario.rivals)
    law = (world.law[..., None] * stationary(scenario)[:, None, None, :]).sum(axis=2)
    at_once = (world.law * world.theta).sum(axis=2) / np.maximum(world.law.sum(axis=2), 1e-300)
    lasting = impact(scenario)[None, :, None] * prospects(scenario)[:, None, :]
    level = context_levels(scenario)[None, :, None]

    def above(rate: float) -> float:
        worth = at_once[..., None] + lasting * slope(scenario, rate)
        won = prices.cdf(worth / level)
        return float((law * won).sum()) - rate

    from scipy.optimize import brentq  # takes 20 MB, and only journeys need it

    return float(brentq(above, 0.0, 1.0)) if above(1.0) < 0 else 1.0
