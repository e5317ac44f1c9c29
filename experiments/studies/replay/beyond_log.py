"""What `value` adds to the replay of the rows that were seen: lost auctions, doubly robust estimates, other values of a click."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from ...estimate.sides import Sides, Weights
from ...logs.replay.bids import Floats
from ...logs.replay.censored import LostRows, LostValues, bound_rows, lost_rows
from ...logs.replay.click_value import click_value_rows
from ...logs.replay.crossfit import honest
from ...logs.replay.folds import blocks_of
from ...logs.replay.holdout_models import fit_predictor
from ...logs.replay.ladder_models import ALL
from ...logs.replay.off_policy import Estimates, Rows, estimate, strata_of
from ...logs.replay.outcomes import UNLIMITED
from ...logs.replay.plan import ReplayPlan, Requests
from ...logs.replay.refitting import refitted
from ...logs.replay.summary import Variant
from ...report.wording.censored_bounds import bounds_sentence
from ...report.wording.off_policy import click_value_sentence, off_policy_sentence, refit_sentence
from .played import Played


@dataclass
class Beyond:
    """Tables by name, sentences by variant of the values, and notes."""

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    sentences: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, tags: str, table: pd.DataFrame) -> None:
        """Add rows of one variant to a table."""
        rows = table.assign(tags=tags)
        self.tables[name] = (
            pd.concat([self.tables[name], rows], ignore_index=True) if name in self.tables else rows
        )


def beyond_the_log(
    plan: ReplayPlan,
    requests: Requests,
    played: Played,
    sides: Mapping[Variant, Sides],
    progress: Callable[[str], None],
) -> Beyond:
    """Return the bounds, the off-policy estimates and the sensitivity to a click's value, without a budget limit.

    They are of comparisons between arms that bid by one model.
    """
    found, whole = Beyond(), requests.whole
    lost = None if whole is None else lost_rows(whole, requests.log)
    for (tags, share), there in sides.items():
        of = {there.chosen.get(arm, arm): weight for arm, weight in there.weights.items()}
        if share != UNLIMITED or len(of) < 2 or not set(of) <= set(played.views[tags]):
            continue
        odds = {arm: honest(played.views[tags][arm], requests.folds) for arm in of}
        sensitivity = click_value_rows(plan, requests, odds, of)
        found.add("click_value", tags, sensitivity)
        found.sentences.append((tags, click_value_sentence(sensitivity)))
        if plan.settings.refit > 1 and tags == ALL:
            middle = float(sensitivity["estimate"].iloc[0])
            anew = refitted(plan, requests.dealt(plan.settings, plan.seed, 0), of, middle, progress)
            found.add("refit", tags, anew)
            found.sentences.append(
                (tags, refit_sentence(anew, requests.blocks.numbers is not None, plan.settings.blocks))
            )
        has_propensity = "propensity" in requests.log.frame
        if lost is None and not has_propensity:
            continue
        hidden = None if tags == ALL else requests.hidden
        arms = {*of, "joint"}
        values = None if lost is None else LostValues.of(plan, requests, lost, arms, hidden)
        if lost is not None and values is not None:
            own = [one for one in played.outcomes if (one.tags, one.share) == (tags, share)]
            bounds = bound_rows(plan, requests, lost, values, own, of, tags)
            found.add("bounds", tags, bounds)
            found.sentences.append((tags, bounds_sentence(bounds, tags, lost.how)))
        robust = _off_policy(plan, requests, lost, values, played.views[tags], of)
        unit = f"{requests.log.currency} per million bid requests"
        found.add("off_policy", tags, robust.table.assign(unit=unit))
        found.sentences.append((tags, off_policy_sentence(robust.table, unit)))
        found.notes.append(robust.overlap + ("" if tags == ALL else " (without suspect values)"))
    return found


def _off_policy(
    plan: ReplayPlan,
    requests: Requests,
    lost: LostRows | None,
    values: LostValues | None,
    views: Mapping[str, Floats],
    of: Weights,
) -> Estimates:
    """Return the plug-in and the doubly robust estimate on seen and lost rows together."""
    log, worth = requests.log, requests.values
    frame = log.frame
    arms = {*of, "joint"}
    ctr = {
        arm: expit(honest(views[arm], requests.folds)) if values is None else values.seen[arm] for arm in arms
    }
    # One model of all rows: by those of folds, rows of one context would fall into several strata.
    context = fit_predictor(plan, log, log.roles.sources[1])[0]
    bid = frame["bid_micros"].to_numpy(np.float64) if "bid_micros" in frame else np.full(len(frame), np.nan)
    parts: dict[str, NDArray[Any]] = {
        "seen": np.ones(len(frame), dtype=bool),
        "weight": requests.weights,
        "gain": requests.clicks * worth,
        "value": ctr["joint"] * worth,
        "logged": np.where(bid > 0, np.maximum(bid, requests.prices), np.nan),
        "price": requests.prices.astype(np.float64),
        "propensity": frame["propensity"].to_numpy()
        if "propensity" in frame
        else np.full(len(frame), np.nan),
        "context": context.ctr(frame),
        **{f"bid {arm}": ctr[arm] * worth for arm in of},
    }
    together = frame
    if lost is not None and values is not None:
        n, unknown = len(lost.frame), np.full(len(lost.frame), np.nan)
        more = {
            "seen": np.zeros(n, dtype=bool),
            "weight": lost.frame["weight"].to_numpy(),
            "gain": np.zeros(n),
            "value": values.ctr["joint"] * values.worth,
            "logged": lost.bids,
            "price": lost.prices,
            "propensity": lost.frame["propensity"].to_numpy() if "propensity" in lost.frame else unknown,
            "context": context.ctr(lost.frame),
            **{f"bid {arm}": values.ctr[arm] * values.worth for arm in of},
        }
        parts = {name: np.concatenate([column, more[name]]) for name, column in parts.items()}
        together = pd.concat([frame, lost.frame], ignore_index=True)
    rows = Rows(
        parts["seen"], parts["weight"], parts["gain"], parts["value"], {arm: parts[f"bid {arm}"] for arm in of},
        parts["logged"], parts["price"], None if np.isnan(parts["propensity"]).any() else parts["propensity"],
        strata_of(parts["context"]), {arm: expit(views[arm]) * worth for arm in of}, requests.folds,
    )  # fmt: skip
    settings = plan.settings
    blocks = blocks_of(replace(log, frame=together), settings.blocks, settings.block_h)
    return estimate(rows, of, blocks.numbers)
