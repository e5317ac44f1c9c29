"""P(click) of rows that stream by: what was learned on the rows in memory, as weights of hashed values.

The same models as in `holdout_models`, fitted to the same rows; there the rows to be priced are in memory too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import expit

from ..log_table import LogTable
from .crossfit import DECIMALS, logistic_path, recalibrate, summed, weights_of
from .features import value_hash, visible_values
from .holdout_models import Hidden, check_training, columns_of, encode_columns, sample_scores
from .plan import Plan, odds_shift

Floats = NDArray[np.float64]
KEPT_CELLS = 200_000
"""The cache of sums per cell is cleared when it holds this many."""


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
    hidden: Hidden
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
            if len(self._known) >= KEPT_CELLS:
                self._known.clear()
            values = visible_values(cell, frozenset(self.hidden.get(name, ())), several=name in self.lists)
            marks = {value_hash(value, self.hash_bits) for value in values}
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


def fit_predictor(plan: Plan, log: LogTable, arm: str, hidden: Hidden | None = None) -> Predictor:
    """Learn from training rows, in order of time, from the arm's data, `hidden` values left out.

    Raises:
        BadInput: an arm that the log has no columns for, or too few clicks to learn from.
    """
    wanted = columns_of(log, arm)
    clicks = log.frame["click"].to_numpy()
    check_training(plan, log, clicks)
    models = [_learn(plan, log, clicks, columns, hidden or {}) for columns in wanted.values()]
    groups = [[i] for i in range(len(models))] if arm == "summed" else [list(range(len(models)))]
    combined = [
        (group, weights_of(recalibrate(np.column_stack([models[i][1] for i in group]), clicks)))
        for group in groups
    ]
    return Predictor([scorer for scorer, _ in models], combined, odds_shift(log))


def _learn(
    plan: Plan, log: LogTable, clicks: NDArray[np.int64], columns: Sequence[str], hidden: Hidden
) -> tuple[Scorer | None, Floats]:
    """Return one model of all the rows, and each row's score by a model without its part."""
    settings, everywhere = plan.settings, np.ones(len(log), dtype=np.bool_)
    encoded = encode_columns(plan, log, columns, hidden)
    if encoded is None:
        return None, np.zeros(len(log))
    score, penalties = sample_scores(plan, encoded, columns, clicks, everywhere)
    matrix = encoded.pruned(columns, everywhere, settings.min_count)
    *_, model = logistic_path(
        matrix, clicks, penalties
    )  # warmed up from the strongest on, as the folds' models
    coefficients, kept = model.coef_[0], encoded.kept(columns, everywhere, settings.min_count)
    weights: dict[str, dict[int, float]] = {name: {} for name in columns}
    for column, weight in zip(kept, coefficients[: len(kept)].tolist(), strict=True):
        weights[encoded.names[encoded.feature[column]]][int(encoded.marks[column])] = weight
    rare = dict(zip(encoded.names, coefficients[len(kept) :].tolist(), strict=True))
    return Scorer(float(model.intercept_[0]), weights, rare, encoded.lists, settings.hash_bits, hidden), score
