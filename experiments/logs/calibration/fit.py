"""A synthetic scenario fitted to a log: arrivals, prices with floors, click rate, clusters of person and page, missing tags.

Clusters are learned: the profile's and the context's out-of-fold scores of a click are each cut into equally frequent types,
as the world's own types are. Slopes, interaction and correlation are then those of the types, on the scale of the world's.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit

from jointbid.sim.audience import joint_law, scores
from jointbid.sim.scenario import HOUR_US, MICROS, LogSupply

from ...errors import BadInput
from ..log_table import LogTable
from ..replay.crossfit import honest, recalibrate
from ..replay.ladder_models import ALL, fit_ladders
from ..replay.plan import ReplayPlan, prepare
from ..replay.priced_log import as_histogram, product_limit
from ..small_groups import small_groups

Floats = NDArray[np.float64]
TYPES = 16
"""Profile and context types of the fitted scenario, where the log has clicks enough for each."""
CLICKS_PER_TYPE = 15
LEAST_CLICKS = 5
"""The least clicks on rows with a profile."""
REQUESTS = 100_000
LEAST_LEVEL = 1e-6
ROUNDED, EDGE_DIGITS = 6, 9


@dataclass(frozen=True)
class Fit:
    """A scenario as plain data, and what of the log it was fitted to.

    Arrays have the shape (rows,): `weight`, `clicks`; `profile` and `context` the types (-1: no profile); `hour` of the day.
    """

    tree: dict[str, Any]
    log: LogTable
    weight: Floats
    clicks: Floats
    profile: NDArray[np.int64]
    context: NDArray[np.int64]
    hour: NDArray[np.int64]
    interaction_sd: float
    supply: LogSupply

    def is_large(self, group: NDArray[np.int64], groups: int) -> NDArray[np.bool_]:
        """Return which groups of rows are of enough persons to be shown (`supply.min_group`), shape (groups,); rows of group -1 are in none."""
        small = small_groups(self.supply, self.log, group)
        return np.array([number not in small for number in range(groups)])


def fit(plan: ReplayPlan, log: LogTable, name: str) -> Fit:
    """Fit a scenario to a log.

    Raises:
        BadInput: no profile or no context columns, too few clicks.
    """
    if not {"profile", "context"} <= set(log.roles.sources):
        raise BadInput(
            f"{log.path}: a scenario has a profile and a context; the log has columns of {', '.join(log.roles.sources) or 'none'}"
        )
    settings = plan.settings.model_copy(
        update={"splits": 1, "split": "random" if plan.settings.split == "time" else plan.settings.split}
    )
    plan = replace(plan, settings=settings)
    requests, there = prepare(plan, log), has_profile(log)
    _check_profiles(log, there)
    ladder = fit_ladders(plan, requests)[ALL]
    weight, clicks = requests.weights, requests.clicks.astype(np.float64)
    types = int(np.clip(2 ** math.floor(math.log2(max(clicks.sum() / CLICKS_PER_TYPE, 2))), 2, TYPES))
    odds = {source: honest(ladder.odds[source], requests.folds) for source in ("profile", "context")}
    context = as_types(odds["context"], weight, types, "context")
    profile = np.full(len(log), -1, dtype=np.int64)
    profile[there] = as_types(odds["profile"][there], weight[there], types, "profile")
    law, spread = _response(profile, context, clicks, weight, types)
    hour = log.frame["time_us"].to_numpy() // HOUR_US % 24
    worth = plan.settings.value_per_click
    cost = float(requests.cost.sum()) / MICROS / max(float((weight * clicks).sum()), 1e-300)
    tree: dict[str, Any] = {
        "scenario": {
            "name": name,
            "question": f"A market fitted to {log.path.rsplit('/', 1)[-1]}; what is it worth to join the two silos' data?",
            "currency": log.currency,
        },
        "supply": {
            "requests": REQUESTS,
            "hourly": _hourly(hour, weight, small_groups(plan.supply, log, hour)),
            "context_types": types,
            **_floors(log, weight),
        },
        "audience": {"profile_types": types},
        "response": {"family": "logit", **law, "value_per_click": _short(worth or cost)},
        "source": {
            "profile": {"owner": "cio", "match_rate": _short(float(weight[there].sum() / weight.sum()))},
            "context": {"owner": "cmo", "match_rate": 1},
        },
        "rivals": _rivals(log, weight, context, types),
        "bidders": {"values": "common"},
    }
    return Fit(tree, log, weight, clicks, profile, context, hour, spread, plan.supply)


def _check_profiles(log: LogTable, there: NDArray[np.bool_]) -> None:
    """Raise `BadInput` where rows with a profile have too few clicks, or nothing else, to fit slopes to."""
    clicks = int(log.frame["click"].to_numpy()[there].sum())
    if min(clicks, int(there.sum()) - clicks) < LEAST_CLICKS:
        filled = {name: int((log.frame[name].astype(str) != "").sum()) for name in log.roles.profile}
        column = min(filled, key=lambda name: filled[name])
        raise BadInput(
            f"{log.path}: {clicks} of the {log.frame['click'].sum():,} clicks lie among the {there.sum():,} of {len(log):,} rows with a "
            f"profile ({column} filled in); a scenario takes {LEAST_CLICKS} clicks there and as many other rows: leave {column} "
            "out of the profile columns, or see jointbid log inspect for leaks"
        )


def has_profile(log: LogTable) -> NDArray[np.bool_]:
    """Return which rows have a known person: the profile column that is missing most often is filled in; shape (rows,)."""
    filled = [(log.frame[name].astype(str) != "").to_numpy() for name in log.roles.profile]
    return min(filled, key=lambda there: there.sum())


def as_types(odds: Floats, weight: Floats, types: int, name: str) -> NDArray[np.int64]:
    """Return types of equal weight by rising score; shape (rows,).

    Rows of one score are split by a draw of the `name`'s own, as types are equally frequent: split by their order, rows that do not differ
    would get a profile that depends on their context.
    """
    draw = np.random.default_rng(zlib.crc32(name.encode())).random(len(odds))
    order = np.lexsort((draw, odds))
    upto = np.cumsum(weight[order]) - weight[order] / 2
    found = np.empty(len(odds), dtype=np.int64)
    found[order] = np.minimum((upto / weight.sum() * types).astype(np.int64), types - 1)
    return found


def _response(
    profile: NDArray[np.int64], context: NDArray[np.int64], clicks: Floats, weight: Floats, types: int
) -> tuple[dict[str, float], float]:
    """Return the keys of the response that reproduce the clicks, and the standard error of the interaction."""
    there = profile >= 0
    b, c, d, spread = _slopes(profile, context, clicks, types)
    pairs = np.bincount((profile * types + context)[there], weight[there], types**2)
    q = score_correlation(pairs.reshape(types, types))
    a = _level(float((weight * clicks).sum() / weight.sum()), b, c, d, q, types)
    law = {"a": a, "b": b, "c": c, "interaction": d, "redundancy": q}
    return {key: _short(value) for key, value in law.items()}, spread


def _slopes(
    profile: NDArray[np.int64], context: NDArray[np.int64], clicks: Floats, types: int
) -> tuple[float, float, float, float]:
    """Return b, c, d of the log-odds in the types' scores, and the standard error of d, from rows with a profile."""
    there = profile >= 0
    s, t = scores(types)[profile[there]], scores(types)[context[there]]
    columns = np.column_stack([s, t, s * t])
    model = recalibrate(columns, clicks[there])
    p = model.predict_proba(columns)[:, 1]
    design = np.column_stack([np.ones(len(s)), columns])
    covariance = np.linalg.pinv((design * (p * (1 - p))[:, None]).T @ design)
    b, c, d = (float(x) for x in model.coef_[0])
    return b, c, d, float(np.sqrt(covariance[3, 3]))


