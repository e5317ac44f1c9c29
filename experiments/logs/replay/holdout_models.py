"""Learned on the training part, used on the rest: predictions for rows that no model has seen.

The training rows carry predictions too, each by a model without its part, so that bids can be tuned on them alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ...errors import BadInput
from ..log_table import LogTable
from .crossfit import DECIMALS, LEARNERS, least_loss, recalibrate, summed
from .features import Encoded, encode
from .folds import fold_without_classes, person_draws, time_folds
from .plan import Plan, check_clicks, odds_shift

Floats = NDArray[np.float64]
Hidden = Mapping[str, Collection[str]]
"""By column the values that are left out."""


def training_rows(plan: Plan, log: LogTable) -> NDArray[np.bool_]:
    """Return which rows are for learning and tuning: the first in time, or a share of the people; shape (rows,).

    Raises:
        BadInput: nothing is left for one of the parts.
    """
    share = plan.settings.train_share
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


def forward_ctr(
    plan: Plan, log: LogTable, training: NDArray[np.bool_], arm: str, hidden: Hidden | None = None
) -> Floats:
    """Return P(click) of each row of the full log from the arm's data, `hidden` values left out; shape (rows,).

    Raises:
        BadInput: an arm that the log has no columns for, or too few clicks to learn from.
    """
    clicks = log.frame["click"].to_numpy()
    wanted = columns_of(log, arm)
    check_training(plan, log, clicks[training])
    scores = []
    for columns in wanted.values():
        encoded = encode_columns(plan, log, columns, hidden)
        found = None if encoded is None else sample_scores(plan, encoded, columns, clicks, training)
        scores.append(np.zeros(len(log)) if found is None else found[0])
    shift = odds_shift(replace(log, frame=log.frame[training]))

    def combined(inputs: Sequence[Floats]) -> Floats:
        columns = np.column_stack(inputs)
        model = recalibrate(columns[training], clicks[training])
        return expit(np.round(model.decision_function(columns), DECIMALS) + shift)

    return expit(summed([combined([score]) for score in scores])) if arm == "summed" else combined(scores)


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


def check_training(plan: Plan, log: LogTable, clicks: NDArray[np.int64]) -> None:
    """Raise `BadInput` where training rows, in order of time, have too few clicks, or none outside one fold."""
    number = plan.settings.folds
    check_clicks(log.path, clicks, number, "training rows")
    lost = fold_without_classes(clicks, time_folds(len(clicks), number), out=1)
    if lost:
        raise BadInput(
            f"{log.path}: all {clicks.sum()} clicks of the training rows, or all rows without, lie in part {lost[0] + 1} of "
            f"{number} (study.replay.folds): nothing can be learned without it"
        )


def encode_columns(
    plan: Plan, log: LogTable, columns: Sequence[str], hidden: Hidden | None
) -> Encoded | None:
    """Encode the columns of one model; None where it has none."""
    lists = log.roles.lists & set(columns)
    return encode(log.frame, columns, lists, hidden, plan.settings.hash_bits) if columns else None


def sample_scores(
    plan: Plan,
    encoded: Encoded,
    columns: Sequence[str],
    clicks: NDArray[np.int64],
    training: NDArray[np.bool_],
) -> tuple[Floats, list[float]]:
    """Return log-odds in the sample, and the penalties tried up to the best one.

    Training rows are scored out of their fold, the others by a model of all training rows; shape (rows,).
    """
    settings = plan.settings
    folds = np.full(len(clicks), -1, dtype=np.int64)
    folds[training] = time_folds(int(training.sum()), settings.folds)
    penalties = sorted(settings.penalties) if settings.learner == "logistic" else [np.nan]
    found = np.full((len(penalties), len(clicks)), np.nan)
    for fold in np.unique(folds):
        out = ~training | (folds == fold)
        score = LEARNERS[settings.learner](encoded, columns, clicks, out, penalties, settings.min_count)
        mine = folds[out] == fold
        found[:, np.flatnonzero(out)[mine]] = score[:, mine]
    best = least_loss(found, clicks, training)
    return found[best], penalties[: best + 1]
