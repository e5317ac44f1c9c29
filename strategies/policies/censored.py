"""P(win | bid) from auctions of which the exchange does not report every price.

CensoredPrices and bids are kept in bins (``jointbid.strategies.bins``); estimates are made at the bins' upper ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import bins

Counts = NDArray[np.int64]
Bins = NDArray[np.signedinteger[Any]]
RIDGE = 1e-3
"""Keeps the lognormal's slope finite where all wins lie above all losses."""
NEWTON = 100
HALF_A_BIN = np.log(2.0) / bins.PER_OCTAVE / 2
MARGIN = 2 * bins.PER_OCTAVE
"""Bins beyond the observed ones in which a lognormal is used: a factor of 4."""


def _none() -> Counts:
    return np.zeros(bins.BINS, dtype=np.int64)


@dataclass
class CensoredPrices:
    """Counts in each bin: of reported prices, of bids that an unreported price was above (lost), and not above (won)."""

    reported: Counts = field(default_factory=_none)
    above: Counts = field(default_factory=_none)
    below: Counts = field(default_factory=_none)

    @property
    def n(self) -> int:
        """The number of auctions."""
        return int(self.reported.sum() + self.above.sum() + self.below.sum())

    def add(
        self, bid: NDArray[np.float64], won: NDArray[np.bool_], price: NDArray[np.float64], feedback: str
    ) -> None:
        """Add auctions that were bid in; ``feedback`` names the part of ``price`` that is reported (see ``LearnedShading``)."""
        if feedback == "minimum_bid":
            self.reported = self.reported + bins.count(price)
            return
        self.above = self.above + bins.count(bid[~won])
        if feedback == "winning_price":
            self.reported = self.reported + bins.count(price[won])
        else:
            self.below = self.below + bins.count(bid[won])


def kaplan_meier(prices: CensoredPrices) -> tuple[Bins, NDArray[np.float64]]:
    """Bins with an observed price, and P(price <= their end): Kaplan & Meier 1958, losses being censored at the bid.

    1 - product over bins of (1 - prices reported there / auctions whose price is there or above, as far as is known).
    """
    at_risk = np.cumsum((prices.reported + prices.above)[::-1])[::-1]
    held = np.flatnonzero(prices.reported)
    left = np.cumprod(1.0 - prices.reported[held] / at_risk[held])
    return held, np.asarray(1.0 - left)


def isotonic(prices: CensoredPrices) -> tuple[Bins, NDArray[np.float64]]:
    """Bins with a bid in them, and the share won there, made to rise: the estimate from wins and losses (Ayer et al. 1955)."""
    from scipy.optimize import isotonic_regression

    tried = prices.below + prices.above
    held = np.flatnonzero(tried)
    fit = isotonic_regression(prices.below[held] / tried[held], weights=tried[held].astype(np.float64))
    return held, np.asarray(fit.x)


def lognormal(prices: CensoredPrices) -> tuple[Bins, NDArray[np.float64]]:
    """Bins near those seen, and the fitted P(price <= their end): the lognormal of highest likelihood.

    Reported prices count by their density, wins and losses by the chance of either (with prices reported for wins, a Tobit model;
    without, a probit). In a = 1 / sigma and c = -mu / sigma the log-likelihood is concave (Olsen 1978): Newton's method.
    """
    from scipy.special import ndtr

    seen = np.flatnonzero(prices.reported + prices.above + prices.below)
    reported, above, below = (
        part[seen].astype(np.float64) for part in (prices.reported, prices.above, prices.below)
    )
    if seen[0] == 0:  # at most a micro: free for any bidder, and no density of a lognormal
        reported[0], below[0] = 0.0, below[0] + reported[0]
    bid = np.log(bins.EDGES[seen])
    x, none = np.concatenate([bid - HALF_A_BIN, bid]), np.zeros_like(bid)
    weight = np.concatenate([reported, above + below])
    centre, spread = float(np.average(x, weights=weight)), max(float(np.ptp(bid)) / 4, 0.1)
    a, c = _fit((x - centre) / spread, *map(np.concatenate, ((reported, none), (none, above), (none, below))))
    held = np.arange(max(seen[0] - MARGIN, 0), min(seen[-1] + MARGIN, bins.BINS))
    return held, ndtr(a * (np.log(bins.EDGES[held]) - centre) / spread + c)


def _fit(
    x: NDArray[np.float64],
    reported: NDArray[np.float64],
    above: NDArray[np.float64],
    below: NDArray[np.float64],
) -> tuple[float, float]:
    """The a > 0 and c of highest likelihood with z = a x + c standard normal for prices at x; damped Newton steps."""
    from scipy.special import log_ndtr

    scale = np.array([1.0, 0.0])
    design = np.stack([x, np.ones_like(x)])

    def likelihood(p: NDArray[np.float64]) -> float:
        if p[0] <= 0:
            return -np.inf
        z = p @ design
        fits = reported @ (np.log(p[0]) - z**2 / 2) + above @ log_ndtr(-z) + below @ log_ndtr(z)
        return float(fits - RIDGE / 2 * (p @ p))

    best = likelihood(scale)
    for _ in range(NEWTON):
        z = scale @ design
        lost, won = _mills(-z), _mills(z)
        slope = design @ (-reported * z - above * lost + below * won) - RIDGE * scale
        slope[0] += reported.sum() / scale[0]
        curve = (design * (reported + above * lost * (lost - z) + below * won * (won + z))) @ design.T
        curve += RIDGE * np.eye(2)
        curve[0, 0] += reported.sum() / scale[0] ** 2
        step = np.linalg.solve(curve, slope)
        while (now := likelihood(scale + step)) < best and np.abs(step).max() > 1e-12:
            step = step / 2
        if np.abs(step).max() < 1e-10:
            break
        scale, best = scale + step, now
    return float(scale[0]), float(scale[1])


def _mills(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """phi(z) / Phi(z)."""
    from scipy.special import log_ndtr

    return np.asarray(np.exp(-(z**2) / 2 - log_ndtr(z)) / np.sqrt(2.0 * np.pi))


class BestResponse:
    """argmax over bids b of (v - b) W(b), for any v at the cost of one search.

    (v - b) W is a line in v for each bid, so the best ones are the corners of the lower convex hull of (W, b W).
    """

    def __init__(self, bid: NDArray[np.float64], win: NDArray[np.float64]) -> None:
        hull = [(0.0, 0.0, 0.0)]
        for b, w in zip(bid.tolist(), win.tolist(), strict=True):
            if w <= hull[-1][0]:
                continue
            while len(hull) > 1 and _slope(hull[-2], hull[-1]) >= _slope(hull[-1], (w, b * w, b)):
                hull.pop()
            hull.append((w, b * w, b))
        self.bids = np.array([b for _, _, b in hull])
        self.from_value = np.array([_slope(p, q) for p, q in pairwise(hull)])

    def of(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """The best bid for each value; 0 where none earns anything."""
        return np.asarray(self.bids[np.searchsorted(self.from_value, value, side="right")])


def _slope(p: tuple[float, float, float], q: tuple[float, float, float]) -> float:
    return (q[1] - p[1]) / (q[0] - p[0])
