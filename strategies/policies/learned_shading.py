"""Shading where the price landscape has to be learned from own auctions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..base import VALUE, AccountState, Feedback, VisibleRequests
from ..bins import EDGES
from ..market import MarketFacts
from ..parameters import one_of, share, whole
from .censored import BestResponse, CensoredPrices, isotonic, kaplan_meier, lognormal
from .shading import FirstPriceShading

FEEDBACK = ("win_lose", "winning_price", "minimum_bid")


class LearnedShading(FirstPriceShading):
    """Bid argmax over b of (v - b) W(b), W being P(win | bid) as estimated from the auctions so far.

    ``feedback`` names the prices that the exchange reports: ``'minimum_bid'``, the minimum bid to win of every auction that was bid in;
    ``'winning_price'``, that of the auctions won (what the winner pays in second price), so that a loss shows only that
    the price is above the bid; ``'win_lose'``, no price at all. ``estimator='kaplan_meier'`` assumes no form: the
    product-limit estimate (Kaplan & Meier 1958; for bidding Zhang et al. 2016, bid-aware gradient descent), with
    all prices reported the empirical one, and with wins and losses alone, where it does not exist, isotonic regression (Ayer
    et al. 1955). ``'lognormal'`` is the lognormal of highest likelihood.

    Unless all prices are reported, a share ``explore`` of the requests (column ``uniform``) is bid on with a uniform part of the value, so
    that bids are tried that the estimate advises against. Until ``least`` auctions are known that is done on every request,
    or half of the value bid where all prices are reported. The estimate is renewed at each control step. In second price and
    VCG it bids the value, and learns from these auctions too. It ignores the budget, and takes what it lost late, without
    money or to a full frequency cap for lost to a higher price.
    """

    learns = True

    def __init__(
        self,
        estimator: str = "kaplan_meier",
        feedback: str = "minimum_bid",
        explore: float = 0.05,
        least: int = 100,
        market: MarketFacts | None = None,
    ) -> None:
        self.estimator = one_of("estimator", estimator, ("kaplan_meier", "lognormal"))
        self.feedback = one_of("feedback", feedback, FEEDBACK)
        self.explore, self.least = share("explore", explore), whole("least", least)
        super().__init__(("first_price",) if market is None else market.auction_types, "learned shading")
        self.stochastic = self._shades and self.feedback != "minimum_bid"
        self.learns = self._shades
        if self._shades and market is not None and market.tells == "price_paid":
            self._need_prices(known=False)
        if self.stochastic:
            self.reads = (*self.reads, "uniform")
        self._prices = CensoredPrices()
        self._best: BestResponse | None = None

    def _shaded(self, requests: VisibleRequests) -> NDArray[np.float64]:
        value = requests[VALUE]
        bids = value / 2 if self._best is None else self._best.of(value)
        # no price is known below the value: a lower bid costs nothing
        bids = np.where(bids > 0, bids, value / 2)
        if self.stochastic:
            tried = 1.0 if self._best is None else self.explore
            u = requests["uniform"]
            bids = np.where(u < tried, value * (u / max(tried, 1e-12)), bids)
        return np.asarray(bids)

    def observe(self, feedback: Feedback) -> None:
        """Add the auctions that were bid in."""
        if not feedback.requests.n:
            return
        took_part = feedback.bid > 0
        self._need_prices(known=not np.isnan(feedback.minimum_bid_to_win).any())
        self._prices.add(
            feedback.bid[took_part],
            feedback.won[took_part],
            feedback.minimum_bid_to_win[took_part],
            self.feedback,
        )

    def _need_prices(self, *, known: bool) -> None:
        """Raise ``ValueError`` where the exchange tells no prices and they are to be learned from."""
        if not known and self.feedback != "win_lose":
            raise ValueError(
                f"feedback = {self.feedback}: this exchange does not tell the minimum bid to win (auction.tells=price_paid); allowed there: win_lose"
            )

    def control(self, state: AccountState) -> None:  # noqa: ARG002 - it needs what was observed alone
        """Estimate anew."""
        if not self._shades or self._prices.n < self.least:
            return
        if self.estimator == "lognormal":
            held, win = lognormal(self._prices)
        elif self.feedback == "win_lose":
            held, win = isotonic(self._prices)
        else:
            held, win = kaplan_meier(self._prices)
        self._best = BestResponse(EDGES[held], win)
