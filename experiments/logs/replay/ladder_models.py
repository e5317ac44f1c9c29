"""The rungs of the ladder on a log: each rung's log-odds of a click, in every view, and how good they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from ..log_table import LogTable
from .crossfit import Encodings, Model, cross_fit, honest, refit, summed
from .features import Encoded, encode
from .plan import ReplayPlan, Requests, odds_shift
from .prediction_quality import quality
from .suspects import Hidden, Out

Floats = NDArray[np.float64]
JOINED = ("stacked", "joint", "summed")
"""Rungs that use the columns of all sources; below them stand `none`, the sources one by one, and the owners."""
ALL, WITHOUT = "all", "without_suspects"
"""The two variants of the features, always side by side where a value is suspect."""


@dataclass(frozen=True)
class Ladder:
    """The rungs under one variant of the tags.

    Attributes:
        odds: for each rung the log-odds of a click in the full log, shape (folds, rows): views, see `crossfit`.
        weights: for each rung the mean weights of its last step, the intercept first.
        penalties: for each fitted model the chosen C of each view.
    """

    odds: Mapping[str, Floats]
    weights: Mapping[str, Floats]
    penalties: Mapping[str, list[float]]


def fit_ladders(plan: ReplayPlan, requests: Requests) -> dict[str, Ladder]:
    """Learn every rung with all values and, where some are suspect, without these."""
    log, settings = requests.log, plan.settings
    own, hidden = log.roles.models, requests.hidden
    variants = {ALL: False, WITHOUT: True} if hidden else {ALL: False}
    # A rung that has no suspect column is the same in both variants, and is learned once.
    name_of = {
        tags: {
            rung: rung if set(columns).isdisjoint(hidden) else f"{rung} {tags}"
            for rung, columns in own.items()
        }
        for tags in variants
    }
    views, penalties = cross_fit(
        {name_of[tags][rung]: Model(tags, own[rung]) for tags in reversed(variants) for rung in own},
        {tags: encodings_of(plan, requests, log, without=without) for tags, without in variants.items()},
        requests.clicks,
        requests.folds,
        settings,
        plan.jobs,
    )
    return {
        tags: _ladder(
            {rung: views[name] for rung, name in names.items()},
            {rung: penalties[name] for rung, name in names.items()},
            requests,
            stack_on_ad=settings.stack_on_ad,
        )
        for tags, names in name_of.items()
    }


def encodings_of(plan: ReplayPlan, requests: Requests, log: LogTable, *, without: bool) -> Encodings:
    """Return the encoding of a log's rows with all values, or without those that are suspect outside the folds that are held out."""
    made: list[tuple[Hidden, Encoded]] = []

    def encoding(out: Out) -> Encoded:
        hidden = requests.suspects.without(out) if without else {}
        for known, encoded in made:
            if known == hidden:
                return encoded
        bits = plan.settings.hash_bits
        made.append((hidden, encode(log.frame, log.roles.features, log.roles.lists, hidden, bits)))
        return made[-1][1]

    return encoding


def _ladder(
    scores: Mapping[str, Floats],
    penalties: Mapping[str, list[float]],
    requests: Requests,
    *,
    stack_on_ad: bool,
) -> Ladder:
    """Recalibrate each model, stack the owners' scores, and add up their probabilities."""
    silos = list(requests.log.roles.silos)
    inputs = {rung: [scores[rung]] for rung in scores}
    inputs["stacked"] = [scores[rung] for rung in (*silos, *(["none"] if stack_on_ad else []))]
    odds, weights = {}, {}
    for rung, columns in inputs.items():
        refitted, weights[rung] = refit(columns, requests.clicks, requests.folds)
        odds[rung] = refitted + odds_shift(requests.log)
    odds["summed"] = summed([expit(odds[rung]) for rung in (*silos, "none")])
    weights["summed"] = np.ones((1, 0))
    rungs = (*(rung for rung in scores if rung not in JOINED), *JOINED)
    return Ladder(
        {rung: odds[rung] for rung in rungs}, {rung: weights[rung].mean(axis=0) for rung in rungs}, penalties
    )


def model_rows(tags: str, ladder: Ladder, requests: Requests) -> list[dict[str, object]]:
    """Return one row a rung: how good its predictions are, each row's by models that never saw it."""
    campaigns = requests.log.frame["campaign"].to_numpy(dtype=object)
    rows = []
    for rung, views in ladder.odds.items():
        measured = quality(requests.clicks, honest(views, requests.folds), requests.weights, campaigns)
        rows.append(
            {
                "rung": rung,
                "tags": tags,
                **measured,
                "weights": " ".join(f"{weight:.2f}" for weight in ladder.weights[rung]),
                "penalties": " ".join(f"{penalty:g}" for penalty in ladder.penalties.get(rung, [])),
            }
        )
    return rows
