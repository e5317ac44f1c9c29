"""The rungs of the ladder on a log: each rung's log-odds of a click, in every view, with what they are good for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from experiments.replay.crossfit import Model, cross_fit, honest, refit
from experiments.replay.features import encode
from experiments.replay.plan import Plan, Requests
from experiments.replay.quality import quality

Floats = NDArray[np.float64]
RUNGS = ("none", "profile", "context", "stacked", "joint", "summed")
ALL, WITHOUT = "all", "without_suspects"
"""The two variants of the tags, always side by side."""
_LEAST = 1e-9


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


def fit_ladders(plan: Plan, requests: Requests) -> dict[str, Ladder]:
    """Learn every rung with all tags and, unless no tag is suspect, without the suspect ones."""
    log, settings = requests.log, plan.settings
    roles = log.roles
    everything = roles.profile + roles.context + roles.ad
    hidden = {ALL: (), WITHOUT: plan.supply.suspect_tags} if plan.supply.suspect_tags else {ALL: ()}
    models = {"none": Model(ALL, roles.ad), "context": Model(ALL, roles.context + roles.ad)}
    for tags in hidden:
        models[f"profile {tags}"] = Model(tags, roles.profile + roles.ad)
        models[f"joint {tags}"] = Model(tags, everything)
    views, penalties = cross_fit(
        models,
        {tags: encode(log.frame, everything, roles.lists, names) for tags, names in hidden.items()},
        requests.clicks,
        requests.folds,
        penalties=settings.penalties,
        min_count=settings.min_count,
        jobs=plan.jobs,
    )
    fitted = {tags: {rung: f"{rung} {tags}" for rung in ("profile", "joint")} for tags in hidden}
    return {
        tags: _ladder(
            {rung: views[names.get(rung, rung)] for rung in ("none", "profile", "context", "joint")},
            {rung: penalties[names.get(rung, rung)] for rung in ("none", "profile", "context", "joint")},
            requests,
            stack_on_ad=settings.stack_on_ad,
        )
        for tags, names in fitted.items()
    }


def _ladder(
    scores: Mapping[str, Floats],
    penalties: Mapping[str, list[float]],
    requests: Requests,
    *,
    stack_on_ad: bool,
) -> Ladder:
    """Recalibrate each model, stack the two houses' scores, and add up their probabilities."""
    houses = ["profile", "context", *(["none"] if stack_on_ad else [])]
    inputs = {rung: [scores[rung]] for rung in ("none", "profile", "context", "joint")}
    inputs["stacked"] = [scores[house] for house in houses]
    odds, weights = {}, {}
    for rung, columns in inputs.items():
        refitted, weights[rung] = refit(columns, requests.clicks, requests.folds)
        odds[rung] = refitted + requests.odds_shift
    # The marginal models simply added: E[theta | x] + E[theta | z] - E[theta], floored at 0.
    added = expit(odds["profile"]) + expit(odds["context"]) - expit(odds["none"])
    odds["summed"] = logit(added.clip(_LEAST, 1 - _LEAST))
    weights["summed"] = np.ones((1, 0))
    return Ladder(
        {rung: odds[rung] for rung in RUNGS}, {rung: weights[rung].mean(axis=0) for rung in RUNGS}, penalties
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
