"""A bid against a known price landscape: its chance of winning, and what it pays on average."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jointbid.sim.landscape import Landscape

from ..market import MarketFacts

POINTS = 4097


def landscape_of(market: MarketFacts, who: str) -> Landscape:
    """Return the market's price landscape. Raises ``ValueError`` where none is known; ``who`` needs it."""
    if market.landscape is None:
        raise ValueError(f"{who} needs a price landscape: set rivals.landscape, or choose adaptive_pacing")
    return market.landscape


def median_price(name: str, market: MarketFacts | None) -> float:
    """Return the median of the landscape, currency per impression: the default of a parameter ``name``."""
    if market is None or market.landscape is None:
        raise ValueError(
            f"{name} is needed where no price landscape is known: give it, or set rivals.landscape"
        )
    return float(market.landscape.quantile(np.array(0.5)))


class PriceTable:
    """A second-price auction against a market's landscape and floors, tabled over bids.

    ``bids`` rise, in currency per impression; ``win`` is P(win), and ``paid`` the mean payment, won or lost: the integral
    of p dW(p) up to the bid, b W(b) less the integral of W, as the price is the higher of floor and best other bid.
    """

    def __init__(self, market: MarketFacts) -> None:
        landscape = landscape_of(market, "the strategy")
        u = np.linspace(0.0, 1.0, POINTS)[:-1]
        points = [np.zeros(1), landscape.quantile(np.append(u[1:], 1.0 - np.logspace(-4, -9, 64)))]
        if market.floor_share > 0:
            from scipy.special import ndtri

            points.append(np.exp(market.floor_mu + market.floor_sigma * ndtri(u[1:])))
        points.append(np.array([market.hard_floor, np.nextafter(market.hard_floor, 0.0)]))
        points.append(landscape.edges())
        grid = np.concatenate(points)
        steps = np.nextafter(grid, 0.0) if market.floor_share > 0 and market.floor_sigma == 0 else grid[:0]
        self.bids: NDArray[np.float64] = np.unique(np.concatenate([grid, steps]))
        self.win = market.win_probability(self.bids)
        area = np.concatenate([[0.0], np.cumsum(np.diff(self.bids) * (self.win[1:] + self.win[:-1]) / 2)])
        self.paid: NDArray[np.float64] = self.bids * self.win - area
