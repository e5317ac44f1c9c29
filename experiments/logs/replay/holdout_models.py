"""Learned on the training part, used on the rest: predictions for rows that no model has seen.

The training rows carry predictions too, each by a model without its part, so that bids can be tuned on them alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from ...errors import BadInput
from ..read_log import LogTable
from .crossfit import DECIMALS, LEARNERS
from .features import encode
from .folds import fold_without_classes, person_draws, time_folds
from .plan import Plan, odds_shift

Floats = NDArray[np.float64]
LEAST = 1e-9


def training_rows(plan: Plan, log: LogTable) -> NDArray[np.bool_]:
    """Which rows are for learning and tuning: the first in time, or so many of the people; shape (rows,).

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
    plan: Plan,
    log: LogTable,
    training: NDArray[np.bool_],
    arm: str,
    hidden: Mapping[str, Collection[str]] | None = None,
) -> Floats:
    """P(click) of each row of the full log as the arm's data tells it, `hidden` values left out; shape (rows,).

    Raises:
        BadInput: an arm that the log has no columns for, or too few clicks to learn from.
    """
    clicks = log.frame["click"].to_numpy()
    wanted = columns_of(log, arm)
    check_clicks(plan, log, clicks[training])
    scores = [_scores(plan, log, training, clicks, columns, hidden) for columns in wanted.values()]
    shift = odds_shift(replace(log, frame=log.frame[training]))
    if arm == "summed":
        return expit(summed([expit(_refit([score], clicks, training) + shift) for score in scores]))
    return expit(_refit(scores, clicks, training) + shift)


def columns_of(log: LogTable, arm: str) -> dict[str, tuple[str, ...]]:
    """The feature columns of each model that an arm needs, `none` (what everybody knows) the last where there are several.

    Raises:
        BadInput: an arm that the log has no columns for.
    """
    roles, houses = log.roles, log.roles.houses
    own = {
        "none": roles.ad,
        **{house: roles.of(house) + roles.ad for house in houses},
        "joint": roles.features,
    }
    wanted = {"stacked": [*houses, "none"], "summed": [*houses, "none"]}.get(arm, [arm])
    if not set(wanted) <= set(own):
        raise BadInput(f"study.arm = {arm}: {log.path} has data for {', '.join([*own, 'stacked', 'summed'])}")
    return {name: own[name] for name in wanted}


def check_clicks(plan: Plan, log: LogTable, clicks: NDArray[np.int64]) -> None:
    """Raise `BadInput` where training rows, in their order, have too few clicks to learn from, or none outside one fold."""
    needed = 5 * plan.settings.folds
    if min(clicks.sum(), (1 - clicks).sum()) < needed:
        raise BadInput(
            f"{log.path}: {clicks.sum()} clicks among {len(clicks)} training rows; to learn from them takes "
            f"{needed} rows with a click and as many without"
        )
    folds = time_folds(len(clicks), plan.settings.folds)
    lost = fold_without_classes(clicks, folds, out=1)
    if lost:
        raise BadInput(
            f"{log.path}: all {clicks.sum()} clicks of the training rows, or all rows without, lie in part {lost[0] + 1} of "
            f"{plan.settings.folds} (study.replay.folds): nothing can be learned without it"
        )


def summed(parts: Sequence[Floats]) -> Floats:
    """The houses' probabilities added, what everybody knows (the last) counted once, floored at 0; as log-odds."""
    added = sum(parts[:-1]) - (len(parts) - 2) * parts[-1]
    return np.asarray(logit(np.clip(added, LEAST, 1 - LEAST)))


def _scores(
    plan: Plan,
    log: LogTable,
    training: NDArray[np.bool_],
    clicks: NDArray[np.int64],
    columns: Sequence[str],
    hidden: Mapping[str, Collection[str]] | None,
) -> Floats:
    """Log-odds in the sample: of training rows out of their fold, of the others by all training rows."""
    settings, roles = plan.settings, log.roles
    encoded = (
        encode(log.frame, columns, roles.lists & set(columns), hidden, settings.hash_bits)
        if columns
        else None
    )
    if encoded is None:
        return np.zeros(len(log))
    folds = np.full(len(log), -1, dtype=np.int64)
    folds[training] = time_folds(int(training.sum()), settings.folds)
    logistic = settings.learner == "logistic"
    penalties = sorted(settings.penalties) if logistic else [np.nan]
    found = np.full((len(penalties), len(log)), np.nan)
    for fold in range(-1, settings.folds):
        out = ~training if fold < 0 else ~training | (folds == fold)
        score = LEARNERS[settings.learner](encoded, columns, clicks, out, penalties, settings.min_count)
        rows = np.flatnonzero(out)
        mine = folds[rows] == fold
        found[:, rows[mine]] = score[:, mine]
    best = int(np.argmin([log_loss(clicks[training], expit(row[training])) for row in found]))
    return found[best]


def _refit(scores: Sequence[Floats], clicks: NDArray[np.int64], training: NDArray[np.bool_]) -> Floats:
    """Combined, or recalibrated, on log-odds by the training rows' clicks."""
    columns = np.column_stack(scores)
    model = combination(columns[training], clicks[training])
    return np.round(model.decision_function(columns), DECIMALS)


def combination(scores: Floats, clicks: NDArray[np.int64]) -> LogisticRegression:
    """Weights of scores, shape (rows, scores), for a click's log-odds; hardly penalised."""
    return LogisticRegression(C=1e6, solver="newton-cg", tol=1e-8).fit(scores, clicks)
