"""Valuations fitted to a randomised log (``jointbid.sim.training``): what a firm can know, against what is there to know.

Every learner sees the same impressions, masked to its own sources and to the labels that its owner sees
(``ownership``). ``table`` smooths cell means towards the overall mean by as much as their spread warrants (empirical
Bayes, Morris 1983). ``ridge`` is a regression on the codes of each source, logistic for clicks and linear for values,
with cross-validated penalties; crosses enter where they help (``ridge``). ``logistic`` is the same with one fixed
penalty on codes and on the crossed codes of every two sources. ``ftrl`` and ``thompson`` go on learning from their own
impressions (``jointbid.strategies.valuations.start``). A further learner is a line in ``LEARNERS``, or in ``ONLINE``
and ``GO_ON_LEARNING`` (experiments/config/learnable.py), and its name in ``Learner``
(experiments/config/study_settings.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import combinations
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from jointbid.sim import Scenario
from jointbid.sim.training import HALVES, TrainingLog

from ..base import Valuation
from .cell_tables import Cells, cell_error, cell_means, smoothed_error, smoothed_table
from .combined import Stacked, Summed, root_of_squares
from .ftrl import FTRL
from .logistic import logistic, logistic_error
from .online import Link, Online
from .ownership import owned
from .ridge import ridge
from .ridge_errors import ridge_error
from .stacking import fit_weights
from .start import started
from .tables import CellValues, with_axes_of
from .thompson import Thompson

FITTED: WeakKeyDictionary[TrainingLog, dict[tuple[str, ...], Cells]] = WeakKeyDictionary()
"""What was made of a log, as long as it is there: stacked scores and departments ask for models that arms have, too."""
Learner = Callable[[Cells, Cells, Cells, bool], Cells]
"""(count, total, square, is_click) over parts of the log and cells -> the mean outcome expected in each cell."""


def learned(scenario: Scenario, log: TrainingLog, information: tuple[str, ...], learner: str) -> Valuation:
    """A model of the outcome on the codes of ``information``, fitted to the whole log."""
    if learner in ONLINE:
        return started(ONLINE[learner], scenario, log, information)
    table = _values(scenario, log, information, learner, slice(None))
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
        for silo in scenario.silos.values():
            held = scenario.originals(silo)
            own = with_axes_of(_values(scenario, log, silo, learner, others), held, log.sources)
            columns.append(np.broadcast_to(own, tables[0].shape).ravel())
        count, total = (table.ravel() for table in tables)
        seen = count > 0
        scores.append(np.stack(columns)[:, seen])
        target.append(_unit(scenario) * total[seen] / count[seen])
        weight.append(count[seen])
    models = tuple(learned(scenario, log, silo, learner) for silo in scenario.silos.values())
    return Stacked(models, fit_weights(scores, target, weight, link, unit), link, unit)


def learned_summed(scenario: Scenario, log: TrainingLog, learner: str) -> Valuation:
    """Return the silos' own models, simply added."""
    parts = tuple(learned(scenario, log, silo, learner) for silo in scenario.silos.values())
    return Summed(parts, float(log.total.sum() / log.count.sum()) * _unit(scenario))


