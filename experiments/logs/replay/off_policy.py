"""The value of joint data over all requests of a log, won or lost, by the models alone and doubly robust, and how well the log supports it.

A logger's wins are a chosen part of the traffic. The plug-in estimate takes the joint model's word for what each request is worth. The
doubly robust one (Robins, Rotnitzky & Zhao 1994; Dudik, Langford & Li 2011) adds the models' errors on the rows that were seen, each weighted by
1 / (probability that it was seen): it is right where either these probabilities or the models are. Probabilities are logged, or the chance that the
price lay below the logger's bid. Prices follow the Kaplan-Meier law of their stratum; strata are parts of the context model's predictions, as
prices may rise with the context.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jointbid.sim.scenario import MICROS

from ...estimate.sides import Weights
from .bids import Floats
from .bootstrap import resample, with_interval

PLUG_IN, ROBUST = "plug_in", "doubly_robust"
LEAST = 0.01
"""Lower probabilities of being seen count as this much, or single rows would decide."""
STRATA, LEAST_ROWS = 10, 200
"""The most strata, and the rows that each has on average at the least."""
FEW, SOME = 0.1, 0.5
"""Effective share of the seen rows below which overlap is poor, and fair."""
PER = 1e6


@dataclass(frozen=True)
class Law:
    """A law of prices: atoms, rising, and the probability of each; what is missing to 1 lies above."""

    atoms: Floats
    shares: Floats

    def win_rate(self, bids: Floats) -> Floats:
        """Return the probability that the price is at or below each bid."""
        upto = np.concatenate([[0.0], np.cumsum(self.shares)])
        return np.asarray(upto[np.searchsorted(self.atoms, bids, side="right")])

    def payment(self, bids: Floats) -> Floats:
        """Return the mean payment of each bid, 0 where it loses."""
        upto = np.concatenate([[0.0], np.cumsum(self.shares * self.atoms)])
        return np.asarray(upto[np.searchsorted(self.atoms, bids, side="right")])


@dataclass(frozen=True)
class Rows:
    """Requests of a log, won and lost; arrays of shape (rows,), money in micros.

    Attributes:
        seen: whether the outcome was.
        weight: requests that the row stands for.
        gain: what the click brought, where it was seen.
        value: the joint model's prediction of that.
        bids: of each arm.
        logged: the logger's bid; nan where it is not known.
        price: what is known of it: nan where it lies above the logger's bid.
        propensity: the logged probability of being seen; None where it is not logged.
        strata: the number of the stratum.
    """

    seen: NDArray[np.bool_]
    weight: Floats
    gain: Floats
    value: Floats
    bids: Mapping[str, Floats]
    logged: Floats
    price: Floats
    propensity: Floats | None
    strata: NDArray[np.int64]


@dataclass(frozen=True)
class Estimates:
    """The estimates, columns `estimator`, `estimate`, `ci_low`, `ci_high`, `n_replications`, and the overlap in words."""

    table: pd.DataFrame
    overlap: str


def strata_of(score: Floats) -> NDArray[np.int64]:
    """Return equally large strata of a score, by its quantiles; rows of one score share a stratum. Shape (rows,)."""
    number = int(np.clip(len(score) // LEAST_ROWS, 1, STRATA))
    edges = np.unique(np.quantile(score, np.linspace(0, 1, number + 1)[1:-1]))
    return np.searchsorted(edges, score, side="left").astype(np.int64)


def estimate(
    rows: Rows, of: Weights, resamples: int, seed: int, blocks: NDArray[np.int64] | None = None
) -> Estimates:
    """Estimate the weighted sum of arms' profits per million requests, in currency, with intervals by resampling rows or blocks."""
    seen_with, wins, paid = _laws(rows, of)
    # Without a row for the lost requests, seen ones stand for them.
    stands_for = rows.weight if not rows.seen.all() else rows.weight / seen_with
    plug_in = stands_for * (rows.value * wins - paid)
    error = np.where(rows.seen, rows.weight / seen_with * (rows.gain - rows.value) * wins, 0.0)
    columns: dict[Any, Floats] = {"requests": stands_for, PLUG_IN: plug_in, ROBUST: plug_in + error}
    totals = resample([columns], resamples, seed, blocks)
    found = []
    for name in (PLUG_IN, ROBUST):
        middle, low, high = with_interval(totals[name] / MICROS / totals["requests"] * PER)
        found.append({"estimator": name, "estimate": middle, "ci_low": low, "ci_high": high})
    table = pd.DataFrame(found).assign(n_replications=resamples)
    return Estimates(table, overlap(rows, seen_with, np.abs(wins)))


