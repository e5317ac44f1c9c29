"""Valuations fitted to a randomised log (``jointbid.sim.training``): what a firm can know, against what is there to know.

Every learner sees the same impressions, masked to its own sources and to the labels that its owner sees (``ownership``). ``table`` smooths cell means towards the overall mean
by as much as their spread warrants (empirical Bayes, Morris 1983). ``ridge`` is a regression on the codes of each source, logistic for
clicks and linear for values, with cross-validated penalties; crosses enter where they help (``ridge``). ``logistic`` is the same with one
fixed penalty on codes and on the crossed codes of every two sources. ``ftrl`` and ``thompson``
go on learning from their own impressions (``jointbid.strategies.valuations.start``).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Scenario
from jointbid.sim.training import HALVES, TrainingLog

from ..base import Valuation
from .combined import Link, Stacked, Summed, fit_weights
from .ftrl import FTRL
from .online import Online
from .ownership import owned
from .ridge import ridge
from .start import started
from .tables import CellValues, spread_over
from .thompson import Thompson

Cells = NDArray[np.float64]
FITTED: WeakKeyDictionary[TrainingLog, dict[tuple[str, ...], Cells]] = WeakKeyDictionary()
"""What was made of a log, as long as it is there: stacked scores and departments ask for models that arms have, too."""
Learner = Callable[[Cells, Cells, Cells, bool], Cells]
"""(count, total, square, is_click) over parts of the log and cells -> the mean outcome expected in each cell."""


def learned(scenario: Scenario, log: TrainingLog, information: tuple[str, ...], learner: str) -> Valuation:
    """A model of the outcome on the codes of ``information``, fitted to the whole log."""
    if learner in ONLINE:
        return started(ONLINE[learner], scenario, log, information)
    return CellValues(scenario.distinct(information), _fit(scenario, log, information, learner, slice(None)))


def learned_stacked(scenario: Scenario, log: TrainingLog, learner: str) -> Valuation:
    """Return the silos' own models, and weights fitted to scores of the half of the log that each model did not see."""
    is_probability = scenario.response.family == "logit"
    link: Link = "logit" if is_probability else "identity"
    unit = scenario.response.most_worth if is_probability else 1.0
    scores, target, weight = [], [], []
    for half in range(HALVES):
        here, others = (list(range(part, len(log.count), HALVES)) for part in (half, 1 - half))
        tables = log.count[here].sum(axis=0), log.total[here].sum(axis=0)
        columns = []
        for house in scenario.houses.values():
            held = scenario.originals(house)
            own = spread_over(_fit(scenario, log, house, learner, others), held, log.sources)
            columns.append(np.broadcast_to(own, tables[0].shape).ravel())
        count, total = (table.ravel() for table in tables)
        seen = count > 0
        scores.append(np.stack(columns)[:, seen])
        target.append(_unit(scenario) * total[seen] / count[seen])
        weight.append(count[seen])
    weights = fit_weights(
        np.concatenate(scores, axis=1), np.concatenate(target), np.concatenate(weight), link, unit
    )
    return Stacked(
        tuple(learned(scenario, log, house, learner) for house in scenario.houses.values()),
        weights,
        link,
        unit,
    )


def learned_summed(scenario: Scenario, log: TrainingLog, learner: str) -> Valuation:
    """Return the silos' own models, simply added."""
    parts = tuple(learned(scenario, log, house, learner) for house in scenario.houses.values())
    return Summed(parts, float(log.total.sum() / log.count.sum()) * _unit(scenario))


def _fit(
    scenario: Scenario, log: TrainingLog, sources: tuple[str, ...], learner: str, folds: slice | list[int]
) -> Cells:
    """Values in currency over the codes of ``sources``, from some folds of the log.

    Where ``unmatched='prior'`` an unmatched request is worth what the same labels say of it without that source.
    """
    if learner in ONLINE:
        return started(ONLINE[learner], scenario, log, sources, own=False, folds=folds).expected()
    made = FITTED.setdefault(log, {})
    known = (
        scenario.response.model_dump_json(),
        *(scenario.source[name].model_dump_json() for name in sources),
    )
    key = (*known, *sources, learner, str(folds))
    if key not in made:
        made[key] = _fitted(scenario, log, sources, learner, folds)
    return made[key].copy()


def _fitted(
    scenario: Scenario, log: TrainingLog, sources: tuple[str, ...], learner: str, folds: slice | list[int]
) -> Cells:
    """The same, made anew."""
    held = scenario.originals(sources)
    value = _on_codes(scenario, log, sources, held, learner, folds)
    taken_for_any = [name for name in held if scenario.source[name].unmatched == "prior"]
    for some in range(1, len(taken_for_any) + 1):
        for left_out in combinations(taken_for_any, some):
            without = tuple(name for name in held if name not in left_out)
            unmatched = tuple(-1 if name in left_out else slice(None) for name in held)
            value[unmatched] = _on_codes(scenario, log, sources, without, learner, folds)
    return value


