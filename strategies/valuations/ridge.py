"""Ridge-penalised regression on main effects, with penalties chosen by cross-validation and crosses only where they help.

The log comes as sums over visible cells, which is all that a likelihood of codes needs: a fit costs by the number of cells, not of
impressions. Sums over the axes of the tables stand for the design matrix of a general regression, and all folds are fitted at once,
so that a fit takes a small part of the time of one by scikit-learn on the same cells.

Each code has an effect, on the log-odds of a click or relative to the mean amount, that is drawn to 0 by its source's penalty,
the inverse variance of effects: a rare code stays near the mean, a frequent one goes where its impressions say (random effects). The
crosses of two sources are drawn to what the main effects say, with a penalty of their own.

A penalty begins at ``TYPICAL``, that of a cross at ``NONE`` (no cross at all). A heavier one is taken where it is better out of fold, a lighter
one only where that is shown: a useless column gets effects of 0, and a small log does not choose effects that it cannot support.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from .cell_tables import Cells

Loss = Callable[[float], NDArray[np.float64]]
"""Penalty -> out-of-fold loss of each fold."""

NONE = 1e9
PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, NONE)
TYPICAL = 10.0
"""Effects with a standard deviation of .32: most codes have odds within a factor of two of the mean."""
FOLDS = 5
SHOWN = 2.78
"""Standard errors by which a lighter penalty must be better: 95 % of Student's t over five folds."""
SWEEPS = 2
MOST_STEPS = 50
LONGEST_STEP = 2.0


@dataclass(frozen=True)
class Family:
    """An exponential family by its cumulant and the two derivatives, the mean and the variance at a score."""

    cumulant: Callable[[Cells], Cells]
    mean: Callable[[Cells], Cells]
    variance: Callable[[Cells], Cells]


CLICKS = Family(lambda eta: np.logaddexp(0.0, eta), expit, lambda eta: expit(eta) * expit(-eta))
AMOUNTS = Family(lambda eta: eta**2 / 2, lambda eta: eta, np.ones_like)


@dataclass(frozen=True)
class Sums:
    """Impressions and outcomes of some samples, shape (samples, codes of each source)."""

    family: Family
    count: Cells
    total: Cells

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many codes each source has."""
        return self.count.shape[1:]

    def loss(self, eta: Cells) -> NDArray[np.float64]:
        """The negative log likelihood of each sample at these scores."""
        lost = self.count * self.family.cumulant(eta) - self.total * eta
        return np.asarray(lost.reshape(len(lost), -1).sum(axis=1))

    def pooled(self) -> Sums:
        """All samples as one."""
        return Sums(self.family, *(t.sum(axis=0, keepdims=True) for t in (self.count, self.total)))

    def others(self) -> Sums:
        """For each sample all the others: what a fold is fitted to."""
        return Sums(self.family, *(t.sum(axis=0, keepdims=True) - t for t in (self.count, self.total)))


def ridge(count: Cells, total: Cells, square: Cells, is_click: bool) -> Cells:
    """The mean outcome expected in each cell, from the sums over the log's parts; shape of a part.

    Args:
        count: impressions, shape (parts, codes of each source).
        total: the sum of outcomes.
        square: the sum of squared outcomes.
        is_click: whether the outcome is 0 or 1.
    """
    overall = float(total.sum() / count.sum())
    if count.ndim == 1 or (is_click and overall in {0.0, 1.0}):
        return np.full(count.shape[1:], overall)
    folds, unit = folds_of(count, total, square, is_click)
    found = np.broadcast_to(fit_folds(folds).scores, (1, *folds.sizes))[0]
    return np.asarray(expit(found) if is_click else unit * found)


def folds_of(count: Cells, total: Cells, square: Cells, is_click: bool) -> tuple[Sums, float]:
    """Return the log's parts as folds, and the unit in which they count amounts."""
    parts = range(min(FOLDS, len(count)))
    folds = [part for part in parts if count[part :: len(parts)].any()]
    unit, noise = scale_of(*(t.sum(axis=0) for t in (count, total, square)))
    count, total = (np.stack([t[part :: len(parts)].sum(axis=0) for part in folds]) for t in (count, total))
    if is_click:
        return Sums(CLICKS, count, total), 1.0
    return Sums(AMOUNTS, count / noise**2, total / (unit * noise**2)), unit


