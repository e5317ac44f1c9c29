"""Proportional control of the spend."""

from __future__ import annotations

import math

from jointbid import Policy


class AcmePid(Policy):
    """Bid multiplier x value, with a multiplier that keeps the spend in step with the requests.

    At each control step the spend so far is compared with the budget's part for the requests so far:
    multiplier = exp(kp (planned - spend) / max(planned, spend)), which is 1 where both are equal and at the start.
    `kp` is a pure number, 0 or more. Without a budget the multiplier stays 1.
    """

    paces = True  # it minds its budget ...
    needs_budget = True  # ... and bids the value without one
    scales = True  # in another currency it bids the same

    def __init__(self, kp: float = 1.0) -> None:
        if not 0 <= kp < math.inf:
            raise ValueError(f"kp = {kp}: must be a finite number, 0 or more")
        self.kp = kp
        self.multiplier = 1.0

    def bid(self, requests):
        """Bids in currency per impression, one a request."""
        return self.multiplier * requests["value"]

    def control(self, state):
        """Look at the account, and set the multiplier for the requests up to the next control step."""
        if not math.isfinite(state.budget):
            return
        planned = state.budget * state.requests_seen / state.requests_expected
        larger = max(planned, state.spend)
        if larger > 0:
            self.multiplier = math.exp(self.kp * (planned - state.spend) / larger)