def _on_codes(
    scenario: Scenario,
    log: TrainingLog,
    sources: tuple[str, ...],
    held: tuple[str, ...],
    learner: str,
    folds: slice | list[int],
) -> Cells:
    """Values over the codes of ``held``, from the labels that a holder of ``sources`` sees."""
    unseen = tuple(axis for axis, name in enumerate(log.sources, 1) if name not in held)

    def seen(table: Cells) -> Cells:
        return np.asarray(table[folds].sum(axis=unseen))

    fit, count = LEARNERS[learner], seen(log.count)
    if scenario.response.conversion is None:
        return np.asarray(
            _unit(scenario) * fit(count, seen(log.total), seen(log.square), scenario.response.learns_clicks)
        )
    worth = owned(scenario, log, sources)
    value = np.zeros(count.shape[1:])
    if worth.click > 0:
        value += worth.click * fit(count, clicks := seen(log.clicks), clicks, True)
    if worth.conversion > 0:
        sold = worth.conversion * fit(count, sales := seen(log.conversions), sales, True)
        if (
            log.margin.size and sales.any()
        ):  # how many sales, and what each earns: a model of its own (Duan et al. 1983)
            earned = fit(sales, seen(log.margin), seen(log.margin_square), False)
            sold = sold * np.maximum(earned, 0.0) * (log.conversions.sum() / log.margin.sum())
        value += sold
    return value


def _unit(scenario: Scenario) -> float:
    """What an outcome of the log counts, in currency."""
    return scenario.response.value_per_click if scenario.response.learns_clicks else 1.0


def smoothed_table(count: Cells, total: Cells, square: Cells, is_click: bool) -> Cells:
    """Cell means, each drawn to the overall mean by within-variance / (within-variance + n x between-variance)."""
    mean = total.sum() / count.sum()
    filled = count > 0
    cells = int(filled.sum())
    means = np.divide(total, count, out=np.full(count.shape, mean), where=filled)
    spare = max(count.sum() - cells, 1.0)
    within = mean * (1 - mean) if is_click else max((square - count * means**2).sum() / spare, 0.0)
    # Method of moments for unequal cells (DerSimonian & Laird 1986, with n in place of inverse variances).
    effective = count.sum() - (count**2).sum() / count.sum()
    excess = (count * (means - mean) ** 2).sum() - (cells - 1) * within
    between = max(excess / effective, 0.0) if effective > 0 else 0.0
    trust = np.divide(
        count * between, count * between + within, out=np.zeros(count.shape), where=filled & (between > 0)
    )
    return np.asarray(mean + trust * (means - mean))


def cell_means(count: Cells, total: Cells, square: Cells, is_click: bool) -> Cells:  # noqa: ARG001
    """Plain cell means; the overall mean where a cell was never seen."""
    overall = np.full(count.shape, total.sum() / count.sum())
    return np.asarray(np.divide(total, count, out=overall, where=count > 0))


def logistic(count: Cells, total: Cells, square: Cells, is_click: bool) -> Cells:  # noqa: ARG001
    """Ridge-penalised regression on one-hot codes and the crosses of every two sources."""
    from sklearn.linear_model import LogisticRegression, Ridge

    if count.ndim == 0:
        return np.asarray(total / count)
    features = _one_hot(count.shape)
    n, y = count.ravel(), total.ravel()
    if is_click:
        if y.sum() == 0 or y.sum() == n.sum():
            return np.full(count.shape, y.sum() / n.sum())
        clicked, not_clicked = np.flatnonzero(y), np.flatnonzero(n - y)
        rows = np.concatenate([clicked, not_clicked])
        label = np.repeat([1, 0], [len(clicked), len(not_clicked)])
        weight = np.concatenate([y[clicked], (n - y)[not_clicked]])
        model = LogisticRegression(C=1.0, max_iter=1000, tol=1e-8).fit(features[rows], label, weight)
        return np.asarray(model.predict_proba(features)[:, 1].reshape(count.shape))
    used = n > 0
    ridge = Ridge(alpha=1.0, solver="sparse_cg", tol=1e-12).fit(
        features[used], y[used] / n[used], sample_weight=n[used]
    )
    return np.asarray(ridge.predict(features).reshape(count.shape))


def _one_hot(shape: tuple[int, ...]) -> Any:
    """Indicators of each code, and of each pair of codes of two sources; sparse, shape (cells, features)."""
    from scipy.sparse import csr_array

    codes = np.unravel_index(np.arange(prod(shape)), shape)
    columns, width = [], 0
    for code, size in zip(codes, shape, strict=True):
        columns.append(width + code)
        width += size
    for one, other in combinations(range(len(shape)), 2):
        columns.append(width + codes[one] * shape[other] + codes[other])
        width += shape[one] * shape[other]
    ones, row = np.ones(len(columns) * len(columns[0])), np.repeat(np.arange(len(columns[0])), len(columns))
    return csr_array((ones, (row, np.stack(columns, axis=1).ravel())), shape=(len(columns[0]), width))


ONLINE: dict[str, Callable[..., Online]] = {"ftrl": FTRL, "thompson": Thompson}
"""Learners that begin with the log, and go on with their own impressions while they bid."""


def pooled(fit: Learner) -> Learner:
    """A learner that takes the log as a whole."""
    return lambda count, total, square, is_click: fit(
        count.sum(axis=0), total.sum(axis=0), square.sum(axis=0), is_click
    )


LEARNERS: dict[str, Learner] = {
    "ridge": ridge,
    "logistic": pooled(logistic),
    "table": pooled(smoothed_table),
    "cell_means": pooled(cell_means),
}
