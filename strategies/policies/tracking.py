"""Values that drift: bid by what each level of value has lately brought, from labels that may not be ripe."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import bins
from ..base import VALUE, AccountState, Feedback, VectorisedPolicy, VisibleRequests
from ..parameters import above_0, at_least_0, one_of

SPAN = 8
"""Bins of money to one level: values within 4.4 % of each other learn together."""
LEVELS = -(-bins.BINS // SPAN)
MOST = 5.0
"""The largest factor by which recent outcomes move a bid, either way."""


class Tracking(VectorisedPolicy):
    """Bid m v, m being how much more often than usual impressions of about that value have lately led to an outcome.

    m = (k + ``prior``) / (e + ``prior``): k outcomes (``per='conversion'`` or ``'click'``) of own impressions at that level, e those that
    all own impressions so far would lead one to expect, or, with ``worth``, those that make up the value where one is worth so
    much currency; both forgotten by half every ``memory_h``. Where products differ in value
    each has levels of its own, so that it re-prices them by what their campaigns bring, and knows of no event but by outcomes.

    An outcome counts if it is known within ``label_h`` of its impression. ``labels='ripe'`` waits until an impression is so old
    before it counts; ``'raw'`` counts an impression at once and its outcome when it comes, as if what has not come yet would not
    (Chapelle 2014 on why that misleads). Ages are known to a control step. It ignores the budget.
    """

    learns = True
    scales = True
    meant_for = ("second_price", "vcg")

    def __init__(
        self,
        memory_h: float = 24.0,
        label_h: float = 24.0,
        per: str = "conversion",
        labels: str = "raw",
        prior: float = 5.0,
        worth: float | None = None,
    ) -> None:
        self.memory_h, self.label_h = above_0("memory_h", memory_h), at_least_0("label_h", label_h)
        self.per = one_of("per", per, ("conversion", "click"))
        self.labels = one_of("labels", labels, ("ripe", "raw"))
        self.prior = above_0("prior", prior)
        self.worth = None if worth is None else above_0("worth", worth)
        self._hour = 0.0
        self._waiting = _Impressions()
        self._outcomes, self._value = np.zeros((2, LEVELS))
        self._all = np.zeros(2)
        self._times = np.ones(LEVELS)

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The value, corrected at its level."""
        value = requests[VALUE]
        return value * self._times[_level(value)]

    def observe(self, feedback: Feedback) -> None:
        """Keep what was won since the last step, and what became known."""
        won = feedback.won
        value = feedback.requests[VALUE][won]
        if self.labels == "raw":
            self._count(np.zeros(len(value)), value, _level(value))
        self._waiting.add(feedback.position[won], value, self._hour)
        known = feedback.conversions if self.per == "conversion" else feedback.clicks
        found = self._waiting.credit(known.position)
        if self.labels == "raw" and len(found):
            level = _level(self._waiting.columns[1, found])
            self._count(np.ones(len(found)), np.zeros(len(found)), level)

    def control(self, state: AccountState) -> None:
        """Forget a little, count what has become ripe, and price anew."""
        reported = state.hour - state.report_age_h
        kept = 0.5 ** ((reported - self._hour) / self.memory_h)
        self._outcomes, self._value = self._outcomes * kept, self._value * kept
        self._hour = reported
        outcomes, value = self._waiting.ripe(state.hour - self.label_h)
        if self.labels == "ripe":
            self._count(outcomes, value, _level(value))
        rate = self._all[0] / max(self._all[1], 1e-300) if self.worth is None else 1.0 / self.worth
        if rate > 0:
            expected = self._value * rate
            times = (self._outcomes + self.prior) / (expected + self.prior)
            self._times = np.clip(times, 1.0 / MOST, MOST)

    def _count(
        self, outcomes: NDArray[np.float64], value: NDArray[np.float64], level: NDArray[np.int64]
    ) -> None:
        self._outcomes = self._outcomes + np.bincount(level, weights=outcomes, minlength=LEVELS)
        self._value = self._value + np.bincount(level, weights=value, minlength=LEVELS)
        self._all = self._all + np.array([outcomes.sum(), value.sum()])


class _Impressions:
    """Own impressions that are not ripe, in the order of their positions: columns position, value, hour and known outcomes."""

    def __init__(self) -> None:
        self.columns = np.empty((4, 0))

    def add(self, position: NDArray[np.int64], value: NDArray[np.float64], hour: float) -> None:
        new = np.stack([position, value, np.full(len(value), hour), np.zeros(len(value))])
        self.columns = np.concatenate([self.columns, new], axis=1)

    def credit(self, position: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count outcomes of these impressions; return the places of those that still wait for outcomes."""
        held, _, _, outcomes = self.columns
        place = np.searchsorted(held, position)
        there = place < len(held)
        there[there] = held[place[there]] == position[there]
        np.add.at(outcomes, place[there], 1.0)
        return np.asarray(place[there])

    def ripe(self, hour: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the outcomes and values of those of this hour and before, and forget these."""
        last = int(np.searchsorted(self.columns[2], hour, side="right"))
        done, self.columns = self.columns[:, :last], self.columns[:, last:]
        return done[3], done[1]


def _level(value: NDArray[np.float64]) -> NDArray[np.int64]:
    return bins.bin_of(value) // SPAN
