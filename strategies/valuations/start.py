"""The start of models that learn while they bid: each label's model is fitted to the randomised log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Scenario
from jointbid.sim.delays import quantile
from jointbid.sim.training import TrainingLog

from .combined import Apart
from .features import Features
from .impressions import OutcomeKind, OwnImpressions
from .online import Online
from .ownership import owned

MATURE = 0.9
"""Impressions are held back until this share of their outcomes is known,"""
LONGEST_WAIT = 0.25
"""but not for more than this part of the run."""


def started(
    model: Callable[..., Online],
    scenario: Scenario,
    log: TrainingLog,
    information: tuple[str, ...],
    *,
    own: bool = True,
    folds: slice | list[int] = slice(None),
    **parameters: float,
) -> Online | Apart:
    """A model of an impression's outcome on the codes of ``information``, fitted to (some folds of) the randomised log.

    Clicks and conversions have a model each, where the sources' owners see both; an amount of currency has a linear one.

    With ``own`` it goes on learning from its own impressions, where it receives their outcomes: clicks, and conversions. It holds
    them back for nine tenths of the outcomes to become known, but not for more than a quarter of the run.

    Raises ``ValueError`` for a source with ``unmatched='prior'``: each row moves one model, and would need one without the source.
    """
    for name in information:
        if scenario.data_of(name).unmatched == "prior":
            raise ValueError(
                f"source.{scenario.original(name)}.unmatched = prior: must be signal where a model learns while it bids"
            )
    sources, held = scenario.distinct(information), scenario.originals(information)
    unseen = tuple(axis for axis, name in enumerate(log.sources) if name not in held)

    def seen(table: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(table[folds].sum(axis=0).sum(axis=unseen))

    features, count = Features(sources, tuple(map(scenario.codes_of, sources))), seen(log.count)
    if scenario.response.family != "logit":
        total = seen(log.total)
        unit, noise = _scale(count, total, seen(log.square))
        made = model(features, "identity", unit, noise=noise, **parameters)
        made.fit(count, total / unit)
        return made
    parts = []
    for number, label in enumerate(_labels(scenario, log, information)):
        impressions = _own(scenario, features, label) if own else None
        made = model(features, "logit", label.worth, impressions, **parameters)
        made.draw = number
        made.fit(count, seen(label.table))
        parts.append(made)
    return parts[0] if len(parts) == 1 else Apart(tuple(parts))


class _Label(NamedTuple):
    """A click or a conversion: its ``worth`` to the learner in currency, the log's ``table`` of it, and how it becomes known."""

    worth: float
    table: NDArray[np.float64]
    click: OutcomeKind | None = None
    conversion: OutcomeKind | None = None


def _labels(scenario: Scenario, log: TrainingLog, information: tuple[str, ...]) -> list[_Label]:
    """Return the labels that a holder of ``information`` sees."""
    response, sale = scenario.response, scenario.response.conversion
    clicked = OutcomeKind(1.0, response.click_delay_h)
    if sale is None:
        return [_Label(response.value_per_click, log.total, clicked)]
    worth = owned(scenario, log, information)
    sold = OutcomeKind(1.0, sale.delay_h, sale.click_window_h)
    sales = _Label(worth.conversion, log.conversions, None, sold)
    if log.margin.sum() > 0:  # a sale counts for its part of the largest margin (Papke & Wooldridge 1996)
        mean = float(log.margin.sum() / log.conversions.sum())
        largest = _Label(worth.conversion * sale.most / mean, log.margin / sale.most, None)
        sales = largest._replace(conversion=replace(sold, most=sale.most))
    both = [_Label(worth.click, log.clicks, clicked), sales]
    return [label for label in both if label.worth > 0] or both[:1]


def _scale(
    count: NDArray[np.float64], total: NDArray[np.float64], square: NDArray[np.float64]
) -> tuple[float, float]:
    """The mean outcome, so that weights are relative to it as log-odds are; and the spread around it, in that unit."""
    n = max(float(count.sum()), 1.0)
    mean, spread = abs(float(total.sum())) / n, float(np.sqrt(square.sum() / n))
    unit = max(mean, 1e-3 * spread) or 1.0
    return unit, max(spread / unit, 1e-3)


def _own(scenario: Scenario, features: Features, label: _Label) -> OwnImpressions:
    """Return the learner's own impressions, held back for the time that this label needs."""
    outcomes = [each for each in (label.click, label.conversion) if each is not None]
    wait_h = min(max(map(_mature_at, outcomes)), LONGEST_WAIT * scenario.supply.horizon_h)
    return OwnImpressions(features, label.click, label.conversion, wait_h)


def _mature_at(outcome: OutcomeKind) -> float:
    """Return the age at which most outcomes are known, in hours."""
    return 0.0 if outcome.delay.is_none else float(quantile(outcome.delay, np.array([MATURE]))[0])
