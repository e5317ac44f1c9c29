"""Cross-fitting in views: each row is priced by models, weights, gains and choices that were made without it.

With K folds, *view k* is all that may be known when fold k is priced. In it the rows of fold k have scores of a model
fitted without fold k, and the rows of any other fold j scores of a model fitted without folds j and k. So within view k
the training rows carry out-of-fold scores too, and everything learned from scores (regularisation, recalibration,
stacking weights, the better single source, bid gains) is learned from them and never meets fold k's clicks.
It takes K + K(K-1)/2 fits a model: 15 for five folds.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from threadpoolctl import ThreadpoolController

from ...config.value_settings import Replay
from .features import Encoded

Floats = NDArray[np.float64]
Columns = Callable[[Encoded], Any]
"""Makes a model's columns of an encoding; shape (rows, columns)."""
Encodings = Callable[[tuple[int, ...]], Encoded]
"""Returns the encoding of all rows for the folds that are held out."""
LEAST = 1e-9
DECIMALS = 9
"""Log-odds are rounded so that the last bits of a sum, which depend on threads, never reach a bid."""


@dataclass(frozen=True)
class Model:
    """One model to cross-fit: which encoding, and which features of it."""

    encoded: str
    features: tuple[str, ...]


def cross_fit(
    models: Mapping[str, Model],
    encodings: Mapping[str, Encodings],
    clicks: NDArray[np.int64],
    folds: NDArray[np.int64],
    settings: Replay,
    jobs: int,
) -> tuple[dict[str, Floats], dict[str, list[float]]]:
    """Fit every model without each fold and without each pair of folds.

    Args:
        models: by name.
        encodings: the encodings that they name, of all rows, for the folds that are held out.
        clicks: 0 or 1, shape (rows,).
        folds: the fold of each row, shape (rows,).
        settings: the learner, its penalties and `min_count`. Each view takes the penalty with the least log loss over its
            training rows' out-of-fold scores.
        jobs: processes.

    Returns:
        views: for each model the log-odds in the sample (clicks against kept non-clicks), shape (folds, rows).
        chosen: for each model the C of each view.
    """
    number, penalties = int(folds.max()) + 1, penalties_of(settings)
    absent: list[tuple[int, ...]] = [(k,) for k in range(number)] + list(combinations(range(number), 2))
    tasks = [(name, out) for name in models for out in absent]
    # One thread a fit: the processes are the cores, and more threads would change last bits.
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        scores = joblib.Parallel(n_jobs=jobs)(
            joblib.delayed(scores_without)(
                encodings[models[name].encoded](out),
                models[name].features,
                clicks,
                np.isin(folds, out),
                settings,
            )
            for name, out in tasks
        )
    views, chosen = {}, {}
    for name in models:
        fitted = {out: score for (model, out), score in zip(tasks, scores, strict=True) if model == name}
        views[name], chosen[name] = _choose(_views(fitted, folds, len(penalties)), clicks, folds, penalties)
    return views, chosen


def penalties_of(settings: Replay) -> list[float]:
    """Return the penalties to try, the strongest first; boosting has none, and one candidate."""
    return sorted(settings.penalties) if settings.learner == "logistic" else [np.nan]


@dataclass(frozen=True)
class Fitted:
    """Regressions or trees, one a penalty, that score rows of any encoding of the same features.

    Attributes:
        columns: makes their columns of an encoding.
        models: of scikit-learn.
    """

    columns: Columns
    models: Sequence[Any]

    def scores(self, encoded: Encoded, rows: NDArray[np.bool_] | slice = slice(None)) -> Floats:
        """Return log-odds in the sample; shape (penalties, rows)."""
        columns = self.columns(encoded)[rows]
        with _one_thread():
            return np.array([model.decision_function(columns) for model in self.models]).round(DECIMALS)


def scores_without(
    encoded: Encoded,
    features: Sequence[str],
    clicks: NDArray[np.int64],
    out: NDArray[np.bool_],
    settings: Replay,
) -> Floats:
    """Fit without the rows `out` and score these; shape (penalties, rows out)."""
    return fit(encoded, features, clicks, ~out, settings).scores(encoded, out)


def fit(
    encoded: Encoded,
    features: Sequence[str],
    clicks: NDArray[np.int64],
    training: NDArray[np.bool_],
    settings: Replay,
) -> Fitted:
    """Fit the settings' learner to the training rows, with each penalty from where the last fit ended."""
    is_logistic, models = settings.learner == "logistic", []
    columns, model = (_logistic if is_logistic else _boosting)(
        encoded, features, training, settings.min_count
    )
    design = columns(encoded)[training]
    for penalty in penalties_of(settings):
        if is_logistic:
            model.set_params(C=penalty)
        with _one_thread():
            models.append(copy(model.fit(design, clicks[training])))
    return Fitted(columns, models)