def _values(
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
        made[key] = _with_unmatched(scenario, log, sources, learner, folds, _values_on_codes)
    return made[key].copy()


def _errors(scenario: Scenario, log: TrainingLog, sources: tuple[str, ...], learner: str) -> Cells:
    """Return the standard errors of the values of ``_values`` on the whole log, in currency."""
    return _with_unmatched(scenario, log, sources, learner, slice(None), _errors_on_codes)


def _with_unmatched(
    scenario: Scenario,
    log: TrainingLog,
    sources: tuple[str, ...],
    learner: str,
    folds: slice | list[int],
    on_codes: Callable[[Iterable[_Label], str], Cells],
) -> Cells:
    """Return what ``on_codes`` makes of the labels over the codes of ``sources``; unmatched ones filled in where one says ``prior``."""
    held = scenario.originals(sources)
    value = on_codes(_labels(scenario, log, sources, held, folds), learner)
    taken_for_any = [name for name in held if scenario.source[name].unmatched == "prior"]
    for some in range(1, len(taken_for_any) + 1):
        for left_out in combinations(taken_for_any, some):
            without = tuple(name for name in held if name not in left_out)
            unmatched = tuple(-1 if name in left_out else slice(None) for name in held)
            value[unmatched] = on_codes(_labels(scenario, log, sources, without, folds), learner)
    return value


class _Label(NamedTuple):
    """One kind of outcome in a part of a log, summed to the codes of some sources: what a learner is fitted to.

    Attributes:
        worth: of one outcome, in currency.
        sums: count, total, square, and whether it is a click or no click; see ``Learner``.
        margin: the same of what each outcome earned; empty where all earn the same.
        scale: of the learned margins, so that they are 1 on average.
    """

    worth: float
    sums: tuple[Cells, Cells, Cells, bool]
    margin: tuple[Cells, Cells, Cells, bool] | tuple[()] = ()
    scale: float = 1.0


def _labels(
    scenario: Scenario,
    log: TrainingLog,
    sources: tuple[str, ...],
    held: tuple[str, ...],
    folds: slice | list[int],
) -> Iterator[_Label]:
    """Yield the labels that a holder of ``sources`` sees, over the codes of ``held``."""
    unseen = tuple(axis for axis, name in enumerate(log.sources, 1) if name not in held)

    def seen(table: Cells) -> Cells:
        return np.asarray(table[folds].sum(axis=unseen))

    count = seen(log.count)
    if scenario.response.conversion is None:
        sums = count, seen(log.total), seen(log.square), scenario.response.learns_clicks
        yield _Label(_unit(scenario), sums)
        return
    worth = owned(scenario, log, sources)
    if worth.click > 0:
        clicks = seen(log.clicks)
        yield _Label(worth.click, (count, clicks, clicks, True))
    if worth.conversion > 0:
        sales = seen(log.conversions)
        label = _Label(worth.conversion, (count, sales, sales, True))
        # how many sales, and what each earns: a model of its own (Duan et al. 1983)
        if log.margin.size and sales.any():
            margin = sales, seen(log.margin), seen(log.margin_square), False
            label = label._replace(margin=margin, scale=log.conversions.sum() / log.margin.sum())
        yield label


def _values_on_codes(labels: Iterable[_Label], learner: str) -> Cells:
    """Return values over the codes of the labels."""
    (fit, _), values = LEARNERS[learner], list[Cells]()
    for label in labels:
        value = label.worth * fit(*label.sums)
        if label.margin:
            value = value * np.maximum(fit(*label.margin), 0.0) * label.scale
        values.append(value)
    return np.asarray(sum(values))


def _errors_on_codes(labels: Iterable[_Label], learner: str) -> Cells:
    """Return standard errors of ``_values_on_codes``; those of clicks, conversions and margins count as independent."""
    (fit, error), errors = LEARNERS[learner], list[Cells]()
    for label in labels:
        own = label.worth * error(*label.sums)
        if label.margin:
            errors.append(label.worth * fit(*label.sums) * label.scale * error(*label.margin))
            own = own * np.maximum(fit(*label.margin), 0.0) * label.scale
        errors.append(own)
    return errors[0] if len(errors) == 1 else root_of_squares(errors)


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


LEARNERS: dict[str, tuple[Learner, Learner]] = {
    "ridge": (ridge, ridge_error),
    "logistic": (pooled(logistic), pooled(logistic_error)),
    "table": (pooled(smoothed_table), pooled(smoothed_error)),
    "cell_means": (pooled(cell_means), pooled(cell_error)),
}
"""Each learner, and the standard errors of its means from the same sums."""
