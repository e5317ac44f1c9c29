"""Bids in proportion to the value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..base import PRICE_INDEPENDENT_OF_BID, VALUE, VectorisedPolicy, VisibleRequests
from ..parameters import above_0, at_least_0


class Truthful(VectorisedPolicy):
    """Bid the value: dominant in a second-price auction without a budget (Vickrey 1961)."""

    meant_for = PRICE_INDEPENDENT_OF_BID
    scales = True

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The value itself."""
        return requests[VALUE]


class Proportional(VectorisedPolicy):
    """Bid ``multiplier`` times the value."""

    multiplier: float

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The value times the multiplier."""
        return self.multiplier * requests[VALUE]


class Linear(Proportional):
    """Bid ``gain`` times the value (LIN; Perlich et al. 2012): optimal under a budget in second price if tuned.

    ``gain``, a pure number, 0 or more, is where its ``multiplier`` starts, which may be set from outside (``jointbid.Market``).
    """

    meant_for = PRICE_INDEPENDENT_OF_BID
    scales = True

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = self.multiplier = at_least_0("gain", gain)


class MCPC(VectorisedPolicy):
    """Bid the most that a click may cost times the predicted CTR (MCPC; Chen et al. 2011, Zhang, Yuan, Wang & Shen 2014).

    The value of an impression is CTR x ``value_per_click``, so the bid is ``max_cpc`` x value / ``value_per_click``. Both
    are in currency per click. ``value_per_click`` is the advertiser's own (in the family ``logit``,
    ``response.value_per_click``); ``max_cpc``, which the literature sets to the eCPC of past campaigns, is that much
    too where it is left out, and the bid is then truthful. Set as a fixed limit, it ignores the budget.
    """

    meant_for = PRICE_INDEPENDENT_OF_BID
    scales = True

    def __init__(self, max_cpc: float | None = None, value_per_click: float = 1.0) -> None:
        self.value_per_click = above_0("value_per_click", value_per_click)
        self.max_cpc = self.value_per_click if max_cpc is None else at_least_0("max_cpc", max_cpc)
        self.multiplier = self.max_cpc / self.value_per_click

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """``max_cpc`` x predicted CTR."""
        return self.max_cpc * (requests[VALUE] / self.value_per_click)