def _laws(rows: Rows, of: Weights) -> tuple[Floats, Floats, Floats]:
    """Return the probability that each row is seen, and the weighted sums of the arms' win rates and payments."""
    n = len(rows.weight)
    seen_with, wins, paid = np.ones(n), np.zeros(n), np.zeros(n)
    for stratum in np.unique(rows.strata):
        own = rows.strata == stratum
        law = _law_of(rows, own)
        if rows.propensity is None:
            seen_with[own] = law.win_rate(rows.logged[own])
        for arm, weight in of.items():
            wins[own] += weight * law.win_rate(rows.bids[arm][own])
            paid[own] += weight * law.payment(rows.bids[arm][own])
    if rows.propensity is not None:
        seen_with = rows.propensity
    return np.clip(seen_with, LEAST, 1.0), wins, paid


def _law_of(rows: Rows, own: NDArray[np.bool_]) -> Law:
    """Return the Kaplan-Meier law of prices of some rows; with logged probabilities and no bids the weighted law of known prices."""
    known = own & ~np.isnan(rows.price)
    if rows.propensity is not None and np.isnan(rows.logged[own]).any():
        weight = rows.weight[known] / np.where(
            rows.seen[known], np.clip(rows.propensity[known], LEAST, 1), 1.0
        )
        atoms, place = np.unique(rows.price[known], return_inverse=True)
        shares = np.bincount(place, weight)
        return Law(atoms, shares / max(shares.sum(), 1e-300))
    at = np.where(known, rows.price, rows.logged)[own]
    atoms, place = np.unique(at, return_inverse=True)
    weight, event = rows.weight[own], known[own]
    events = np.bincount(place, weight * event, minlength=len(atoms))
    leaving = np.bincount(place, weight, minlength=len(atoms))
    surviving = np.cumprod(1.0 - events / leaving[::-1].cumsum()[::-1])
    return Law(atoms, np.concatenate([[1.0], surviving[:-1]]) - surviving)


def overlap(rows: Rows, seen_with: Floats, wins: Floats) -> str:
    """Return in words how well the rows that were seen stand for those on which the arms differ.

    The effective share is (sum w)^2 / (n sum w^2) of the weights w = 1 / (probability of being seen) on seen rows where the arms differ.
    """
    there = rows.seen & (wins > 0)
    if not there.any():
        return "overlap: none: no row that was seen lies where the arms differ; nothing can be said from this log"
    weights = rows.weight[there] / seen_with[there]
    share = float(weights.sum() ** 2 / (len(weights) * (weights**2).sum()))
    rare = float((seen_with[there] <= LEAST).mean())
    beyond = _beyond(rows, seen_with, wins)
    word = "poor" if share < FEW or beyond > SOME else "fair" if share < SOME or beyond > FEW else "good"
    said = (
        f"overlap: {word}: the {int(there.sum()):,} seen rows on which the arms differ count as {share:.0%} of that number once each is "
        f"weighted by 1 / (its chance of being seen, {seen_with[there].min():.2g} at the least)"
    )
    if rare > 0:
        said += f"; {rare:.1%} of them had a chance of {LEAST:g} or less, counted as {LEAST:g}"
    if beyond > 0.01:
        said += f"; {beyond:.0%} of where the arms differ lies on requests that the logger hardly ever won, and rests on the models alone"
    return said


def _beyond(rows: Rows, seen_with: Floats, wins: Floats) -> float:
    """Return the share of where the arms differ that lies on requests with hardly a chance of being seen."""
    difference = rows.weight * wins
    return float(difference[seen_with <= 5 * LEAST].sum() / max(difference.sum(), 1e-300))
