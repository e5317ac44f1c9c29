"""Valuations fitted to a randomised log (``jointbid.sim.training``): what a firm can know, against what is there to know.

Every learner sees the same impressions, masked to its own sources and to the labels that its owner sees (``ownership``). ``table`` smooths cell means towards the overall mean
by as much as their spread warrants (empirical Bayes, Morris 1983). ``ridge`` is a regression on the codes of each source, logistic for
clicks and linear for values, with cross-validated penalties; crosses enter where they help (``ridge``). ``logistic`` is the same with one
fixed penalty on codes and on the crossed codes of every two sources. ``ftrl`` and ``thompson``
go on learning from their own impressions (``jointbid.strategies.valuations.start``).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import combinations
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Scenario
from jointbid.sim.training import HALVES, TrainingLog

from ..base import Valuation
from .cell_tables import cell_error, cell_means, smoothed_error, smoothed_table
from .combined import Link, Stacked, Summed, fit_weights
from .ftrl import FTRL
from .logistic import logistic, logistic_error
from .online import Online
from .ownership import owned
from .ridge import ridge
from .ridge_errors import ridge_error
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
    table = _fit(scenario, log, information, learner, slice(None))
    return CellValues(
        scenario.distinct(information), table, partial(_errors, scenario, log, information, learner)
    )


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


def _errors(scenario: Scenario, log: TrainingLog, sources: tuple[str, ...], learner: str) -> Cells:
    """Return the standard errors of the values of ``_fit`` on the whole log, in currency."""
    return _fitted(scenario, log, sources, learner, slice(None), _errors_on_codes)


def _fitted(
    scenario: Scenario,
    log: TrainingLog,
    sources: tuple[str, ...],
    learner: str,
    folds: slice | list[int],
    on_codes: Callable[..., Cells] | None = None,
) -> Cells:
    """The same, made anew; or what ``on_codes`` makes in place of values."""
    held, on_codes = scenario.originals(sources), on_codes or _on_codes
    value = on_codes(scenario, log, sources, held, learner, folds)
    taken_for_any = [name for name in held if scenario.source[name].unmatched == "prior"]
    for some in range(1, len(taken_for_any) + 1):
        for left_out in combinations(taken_for_any, some):
            without = tuple(name for name in held if name not in left_out)
            unmatched = tuple(-1 if name in left_out else slice(None) for name in held)
            value[unmatched] = on_codes(scenario, log, sources, without, learner, folds)
    return value


def _seen(log: TrainingLog, held: tuple[str, ...], folds: slice | list[int]) -> Callable[[Cells], Cells]:
    """What sums a table of the log, over these folds, to the codes of ``held``."""
    unseen = tuple(axis for axis, name in enumerate(log.sources, 1) if name not in held)
    return lambda table: np.asarray(table[folds].sum(axis=unseen))


def _on_codes(
    scenario: Scenario,
    log: TrainingLog,
    sources: tuple[str, ...],
    held: tuple[str, ...],
    learner: str,
    folds: slice | list[int],
) -> Cells:
    """Values over the codes of ``held``, from the labels that a holder of ``sources`` sees."""
    seen = _seen(log, held, folds)
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


def _errors_on_codes(
    scenario: Scenario,
    log: TrainingLog,
    sources: tuple[str, ...],
    held: tuple[str, ...],
    learner: str,
    folds: slice | list[int],
) -> Cells:
    """Standard errors of the values of ``_on_codes``; those of clicks, conversions and margins count as independent."""
    seen = _seen(log, held, folds)
    fit, error, count = LEARNERS[learner], ERRORS[learner], seen(log.count)
    if scenario.response.conversion is None:
        is_click = scenario.response.learns_clicks
        return np.asarray(_unit(scenario) * error(count, seen(log.total), seen(log.square), is_click))
    worth, square = owned(scenario, log, sources), np.zeros(count.shape[1:])
    if worth.click > 0:
        square += (worth.click * error(count, clicks := seen(log.clicks), clicks, True)) ** 2
    if worth.conversion > 0:
        sales = seen(log.conversions)
        sold = worth.conversion * error(count, sales, sales, True)
        if log.margin.size and sales.any():
            margin = (sales, seen(log.margin), seen(log.margin_square), False)
            scale = log.conversions.sum() / log.margin.sum()
            square += (worth.conversion * fit(count, sales, sales, True) * scale * error(*margin)) ** 2
            sold = sold * np.maximum(fit(*margin), 0.0) * scale
        square += sold**2
    return np.asarray(np.sqrt(square))


def _unit(scenario: Scenario) -> float:
    """What an outcome of the log counts, in currency."""
    return scenario.response.value_per_click if scenario.response.learns_clicks else 1.0


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
ERRORS: dict[str, Learner] = {
    "ridge": ridge_error,
    "logistic": pooled(logistic_error),
    "table": pooled(smoothed_error),
    "cell_means": pooled(cell_error),
}
"""The standard errors of each learner's means, from the same sums."""