def _one_thread() -> AbstractContextManager[Any]:
    """Keep OpenMP to one thread, also in a process alone: more would change last bits, and wait for each other."""
    found: AbstractContextManager[Any] = _threads().limit(limits=1, user_api="openmp")
    return found


@functools.cache
def _threads() -> ThreadpoolController:
    """Return the controller of the libraries that are loaded; to find them takes longer than a small fit."""
    return ThreadpoolController()


def _logistic(
    encoded: Encoded, features: Sequence[str], training: NDArray[np.bool_], min_count: int
) -> tuple[Columns, Any]:
    """Return the columns of a regression on 0/1 values, and the regression."""
    frequent = encoded.frequent(features, training, min_count)
    # Newton's method: to this tolerance log-odds are right to .01; L-BFGS takes longer for that.
    model = LogisticRegression(solver="newton-cg", tol=1e-5, warm_start=True)
    return lambda rows: rows.columns(features, frequent), model


def _boosting(
    encoded: Encoded, features: Sequence[str], training: NDArray[np.bool_], min_count: int
) -> tuple[Columns, Any]:
    """Return the columns of gradient boosted trees on the values' codes, and the trees."""
    ranked = encoded.ranked(features, training)
    kinds = [
        name not in encoded.lists
        for name, keys in ranked.items()
        for _ in (keys if name in encoded.lists else [0])
    ]
    model = HistGradientBoostingClassifier(
        max_iter=100,
        learning_rate=0.06,
        max_leaf_nodes=15,
        min_samples_leaf=max(20, min_count),
        l2_regularization=5.0,
        categorical_features=np.array(kinds or [False]),
        early_stopping=False,
        random_state=0,
    )
    return lambda rows: rows.codes(ranked) if kinds else np.zeros((rows.matrix.shape[0], 1)), model


def recalibrate(scores: Floats, clicks: NDArray[Any]) -> LogisticRegression:
    """Fit a click's log-odds as a weighted sum of scores, shape (rows, scores), with hardly any penalty."""
    return LogisticRegression(C=1e6, solver="newton-cg", tol=1e-8).fit(scores, clicks)


def summed(parts: Sequence[Floats]) -> Floats:
    """Return as log-odds the sources' probabilities added, with the ad's (the last part) counted once.

    The sum E[theta | x] + E[theta | z] - E[theta] is kept within (0, 1).
    """
    added = sum(parts[:-1]) - (len(parts) - 2) * parts[-1]
    return np.asarray(logit(np.clip(added, LEAST, 1 - LEAST)))


def _views(fitted: Mapping[tuple[int, ...], Floats], folds: NDArray[np.int64], penalties: int) -> Floats:
    """Arrange the scores as views; shape (folds, penalties, rows)."""
    number = int(folds.max()) + 1
    views = np.full((number, penalties, len(folds)), np.nan)
    for out, score in fitted.items():
        rows = np.flatnonzero(np.isin(folds, out))
        for view in out:
            # Without one fold: that fold's own rows. Without two: in the view of one, the rows of the other.
            mine = folds[rows] == (view if len(out) == 1 else sum(out) - view)
            views[view][:, rows[mine]] = score[:, mine]
    return views


def _choose(
    views: Floats, clicks: NDArray[np.int64], folds: NDArray[np.int64], penalties: Sequence[float]
) -> tuple[Floats, list[float]]:
    """Take in each view the penalty with the least log loss over its training rows."""
    best = [least_loss(scores, clicks, folds != view) for view, scores in enumerate(views)]
    return np.array([scores[b] for scores, b in zip(views, best, strict=True)]), [penalties[b] for b in best]


def least_loss(scores: Floats, clicks: NDArray[np.int64], rows: NDArray[np.bool_]) -> int:
    """Return which of several scores has the least log loss on some rows."""
    if len(scores) == 1:
        return 0
    return int(np.argmin([log_loss(clicks[rows], expit(score[rows])) for score in scores]))


def refit(
    inputs: Sequence[Floats], clicks: NDArray[np.int64], folds: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Combine views linearly on log-odds, with weights fitted in each view to its training rows' clicks.

    With one input this is Platt's recalibration; with the scores of two sources it is stacking: no model has seen
    the columns of both.

    Returns:
        The combined views, shape (folds, rows), and the weights with the intercept first, (folds, 1 + inputs).
    """
    combined, weights = [], []
    for view, columns in enumerate(np.stack(inputs, axis=2)):
        training = folds != view
        model = recalibrate(columns[training], clicks[training])
        combined.append(np.round(model.decision_function(columns), DECIMALS))
        weights.append(np.concatenate([model.intercept_, model.coef_[0]]))
    return np.array(combined), np.array(weights)


def honest(views: Floats, folds: NDArray[np.int64]) -> Floats:
    """Return each row's value in the view of its own fold: what it is priced with; shape (rows,)."""
    return views[folds, np.arange(len(folds))]
