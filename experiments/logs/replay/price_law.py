"""Laws of market prices on finitely many atoms: what a bid wins and pays, and laws estimated from prices that are partly hidden.

A price above the logger's own bid is not seen. The Kaplan-Meier estimate (Kaplan & Meier 1958) uses that it lies there.
How each row moves a figure that is made of the law is its influence (Reid 1981): resampled with the rows it puts the
law's own error into intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PriceLaw:
    """Atoms, rising, and the probability of each, shape (atoms,); what is missing to 1 lies above."""

    atoms: Floats
    shares: Floats

    @classmethod
    def from_equally_likely(cls, atoms: Floats) -> Self:
        """Return the law of rising prices of one probability."""
        return cls(atoms, np.full(len(atoms), 1.0 / len(atoms)))

    @cached_property
    def _upto(self) -> tuple[Floats, Floats]:
        """Probability and mean price up to each atom, from below the first; shape (atoms + 1,) each."""
        return (
            np.concatenate([[0.0], np.cumsum(self.shares)]),
            np.concatenate([[0.0], np.cumsum(self.shares * self.atoms)]),
        )

    def below(self, bids: Floats) -> NDArray[np.int64]:
        """Return the number of atoms that each bid reaches; shape of the bids."""
        return np.searchsorted(self.atoms, bids, side="right")

    def win_rate(self, bids: Floats) -> Floats:
        """Return the probability that the price is at or below each bid; shape of the bids."""
        return np.asarray(self._upto[0][self.below(bids)])

    def payment(self, bids: Floats) -> Floats:
        """Return what each bid pays on average, 0 where it loses; shape of the bids."""
        return np.asarray(self._upto[1][self.below(bids)])

    @property
    def mean(self) -> float:
        """The mean price."""
        return float(self._upto[1][-1])

    def won_by(self, amounts: Floats, bids: Floats) -> Floats:
        """Return for each atom the sum of the amounts of the bids that reach it; shape (atoms,)."""
        at = np.bincount(self.below(bids), amounts, minlength=len(self.atoms) + 1)
        return np.asarray(at[::-1].cumsum()[::-1][1:])


@dataclass(frozen=True)
class SampledLaw:
    """A law, and the rows that it was estimated from.

    Attributes:
        law: the estimate.
        place: the atom at which each row's price is, or from which on it is hidden; shape (rows,).
        known: whether the price is.
        weight: of each row, 0 where it has no part in the law.
        at_risk: weight of the rows at or above each atom, shape (atoms,); None where prices are a weighted sample, and none is hidden.
    """

    law: PriceLaw
    place: NDArray[np.int64]
    known: NDArray[np.bool_]
    weight: Floats
    at_risk: Floats | None

    @classmethod
    def kaplan_meier(cls, at: Floats, known: NDArray[np.bool_], weight: Floats) -> Self:
        """Return the law of prices `at`, of which those that are not `known` lie above; shape (rows,) each."""
        # At equal prices known ones come first: a hidden price lies above its bid.
        atoms, place = np.unique(at, return_inverse=True)
        events = np.bincount(place, weight * known, minlength=len(atoms))
        leaving = np.bincount(place, weight, minlength=len(atoms))
        at_risk = leaving[::-1].cumsum()[::-1]
        surviving = np.cumprod(1.0 - events / at_risk)
        shares = np.concatenate([[1.0], surviving[:-1]]) - surviving
        return cls(PriceLaw(atoms, shares), place, known, weight, at_risk)

    @classmethod
    def weighted(cls, price: Floats, weight: Floats) -> Self:
        """Return the law of weighted prices; nan where one is not known, which has no part in it."""
        known = ~np.isnan(price)
        atoms, place = np.unique(np.where(known, price, 0.0), return_inverse=True)
        held = np.where(known, weight, 0.0)
        shares = np.bincount(place, held)
        return cls(PriceLaw(atoms, shares / max(shares.sum(), 1e-300)), place, known, held, None)

    def influence(self, gain: Floats) -> Floats:
        """Return how much each row moves the sum over atoms of gain x probability; shape (rows,), its sum is 0.

        Args:
            gain: of each atom, shape (atoms,).
        """
        shares = self.law.shares
        if self.at_risk is None:
            inner = gain - gain @ shares
            return np.asarray(self.weight * inner[self.place] / max(self.weight.sum(), 1e-300))
        surviving = np.maximum(1.0 - np.cumsum(shares), 0.0)
        before = np.concatenate([[1.0], surviving[:-1]])
        later = np.concatenate([(gain * shares)[::-1].cumsum()[::-1][1:], [0.0]])
        beyond = np.divide(later, surviving, out=np.zeros(len(gain)), where=surviving > 1e-12)
        slope = before * (gain - beyond) / self.at_risk
        hazard = np.divide(shares, before, out=np.zeros(len(gain)), where=before > 1e-12)
        passed = np.cumsum(hazard * slope)
        return np.asarray(self.weight * (self.known * slope[self.place] - passed[self.place]))