def score_correlation(count: NDArray[Any]) -> float:
    """Return the correlation of two types' scores, from the weight of each pair; the redundancy of the world's law."""
    s, t = scores(count.shape[0]), scores(count.shape[1])
    law = count / count.sum()
    s, t = s - law.sum(axis=1) @ s, t - law.sum(axis=0) @ t
    size = float(np.sqrt((law.sum(axis=1) @ s**2) * (law.sum(axis=0) @ t**2)))
    return float(np.clip(s @ law @ t / size, -1, 1)) if size else 0.0


def _level(ctr: float, b: float, c: float, d: float, q: float, types: int) -> float:
    """Return the intercept at which the world's click rate is the log's."""
    law = joint_law((types, types), (q,))
    s, t = scores(types)[:, None], scores(types)[None, :]
    return float(
        brentq(lambda a: float((law * expit(a + b * s + c * t + d * s * t)).sum()) - ctr, -40.0, 40.0)
    )


def _hourly(hour: NDArray[np.int64], weight: Floats, small: Collection[int] = ()) -> list[float]:
    """Return requests by hour of the day, 1 on average; hours of few persons have their mean."""
    count = np.bincount(hour, weight, minlength=24)
    few = np.isin(np.arange(24), list(small))
    count[few] = count[few].mean() if few.any() else 0.0
    return [_short(float(part)) for part in count / count.mean()]


