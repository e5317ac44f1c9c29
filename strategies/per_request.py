"""A base for strategies that bid on one request at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .base import Policy, VisibleRequests

ROWS_AT_ONCE = 65_536
"""Rows that are turned into plain numbers at a time."""


class PerRequest(Policy):
    """Override ``bid_one``; columns and batches are this class's business.

    What it costs: with a rule of one line it bids on some 2 million requests a second with one column and 1.4 million with
    four, where the same rule on whole columns does thousands of millions; a run of a million requests takes .7 s instead
    of .05 s. Where ``reads`` are data sources alone, or the value that a valuation makes of them, it costs nothing to speak
    of: the engine then calls it once for each visible cell between two events, and not for each request. (One core; 2-core
    machine.)
    """

    def bid_one(self, request: dict[str, float]) -> float:
        """The bid on one request, in currency per impression; ``request`` maps each column in ``reads`` to its number."""
        raise NotImplementedError(f"{type(self).__name__} needs a method bid_one(self, request)")

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """``bid_one`` for each request."""
        names = tuple(requests) if self.reads is None else self.reads
        bids = np.empty(requests.n)
        for start in range(0, requests.n, ROWS_AT_ONCE):
            rows = range(requests.n)[start : start + ROWS_AT_ONCE]
            numbers = [requests[name][start : rows.stop].tolist() for name in names]
            table = zip(*numbers, strict=True) if names else [()] * len(rows)
            answers = (self.bid_one(dict(zip(names, row, strict=True))) for row in table)
            bids[start : rows.stop] = np.fromiter(answers, np.float64, len(rows))
        return bids
