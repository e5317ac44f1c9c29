"""Lessons from a bidder's own impressions, corrected for three biases.

Outcomes come late: an impression is held back until it is ``wait_h`` old, and what is known of it by then is divided by the
share that should be. Only what was won is seen, and that was bid on highly: an impression counts with the inverse of its
bid's win rate (Horvitz & Thompson 1952), so that impressions weigh like requests. What was never won is never learned: so
learners begin with the log that all share, bought at random (``jointbid.sim.training``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Feedback
from jointbid.sim.delays import cdf
from jointbid.sim.scenario import NO_DELAY, Delay
from jointbid.sim.visible import KnownOutcomes

from .. import bins
from .features import Columns, Features

OCTAVES = bins.PER_OCTAVE // 4
"""Bins of bids to one bin of win rates: a quarter of an octave."""
MOST_WEIGHT = 20.0
"""The largest weight, the inverse of a win rate: beyond it noise dominates."""


@dataclass(frozen=True)
class OutcomeKind:
    """One kind of outcome: what it counts, by which law it becomes known, and until when it counts.

    An owner knows both from its records. Where sales differ, one with the margin ``most`` counts ``counts``, others in proportion.
    """

    counts: float
    delay: Delay = NO_DELAY
    window_h: float = np.inf
    most: float | None = None

    def amount(self, known: KnownOutcomes) -> NDArray[np.float64]:
        """Return the amount of each outcome, in units of ``counts``; shape (n,)."""
        return known.weight if self.most is None else known.weight * known.margin / self.most

    def share(self, age_h: float) -> float:
        """Return the share of all outcomes that is known at this age."""
        if self.delay.is_none:
            return 1.0
        whole = cdf(self.delay, self.window_h) if np.isfinite(self.window_h) else 1.0
        return min(cdf(self.delay, age_h) / whole, 1.0) if whole > 0 else 0.0


@dataclass(frozen=True)
class Lesson:
    """Impressions to learn from: ``features`` (active, n), ``label`` (n,) on the model's scale, ``weight`` (n,)."""

    features: Columns
    label: NDArray[np.float64]
    weight: NDArray[np.float64]


@dataclass
class _Held:
    """Impressions of one control interval, and what is known of each. ``hour`` is the interval's middle, once that is known."""

    position: NDArray[np.int64]
    features: Columns
    bid: NDArray[np.float64]
    hour: float = np.nan
    clicks: NDArray[np.float64] = field(init=False)
    conversions: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.clicks, self.conversions = np.zeros((2, len(self.position)))

    def credit(self, known: KnownOutcomes, amount: NDArray[np.float64], to: NDArray[np.float64]) -> None:
        """Add ``amount`` of each outcome to the impression that it belongs to, where that is held here."""
        if not len(known.position):
            return
        place = np.minimum(np.searchsorted(self.position, known.position), len(self.position) - 1)
        here = self.position[place] == known.position
        np.add.at(to, place[here], amount[here])


class OwnImpressions:
    """Turn feedback into lessons. ``click`` and ``conversion`` are learned from where they are given.

    ``weighted=False`` takes impressions as they come. An age is known to half a control interval.
    """

    def __init__(
        self,
        features: Features,
        click: OutcomeKind | None = None,
        conversion: OutcomeKind | None = None,
        wait_h: float = 0.0,
        *,
        weighted: bool = True,
    ) -> None:
        self.features, self.click, self.conversion = features, click, conversion
        self.wait_h, self.weighted = wait_h, weighted
        self._held: list[_Held] = []
        self._now = 0.0
        self._tries, self._wins = np.zeros((2, bins.BINS // OCTAVES + 1))

    def add(self, feedback: Feedback) -> None:
        """Keep the impressions won since the last control step, and add what became known of all that are held."""
        requests, won = feedback.requests, feedback.won
        self._tries = self._tries + self._binned(feedback.bid[feedback.bid > 0])
        self._wins = self._wins + self._binned(feedback.bid[won])
        if won.any():
            codes = [requests[name][won] for name in self.features.sources]
            features = self.features.of(codes, int(won.sum()))
            self._held = [*self._held, _Held(feedback.position[won], features, feedback.bid[won])]
        clicks, sales = feedback.clicks, feedback.conversions
        sold = sales.weight if self.conversion is None else self.conversion.amount(sales)
        for held in self._held:
            held.credit(clicks, clicks.weight, held.clicks)
            held.credit(sales, sold, held.conversions)

    def mature(self, hour: float, report_age_h: float = 0.0) -> Lesson | None:
        """Return the impressions that are ``wait_h`` old at ``hour``, from the middle of their control interval; None if no such one is.

        Feedback is ``report_age_h`` old when it arrives.
        """
        reported = hour - report_age_h
        for held in self._held:
            if np.isnan(held.hour):
                held.hour = (self._now + reported) / 2
        self._now = reported
        old = [held for held in self._held if hour - held.hour >= self.wait_h]
        self._held = [held for held in self._held if hour - held.hour < self.wait_h]
        if not old:
            return None
        label = np.concatenate([self._label(held, hour - held.hour) for held in old])
        bid = np.concatenate([held.bid for held in old])
        return Lesson(np.concatenate([held.features for held in old], axis=1), label, self._weight(bid))

    def _label(self, held: _Held, age_h: float) -> NDArray[np.float64]:
        """Return the known outcomes of each impression, over the share that is known at that age."""
        label = np.zeros(len(held.position))
        for outcome, known in ((self.click, held.clicks), (self.conversion, held.conversions)):
            share = outcome.share(age_h) if outcome is not None else 0.0
            if outcome is not None and share > 0:
                label += known * (outcome.counts / share)
        return label

    def _weight(self, bid: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the inverse of the win rate at each bid, with mean 1."""
        if not self.weighted:
            return np.ones(len(bid))
        rate = np.divide(self._wins + 0.5, self._tries + 1.0)[bins.bin_of(bid) // OCTAVES]
        inverse = np.minimum(1.0 / rate, MOST_WEIGHT)
        return np.asarray(inverse / inverse.mean())

    def _binned(self, bid: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.bincount(bins.bin_of(bid) // OCTAVES, minlength=len(self._tries)).astype(np.int64)
