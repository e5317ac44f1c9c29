"""Learned on the training part, used on the rest: predictions for rows that no model has seen.

The training rows carry predictions too, each by a model without its part, so that bids can be tuned on them alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from ...errors import BadInput
from ..log_table import LogTable
from .crossfit import DECIMALS, Fitted, fit, least_loss, penalties_of, recalibrate, scores_without, summed
from .features import Encoded, encode
from .folds import fold_without_classes, person_draws, time_folds
from .plan import ReplayPlan, check_clicks, odds_shift

Floats = NDArray[np.float64]
Hidden = Mapping[str, Collection[str]]
"""By column the values that are left out."""


def training_rows(plan: ReplayPlan, log: LogTable) -> NDArray[np.bool_]:
    """Return which rows are for learning and tuning; shape (rows,).

    They are those of `supply.path` where there is a `supply.test_path`; else the first in time, or a share of the people.

    Raises:
        BadInput: nothing is left for one of the parts.
    """
    share = plan.settings.train_share
    if "test" in log.frame:
        return ~log.frame["test"].to_numpy()
    if plan.settings.split == "person":
        training = person_draws(log, [plan.seed]) < share
    elif plan.settings.split == "random":
        training = np.random.default_rng([plan.seed, 0x7241]).random(len(log)) < share
    else:
        training = np.arange(len(log)) < round(share * len(log))
    if training.all() or not training.any():
        raise BadInput(
            f"study.replay.train_share = {share:g}: leaves nothing to learn from, or nothing to replay, of {log.path}"
        )
    return training


@dataclass(frozen=True)
class Predictor:
    """P(click) of rows of the full log, by what was learned on training rows.

    Attributes:
        models: each returns its log-odds in the sample of the rows of a frame, shape (rows,).
        combined: the numbers of the models, and a regression of a click on their log-odds; the sum of several.
        shift: of the log-odds, from the sample to the full log.
    """

    models: Sequence[Callable[[pd.DataFrame], Floats]]
    combined: Sequence[tuple[Sequence[int], LogisticRegression]]
    shift: float

    def ctr(self, frame: pd.DataFrame) -> Floats:
        """Return P(click) of each row; shape (rows,)."""
        return self.from_scores([model(frame) for model in self.models])

    def from_scores(self, scores: Sequence[Floats]) -> Floats:
        """Return P(click) of each row from each model's log-odds; shape (rows,)."""
        parts = []
        for numbers, model in self.combined:
            odds = model.decision_function(np.column_stack([scores[i] for i in numbers]))
            parts.append(expit(np.round(odds, DECIMALS) + self.shift))
        return parts[0] if len(parts) == 1 else expit(summed(parts))


def forward_ctr(
    plan: ReplayPlan, log: LogTable, training: NDArray[np.bool_], arm: str, hidden: Hidden | None = None
) -> Floats:
    """Return P(click) of each row of the full log from the arm's data, `hidden` values left out; shape (rows,).

    Raises:
        BadInput: see `fit_predictor`.
    """
    ctr = np.empty(len(log))
    predictor, ctr[training] = fit_predictor(plan, replace(log, frame=log.frame[training]), arm, hidden)
    ctr[~training] = predictor.ctr(log.frame[~training])
    return ctr


def fit_predictor(
    plan: ReplayPlan, log: LogTable, arm: str, hidden: Hidden | None = None
) -> tuple[Predictor, Floats]:
    """Learn from training rows, in order of time, from the arm's data, `hidden` values left out.

    Returns:
        The predictor, and P(click) of each of these rows by models without its fold, shape (rows,).

    Raises:
        BadInput: an arm that the log has no columns for, or too few clicks to learn from.
    """
    clicks, wanted = log.frame["click"].to_numpy(), columns_of(log, arm)
    check_training(plan, log, clicks)
    learned = [_learn(plan, log, columns, hidden) for columns in wanted.values()]
    scores = [score for _, score in learned]
    groups = [[i] for i in range(len(learned))] if arm == "summed" else [list(range(len(learned)))]
    combined = [(group, recalibrate(np.column_stack([scores[i] for i in group]), clicks)) for group in groups]
    predictor = Predictor([model for model, _ in learned], combined, odds_shift(log))
    return predictor, predictor.from_scores(scores)


def _learn(
    plan: ReplayPlan, log: LogTable, columns: Sequence[str], hidden: Hidden | None
) -> tuple[Callable[[pd.DataFrame], Floats], Floats]:
    """Return one model of all the rows, and each row's log-odds by a model without its fold; 0 without columns."""
    if not columns:
        return lambda frame: np.zeros(len(frame)), np.zeros(len(log))
    settings, clicks = plan.settings, log.frame["click"].to_numpy()
    lists = log.roles.lists & set(columns)

    def encoded(frame: pd.DataFrame) -> Encoded:
        return encode(frame, columns, lists, hidden, settings.hash_bits)

    rows, folds = encoded(log.frame), time_folds(len(log), settings.folds)
    scores = np.empty((len(penalties_of(settings)), len(log)))
    for fold in range(settings.folds):
        out = folds == fold
        scores[:, out] = scores_without(rows, columns, clicks, out, settings)
    everywhere = np.ones(len(log), dtype=np.bool_)
    best = least_loss(scores, clicks, everywhere)
    fitted = fit(rows, columns, clicks, everywhere, settings)
    model = Fitted(fitted.columns, fitted.models[best : best + 1])
    return lambda frame: model.scores(encoded(frame))[0], scores[best]


def columns_of(log: LogTable, arm: str) -> dict[str, tuple[str, ...]]:
    """Return the feature columns of each model that an arm needs; `none` is the last of several.

    Raises:
        BadInput: an arm that the log has no columns for.
    """
    models = log.roles.models
    several = [*log.roles.silos, "none"]
    wanted = several if arm in {"stacked", "summed"} else [arm]
    if not set(wanted) <= set(models):
        raise BadInput(
            f"study.arm = {arm}: {log.path} has data for {', '.join([*models, 'stacked', 'summed'])}"
        )
    return {name: models[name] for name in wanted}


def check_training(plan: ReplayPlan, log: LogTable, clicks: NDArray[np.int64]) -> None:
    """Raise `BadInput` where training rows, in order of time, have too few clicks, or none outside one fold."""
    number = plan.settings.folds
    check_clicks(log.path, clicks, number, "training rows")
    lost = fold_without_classes(clicks, time_folds(len(clicks), number), out=1)
    if lost:
        raise BadInput(
            f"{log.path}: all {clicks.sum()} clicks of the training rows, or all rows without, lie in part {lost[0] + 1} of "
            f"{number} (study.replay.folds): nothing can be learned without it"
        )
