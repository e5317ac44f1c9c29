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

from experiments.errors import BadInput
from experiments.logs import LogTable
from experiments.replay.crossfit import DECIMALS, LEARNERS
from experiments.replay.features import encode
from experiments.replay.folds import person_draws, time_folds
from experiments.replay.plan import Plan, odds_shift

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
    roles, houses = log.roles, log.roles.houses
    own = {
        "none": roles.ad,
        **{house: roles.of(house) + roles.ad for house in houses},
        "joint": roles.features,
    }
    wanted = {"stacked": [*houses, "none"], "summed": [*houses, "none"]}.get(arm, [arm])
    unknown = [name for name in wanted if name not in own]
    if unknown:
        raise BadInput(f"study.arm = {arm}: {log.path} has data for {', '.join([*own, 'stacked', 'summed'])}")
    clicks = log.frame["click"].to_numpy()
    if min(clicks[training].sum(), (1 - clicks[training]).sum()) < 5 * plan.settings.folds:
        raise BadInput(
            f"{log.path}: {clicks[training].sum()} clicks among {int(training.sum())} training rows; to learn from them takes "
            f"{5 * plan.settings.folds} rows with a click and as many without"
        )
    scores = [_scores(plan, log, training, clicks, own[name], hidden) for name in wanted]
    shift = odds_shift(replace(log, frame=log.frame[training]))
    if arm == "summed":
        parts = [expit(_refit([score], clicks, training) + shift) for score in scores]
        added = sum(parts[:-1]) - (len(houses) - 1) * parts[-1]
        return expit(logit(np.clip(added, LEAST, 1 - LEAST)))
    return expit(_refit(scores, clicks, training) + shift)


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
    model = LogisticRegression(C=1e6, solver="newton-cg", tol=1e-8).fit(columns[training], clicks[training])
    return np.round(model.decision_function(columns), DECIMALS)
