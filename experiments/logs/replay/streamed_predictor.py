"""P(click) of rows that come by later: what was learned on the rows in hand, as weights of hashed values.

The same models as in `forward`, fitted to the same rows; there the rows to be priced lie in memory too.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.metrics import log_loss

from ..read_log import LogTable
from .crossfit import DECIMALS, LEARNERS, logistic
from .features import encode, held_values
from .folds import time_folds
from .holdout_models import check_clicks, columns_of, combination, summed
from .plan import Plan, odds_shift

Floats = NDArray[np.float64]
REMEMBERED = 200_000
"""So many cells' sums are kept at hand; then the memory of them begins anew."""


@dataclass(frozen=True)
class Scorer:
    """A logistic regression on hashed values, as weights: by feature the weight of each hash, and of the rare ones.

    Attributes:
        intercept: of the log-odds.
        weights: by feature and hash.
        rare: by feature, for values that the training rows hardly have.
        lists: features with several values in a cell.
        hash_bits: of the hashes.
        hidden: by feature the values that are left out.
    """

    intercept: float
    weights: Mapping[str, Mapping[int, float]]
    rare: Mapping[str, float]
    lists: frozenset[str]
    hash_bits: int
    hidden: Mapping[str, Collection[str]]
    _known: dict[tuple[str, str], float] = field(default_factory=dict)

    def score(self, table: pa.Table) -> Floats:
        """Log-odds of a click in the training rows' sample; shape (rows,)."""
        total = np.full(len(table), self.intercept)
        for name in self.weights:
            column = table[name].combine_chunks()
            cells = [self._cell(name, cell) for cell in column.dictionary.to_pylist()]
            if cells:
                total += np.array(cells)[np.asarray(column.indices)]
        return np.round(total, DECIMALS)

    def _cell(self, name: str, cell: str) -> float:
        found = self._known.get((name, cell))
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            values = held_values(cell, frozenset(self.hidden.get(name, ())), several=name in self.lists)
            marks = {zlib.crc32(value.encode()) & ((1 << self.hash_bits) - 1) for value in values}
            own = self.weights[name]
            found = sum(own[mark] for mark in sorted(marks) if mark in own)
            found += 0.0 if marks <= own.keys() else self.rare[name]
            self._known[name, cell] = found
        return found


@dataclass(frozen=True)
class Predictor:
    """Scores combined, or recalibrated, and brought to the level of the full log.

    Attributes:
        scorers: of each model; None has no columns, and scores 0.
        combined: for each output the numbers of its scorers, and its weights with the intercept first.
        shift: of the log-odds, from the sample to the full log.
    """

    scorers: Sequence[Scorer | None]
    combined: Sequence[tuple[Sequence[int], Floats]]
    shift: float

    def ctr(self, table: pa.Table) -> Floats:
        """P(click) of each row of the full log; shape (rows,)."""
        scores = [np.zeros(len(table)) if one is None else one.score(table) for one in self.scorers]
        parts = []
        for numbers, weights in self.combined:
            odds = weights[0] + np.column_stack([scores[i] for i in numbers]) @ weights[1:]
            parts.append(expit(np.round(odds, DECIMALS) + self.shift))
        return parts[0] if len(parts) == 1 else expit(summed(parts))


def fit_predictor(
    plan: Plan, log: LogTable, arm: str, hidden: Mapping[str, Collection[str]] | None = None
) -> Predictor:
    """Learn from training rows, in order of time, as the arm's data tells them, `hidden` values left out.

    Raises:
        BadInput: an arm that the log has no columns for, or too few clicks to learn from.
    """
    wanted = columns_of(log, arm)
    clicks = log.frame["click"].to_numpy()
    check_clicks(plan, log, clicks)
    models = [_learn(plan, log, clicks, columns, hidden or {}) for columns in wanted.values()]
    scores = [score for _, score in models]
    groups = [[i] for i in range(len(scores))] if arm == "summed" else [list(range(len(scores)))]
    combined = []
    for group in groups:
        model = combination(np.column_stack([scores[i] for i in group]), clicks)
        combined.append((group, np.concatenate([model.intercept_, model.coef_[0]])))
    return Predictor([scorer for scorer, _ in models], combined, odds_shift(log))


def _learn(
    plan: Plan,
    log: LogTable,
    clicks: NDArray[np.int64],
    columns: Sequence[str],
    hidden: Mapping[str, Collection[str]],
) -> tuple[Scorer | None, Floats]:
    """One model of all the rows, and each row's score by a model without its part."""
    settings, rows = plan.settings, len(log)
    if not columns:
        return None, np.zeros(rows)
    lists = log.roles.lists & set(columns)
    encoded = encode(log.frame, columns, lists, hidden, settings.hash_bits)
    folds, penalties = time_folds(rows, settings.folds), sorted(settings.penalties)
    found = np.full((len(penalties), rows), np.nan)
    for fold in range(settings.folds):
        out = folds == fold
        found[:, out] = LEARNERS["logistic"](encoded, columns, clicks, out, penalties, settings.min_count)
    best = int(np.argmin([log_loss(clicks, expit(row)) for row in found]))
    everywhere = np.ones(rows, dtype=np.bool_)
    matrix, kept = (
        encoded.pruned(columns, everywhere, settings.min_count),
        encoded.kept(columns, everywhere, settings.min_count),
    )
    model = logistic()
    for penalty in penalties[: best + 1]:  # from the strongest on, as the folds' models were warmed up
        model.set_params(C=penalty).fit(matrix, clicks)
    coefficients = model.coef_[0]
    weights: dict[str, dict[int, float]] = {name: {} for name in columns}
    for place, column in enumerate(kept):
        weights[encoded.names[encoded.feature[column]]][int(encoded.marks[column])] = float(
            coefficients[place]
        )
    rare = dict(zip(encoded.names, coefficients[len(kept) :].tolist(), strict=True))
    scorer = Scorer(float(model.intercept_[0]), weights, rare, frozenset(lists), settings.hash_bits, hidden)
    return scorer, found[best]