def scale_of(count: Cells, total: Cells, square: Cells) -> tuple[float, float]:
    """The mean outcome, so that effects are relative to it as log-odds are; and the spread within cells, in that unit."""
    n, seen = count.sum(), count > 0
    spread = float(np.sqrt(square.sum() / n))
    unit = max(abs(float(total.sum())) / n, 1e-3 * spread) or 1.0
    between = np.divide(total**2, count, out=np.zeros(count.shape), where=seen).sum()
    within = max(float(square.sum() - between), 0.0) / max(n - seen.sum(), 1.0)
    return unit, max(float(np.sqrt(within)), 1e-3 * spread) / unit or 1.0


class Fit(NamedTuple):
    """Scores of all cells, with the penalty of each source, and the pairs of sources whose crosses helped, with theirs."""

    scores: Cells
    penalties: tuple[float, ...]
    crosses: tuple[tuple[tuple[int, int], float], ...]


def fit_folds(folds: Sums) -> Fit:
    """Fit all folds with the penalties that do best on the fold left out; scores have an axis of length 1 before those of the cells."""
    rest, whole = folds.others(), folds.pooled()
    if len(folds.count) < 2:
        typical = (TYPICAL,) * len(whole.sizes)
        return Fit(_added_up(_main(whole, typical), whole.sizes), typical, ())
    penalties, held = _main_penalties(folds, rest)
    scores, crosses = _added_up(_main(whole, penalties), whole.sizes), []
    for pair in combinations(range(len(folds.sizes)), 2):
        penalty = _climb(_cross_loss(folds, rest, pair, held), NONE)
        if penalty < NONE:
            held = held + _cross(rest, pair, penalty, held)
            scores = scores + _cross(whole, pair, penalty, scores)
            crosses.append((pair, penalty))
    return Fit(scores, penalties, tuple(crosses))


def _main_penalties(folds: Sums, rest: Sums) -> tuple[tuple[float, ...], Cells]:
    """The penalty of each source, and the scores of each fold fitted to the others with them."""
    penalties = [TYPICAL] * len(folds.sizes)
    fitted: dict[tuple[float, ...], Cells] = {}

    def fit(wanted: tuple[float, ...]) -> Cells:
        if wanted not in fitted:
            fitted[wanted] = _main(rest, wanted, fitted.get(tuple(penalties)))
        return _added_up(fitted[wanted], folds.sizes)

    for _ in range(SWEEPS):
        before = tuple(penalties)
        for axis in range(len(penalties)):
            left, right = penalties[:axis], penalties[axis + 1 :]
            penalties[axis] = _climb(
                lambda p, left=left, right=right: folds.loss(fit((*left, p, *right))),  # type: ignore[misc]
                penalties[axis],
            )
        if tuple(penalties) == before:
            break
    return tuple(penalties), fit(tuple(penalties))


def _cross_loss(folds: Sums, rest: Sums, pair: tuple[int, int], held: Cells) -> Loss:
    return lambda p: folds.loss(held if p == NONE else held + _cross(rest, pair, p, held))


def _climb(loss: Loss, start: float) -> float:
    """The penalty reached from ``start``: heavier while that is better, else lighter while that is shown to be better."""
    best, place = loss(start), PENALTIES.index(start)
    for heavier in PENALTIES[place + 1 :]:
        if (new := loss(heavier)).sum() >= best.sum():
            break
        best, start = new, heavier
    if start != PENALTIES[place]:
        return start
    for lighter in reversed(PENALTIES[:place]):
        gain = best - (new := loss(lighter))
        if gain.sum() <= SHOWN * _error(gain):
            break
        best, start = new, lighter
    return start


