"""The value of joint data over all requests of a log, won or lost, by the models alone and doubly robust, and how well the log supports it.

A logger's wins are a chosen part of the traffic. The plug-in estimate takes the joint model's word for what each request is worth. The
doubly robust one (Robins, Rotnitzky & Zhao 1994; Dudik, Langford & Li 2011) adds the models' errors on the rows that were seen, each weighted by
1 / (probability that it was seen): it is right where either these probabilities or the models are. Probabilities are logged, or the chance that the
price lay below the logger's bid. Prices follow the Kaplan-Meier law of their stratum; strata are parts of the context model's predictions, as
prices may rise with the context.

The interval of the doubly robust estimate is estimate +- t x standard error. The error is that of the sum of what each
row adds, its part in the laws of prices included (`SampledLaw.influence`), summed by block: where a bootstrap of rows
or blocks tends to with many resamples. Student's t has as many degrees of freedom as say how well the error itself is
known: few where few clicks or blocks with high weights make it up (Satterthwaite 1946, by the fourth moment as in
O'Neill 2014). The plug-in estimate has no interval: its main error is that of the models, which these rows do not show.

Each fold is priced by bids that were learned on the others, so its part of the sum goes together with theirs: chance that raises the clicks of a
kind of request in one fold raises the bids for it in the others. Let d be how much the difference of the arms' win rates on a row of fold j
moves when fold k too is left out of what is learned. The covariance of the two folds' parts is that of the sums of d x (the row's residual), as
all else in it has mean 0 given one of the folds, and at most the product of their errors; it is added at that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jointbid.sim.scenario import MICROS

from ...estimate.sides import Weights
from .bids import Floats
from .interval import mean_interval
from .plan import PER
from .price_law import SampledLaw

PLUG_IN, ROBUST = "plug_in", "doubly_robust"
LEAST = 0.01
"""Lower probabilities of being seen count as this much, or single rows would decide."""
STRATA, LEAST_ROWS = 10, 200
"""The most strata, and the rows that each has on average at the least."""
FEW, SOME = 0.1, 0.5
"""Effective share of the seen rows below which overlap is poor, and fair."""


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
        views: each arm's bids on the rows that were seen, which come first, with each fold left out of what is learned; shape
            (folds, rows seen). A row's own fold is left out in all.
        folds: the fold of each row that was seen; shape (rows seen,).
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
    views: Mapping[str, Floats] = field(default_factory=dict)
    folds: NDArray[np.int64] | None = None


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


def estimate(rows: Rows, of: Weights, blocks: NDArray[np.int64] | None = None) -> Estimates:
    """Estimate the weighted sum of arms' profits per million requests, in currency; the interval is of independent rows, or blocks of rows."""
    laws = {stratum: _law_of(rows, rows.strata == stratum) for stratum in np.unique(rows.strata)}
    seen_with, wins, paid = _under(laws, rows, of)
    # Without a row for the lost requests, seen ones stand for them.
    stands_for = rows.weight if not rows.seen.all() else rows.weight / seen_with
    plug_in = stands_for * (rows.value * wins - paid)
    weighted = np.where(rows.seen, rows.weight / seen_with * (rows.gain - rows.value), 0.0)
    estimated = np.zeros(len(wins)) if rows.propensity is not None else weighted * wins / seen_with
    of_law = _Influence(laws, rows, of).of(
        stands_for * rows.value + weighted, stands_for, np.where(seen_with > LEAST, estimated, 0.0)
    )
    scale = PER / MICROS
    shared = _shared(laws, rows, of, scale * weighted, blocks)
    middle, low, high = mean_interval(
        scale * (plug_in + weighted * wins + of_law), stands_for, blocks, shared
    )
    alone = scale * plug_in.sum() / stands_for.sum()
    found = [
        {"estimator": PLUG_IN, "estimate": alone, "ci_low": np.nan, "ci_high": np.nan},
        {"estimator": ROBUST, "estimate": middle, "ci_low": low, "ci_high": high},
    ]
    units = len(wins) if blocks is None else len(np.unique(blocks))
    return Estimates(pd.DataFrame(found).assign(n_replications=units), overlap(rows, seen_with, np.abs(wins)))