def _floors(log: LogTable, weight: Floats) -> dict[str, float]:
    """Return the share of rows with a floor, and its lognormal law."""
    floor = log.frame["floor_micros"].to_numpy() / MICROS
    has = floor > 0
    if not has.any():
        return {"floor_share": 0.0}
    level, w = np.log(floor[has]), weight[has]
    mu = float(np.average(level, weights=w))
    sigma = float(np.sqrt(np.average((level - mu) ** 2, weights=w)))
    return {
        "floor_share": _short(float(w.sum() / weight.sum())),
        "floor_mu": _short(mu),
        "floor_sigma": _short(sigma),
    }


def _rivals(log: LogTable, weight: Floats, context: NDArray[np.int64], types: int) -> dict[str, Any]:
    """Return the law of the highest rival bid: a price that equals its floor says that the rival's bid lies below it.

    The product-limit estimate for such left-censored prices (Kaplan & Meier 1958 in reverse; Turnbull 1974). Each context
    type has its level, its mean price over that of all; the law is that of prices over their level.
    """
    price = log.frame["price_micros"].to_numpy() / MICROS
    floor = log.frame["floor_micros"].to_numpy() / MICROS
    level = price_levels(price, weight, context, types)
    held, share = below_floors(price / level[context], (floor > 0) & (price <= floor), weight)
    law = as_histogram(held, share)
    edges, weights = _rising(law.edges, law.weights)
    return {
        "by_context": [_short(part) for part in level],
        "landscape": "histogram",
        "edges": edges,
        "weights": weights,
    }


def _rising(edges: Sequence[float], weights: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return edges as they are written, each above the one before; bins that rounding makes one are put together."""
    low, *upper = (_short(edge, EDGE_DIGITS) for edge in edges)
    held: dict[float, float] = {}
    for edge, weight in zip(upper, weights, strict=True):
        held[edge] = held.get(edge, 0.0) + weight
    return [min(low, upper[0] * (1 - 1e-6)), *held], [_short(weight, EDGE_DIGITS) for weight in held.values()]


def price_levels(price: Floats, weight: Floats, context: NDArray[np.int64], types: int) -> Floats:
    """Return the mean price of each context type over that of all rows; 1 where nothing costs anything. Shape (types,)."""
    cost, rows = np.bincount(context, price * weight, types), np.bincount(context, weight, types)
    mean = cost.sum() / rows.sum()
    found = np.divide(cost, rows * mean, out=np.ones(types), where=(rows * mean > 0) & (cost > 0))
    return np.maximum(found, LEAST_LEVEL)


def below_floors(price: Floats, censored: NDArray[np.bool_], weight: Floats) -> tuple[Floats, Floats]:
    """Return distinct prices, rising, and the probability of each, where a censored one says that the truth is not above it."""
    held, place = np.unique(price, return_inverse=True)
    at_risk = np.cumsum(np.bincount(place, weight))
    return held, product_limit(np.bincount(place, weight * ~censored), at_risk)


def _short(value: float, digits: int = ROUNDED) -> float:
    return float(f"{value:.{digits}g}")