def _error(gain: NDArray[np.float64]) -> float:
    """The standard error of the sum of gains over folds."""
    return float(np.sqrt(len(gain)) * gain.std(ddof=1))


def _main(data: Sums, penalties: tuple[float, ...], start: Cells | None = None) -> Cells:
    """A constant and the effects of each source's codes, by Newton's method; shape (samples, 1 + all codes)."""
    penalty = np.concatenate([[1e-9], *(np.full(s, p) for s, p in zip(data.sizes, penalties, strict=True))])
    found = np.zeros((len(data.count), len(penalty))) if start is None else start
    if start is None:
        mean = _by_code(data.total)[:, 0] / _by_code(data.count)[:, 0]
        found[:, 0] = mean if data.family is AMOUNTS else np.log(np.maximum(mean, 1e-12) / (1 - mean + 1e-12))
    outcomes, diagonal = _by_code(data.total), np.arange(len(penalty))
    for _ in range(MOST_STEPS):
        eta = _added_up(found, data.sizes)
        slope = outcomes - _by_code(data.count * data.family.mean(eta)) - penalty * found
        curve = by_pair(data.count * data.family.variance(eta))
        curve[:, diagonal, diagonal] += penalty
        step = np.linalg.solve(curve, slope[..., None])[..., 0]
        if data.family is CLICKS:
            step *= np.minimum(1.0, LONGEST_STEP / np.maximum(np.abs(step).max(axis=1, keepdims=True), 1e-12))
        found = found + step
        if np.abs(step).max() < 1e-6:
            break
    return found


def _cross(data: Sums, pair: tuple[int, int], penalty: float, eta: Cells) -> Cells:
    """Effects of the pairs of codes of two sources beside the scores ``eta``; each by itself, as no cell has two of them."""
    others = tuple(a + 1 for a in range(len(data.sizes)) if a not in pair)
    effect = np.zeros_like(data.count.sum(axis=others, keepdims=True))
    for _ in range(MOST_STEPS):
        score = eta + effect
        slope = (data.total - data.count * data.family.mean(score)).sum(axis=others, keepdims=True)
        curve = (data.count * data.family.variance(score)).sum(axis=others, keepdims=True)
        step = (slope - penalty * effect) / (curve + penalty)
        effect = effect + np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        if np.abs(step).max() < 1e-6:
            break
    return np.asarray(effect)


def _added_up(effects: Cells, sizes: tuple[int, ...]) -> Cells:
    """The constant and the effects added up in each cell."""
    score = effects[:, 0].reshape(-1, *(1 for _ in sizes))
    for axis, part in parts_of(sizes):
        shape = [size if a == axis else 1 for a, size in enumerate(sizes)]
        score = score + effects[:, part].reshape(-1, *shape)
    return np.asarray(score)


def _by_code(table: Cells) -> Cells:
    """Sums over all cells, and over those of each code; shape (samples, 1 + all codes)."""
    axes = range(1, table.ndim)
    sums = [table.sum(axis=tuple(axes))[:, None]]
    sums += [table.sum(axis=tuple(a for a in axes if a != axis)) for axis in axes]
    return np.concatenate(sums, axis=1)


def by_pair(table: Cells) -> Cells:
    """The same for each two codes: X'WX of the design matrix X that has a column a code."""
    single, sizes = _by_code(table), table.shape[1:]
    square = np.zeros((*single.shape, single.shape[1]))
    diagonal = np.arange(single.shape[1])
    square[:, diagonal, diagonal] = square[:, 0, :] = square[:, :, 0] = single
    for (a, rows), (b, columns) in combinations(parts_of(sizes), 2):
        both = table.sum(axis=tuple(i + 1 for i in range(len(sizes)) if i not in {a, b}))
        square[:, rows, columns], square[:, columns, rows] = both, both.transpose(0, 2, 1)
    return square


def parts_of(sizes: tuple[int, ...]) -> Iterator[tuple[int, slice]]:
    """Each source's axis, and the place of its codes among all effects."""
    start = 1
    for axis, size in enumerate(sizes):
        yield axis, slice(start, start := start + size)