def _under(laws: Mapping[int, SampledLaw], rows: Rows, of: Weights) -> tuple[Floats, Floats, Floats]:
    """Return the probability that each row is seen, and the weighted sums of the arms' win rates and payments."""
    n = len(rows.weight)
    seen_with, wins, paid = np.ones(n), _wins(laws, rows.strata, rows.bids, of), np.zeros(n)
    for stratum, sampled in laws.items():
        own, law = rows.strata == stratum, sampled.law
        if rows.propensity is None:
            seen_with[own] = law.win_rate(rows.logged[own])
        for arm, weight in of.items():
            paid[own] += weight * law.payment(rows.bids[arm][own])
    if rows.propensity is not None:
        seen_with = rows.propensity
    return np.clip(seen_with, LEAST, 1.0), wins, paid


def _wins(
    laws: Mapping[int, SampledLaw], strata: NDArray[np.int64], bids: Mapping[str, Floats], of: Weights
) -> Floats:
    """Return the weighted sum of the arms' win rates; shape of an arm's bids, of which the last axis is that of the rows."""
    wins = np.zeros(bids[next(iter(of))].shape)
    for stratum, sampled in laws.items():
        own = strata == stratum
        for arm, weight in of.items():
            wins[..., own] += weight * sampled.law.win_rate(bids[arm][..., own])
    return wins


def _shared(
    laws: Mapping[int, SampledLaw],
    rows: Rows,
    of: Weights,
    residual: Floats,
    blocks: NDArray[np.int64] | None,
) -> float:
    """Return the most that the parts of folds add to the variance of the sum by going together; 0 where nothing was learned in folds."""
    if rows.folds is None:
        return 0.0
    wins = _wins(laws, rows.strata[: len(rows.folds)], rows.views, of)
    error = np.zeros((len(wins), len(wins)))
    for fold, other in permutations(range(len(wins)), 2):
        own = np.flatnonzero(rows.folds == fold)
        moved = residual[own] * (wins[other, own] - wins[fold, own])
        if blocks is not None:
            moved = np.bincount(blocks[own], moved)
        error[fold, other] = np.sqrt((moved**2).sum())
    return float((error * error.T).sum())


@dataclass(frozen=True)
class _Influence:
    """What each row adds to a sum over rows by its part in the laws of prices, which are estimated from the same rows."""

    laws: Mapping[int, SampledLaw]
    rows: Rows
    arms: Weights

    def of(self, per_win: Floats, per_payment: Floats, per_sight: Floats | None = None) -> Floats:
        """Return it, shape (rows,), for the sum of per_win x win rate - per_payment x payment - per_sight x the chance of being seen."""
        found = np.zeros(len(per_win))
        for stratum, sampled in self.laws.items():
            own, law = self.rows.strata == stratum, sampled.law
            gain = np.zeros(len(law.atoms))
            for arm, weight in self.arms.items():
                bids = self.rows.bids[arm][own]
                won, paying = law.won_by(per_win[own], bids), law.won_by(per_payment[own], bids)
                gain += weight * (won - law.atoms * paying)
            if per_sight is not None and not np.isnan(self.rows.logged[own]).any():
                gain -= law.won_by(per_sight[own], self.rows.logged[own])
            found[own] = sampled.influence(gain)
        return found


def _law_of(rows: Rows, own: NDArray[np.bool_]) -> SampledLaw:
    """Return the Kaplan-Meier law of prices of some rows; with logged probabilities and no bids the weighted law of known prices."""
    price, weight = rows.price[own], rows.weight[own]
    if rows.propensity is not None and np.isnan(rows.logged[own]).any():
        chance = np.where(rows.seen[own], np.clip(rows.propensity[own], LEAST, 1), 1.0)
        return SampledLaw.weighted(price, weight / chance)
    known = ~np.isnan(price)
    return SampledLaw.kaplan_meier(np.where(known, price, rows.logged[own]), known, weight)


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
