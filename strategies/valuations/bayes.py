"""The exact valuation: E[theta | what the sources show], under the true model and the sources' true error rates.

What a study needs to separate the worth of data from the cost of learning. The posterior is worked out once, as tables
over codes; the strategy that is handed them holds no truth about any single request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Scenario
from jointbid.sim.audience import consent_law
from jointbid.sim.brains import one_text
from jointbid.sim.journey.process import backwards, journey_of, stationary
from jointbid.sim.response import truth
from jointbid.sim.scenario import HOUR_US, MOVING, Source, SyntheticSupply
from jointbid.sim.sources import SyncClock, likelihood, must_consent, retention, true_records

from ..base import Valuation
from . import shelf
from .affiliated import Informed, cautious_bids, informed
from .outlook import worth_by_stage
from .tables import DECIMALS, AgedValues, CellValues, deviation, ratio, with_axes_of

Goal = Literal["worth", "clicks"]
"""The goal of a bidder: the whole worth of an impression, or its clicks alone."""
RECORD = 5
"""Among the axes that a likelihood depends on, that of what moves, as it was when the copy was taken."""
AGE_GRID = 4096
"""Points of the refresh cycle over which unknown ages are averaged."""


def bayes(scenario: Scenario, information: tuple[str, ...], goal: Goal = "worth") -> Valuation:
    """E[theta | codes of the sources in ``information``], with their ages where these are known.

    With ``goal='clicks'`` theta is its estimate by a bidder that sees clicks alone (``law_and_worth``).

    Of several copies of the same data the first alone is read. Raises ``ValueError`` for a source that the scenario does not have.
    """
    if wrong := one_text(information):
        raise ValueError(f"information = {wrong}")
    unknown = [name for name in information if name not in scenario.source]
    if unknown:
        has = ", ".join(scenario.source) or "none"
        raise ValueError(f"no source {unknown[0]!r} in this scenario; there is: {has}")
    sources = scenario.distinct(information)
    aged = tuple(name for name in sources if ages_are_used(scenario.data_of(name)))
    prior = mean_value(scenario, goal)
    constant = {name: believed_retention(scenario, name) for name in sources if name not in aged}
    ends = corners(partial(posterior, scenario, sources, goal=goal), constant, aged)
    squares = partial(_squares, partial(posterior, scenario, sources, goal=goal, power=2), constant, aged)
    if not aged:
        return CellValues(sources, ends.mean(prior), partial(_deviations, ends, squares))
    decays = tuple(_decay(scenario, name) for name in aged)
    return AgedValues(sources, aged, decays, ends.worth, ends.weight, prior, squares)


def _squares(law: Law, keep: dict[str, float], aged: Sequence[str]) -> NDArray[np.float64]:
    """Return the table ``worth`` of ``corners``: of a ``law`` of the squares of theta."""
    return corners(law, keep, aged).worth


def _deviations(known: Posterior, squares: Callable[[], NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the standard deviation of theta given the codes."""
    return deviation(known.worth, squares(), known.weight)


@dataclass(frozen=True)
class Posterior:
    """Over the codes of some sources: ``weight`` their probability, ``worth`` that times the mean of theta."""

    weight: NDArray[np.float64]
    worth: NDArray[np.float64]

    def mean(self, prior: float) -> NDArray[np.float64]:
        """E[theta | codes]."""
        return ratio(self.worth, self.weight, prior)

    def at(self, retentions: NDArray[np.float64]) -> Posterior:
        """Return the posteriors between ``corners`` at retentions of the aged sources, shape (aged, n); they have an axis of n first."""
        weight, worth = self.weight[None], self.worth[None]
        for row in retentions:
            keep = row.reshape(-1, *[1] * (weight.ndim - 2))
            weight, worth = ((1.0 - keep) * table[:, 0] + keep * table[:, 1] for table in (weight, worth))
        return Posterior(weight, worth)


Law = Callable[[dict[str, float]], Posterior]
"""Retentions of the sources -> the ``posterior``."""


def corners(law: Law, keep: dict[str, float], aged: Sequence[str]) -> Posterior:
    """Return a ``law`` where each of the sources ``aged`` retains nothing or all, the others ``keep``.

    Before the axes of the codes stands one of length 2 for each aged source. Weight and worth are linear in each retention,
    so that they follow from these wherever it lies between.
    """
    ends = [
        law({**keep, **dict(zip(aged, corner, strict=True))})
        for corner in product((0.0, 1.0), repeat=len(aged))
    ]
    shape = (2,) * len(aged) + ends[0].weight.shape
    weight, worth = (
        np.stack([getattr(end, name) for end in ends]).reshape(shape) for name in ("weight", "worth")
    )
    return Posterior(weight, worth)


def posterior(
    scenario: Scenario,
    sources: tuple[str, ...],
    keep: dict[str, float],
    *,
    believed: bool = True,
    goal: Goal = "worth",
    theta: NDArray[np.float64] | None = None,
    power: int = 1,
) -> Posterior:
    """Joint law of the codes, and theta's mean along it, at the retentions ``keep``; an axis a source.

    ``theta`` is, unless given, what an impression is worth over the rotation of creatives; ``worth`` is of its ``power``.

    ``believed``: as by a bidder that takes unmatched requests for any other where ``unmatched='prior'``; these then have
    no probability of their own, and ``weight`` sums to more than 1.
    """
    moving = tuple(name for name in sources if scenario.factor_of(name) in MOVING)
    law, worth = law_and_worth(scenario, goal)
    worth = worth if theta is None else theta[..., None]
    law = np.stack([law, law * (worth if power == 1 else worth**power)])[..., None, :]
    if any(must_consent(scenario, name) for name in sources):
        given = np.stack([1.0 - (yes := consent_law(scenario)), yes], axis=-1)
        law = law * given[:, None, :, :, None]
    parts: list[Any] = [law, [0, 1, 2, 3, 4, 5]]
    record = {name: place for place, name in enumerate(moving, start=6)}
    if moving:
        group, then = _then(scenario, moving, believed=believed)
        parts += [then, [group, 5, *record.values()]]
    first = 6 + len(moving)
    for axis, name in enumerate(sources, start=first):
        shown = likelihood(scenario, name, keep[name])
        if believed and scenario.data_of(name).unmatched == "prior":
            shown[-1] = 1.0
        used = [place for place, length in enumerate(shown.shape[1:], start=1) if length > 1]
        letters = [record[name] if place == RECORD else place for place in used]
        parts += [shown.squeeze(tuple(i for i in range(1, shown.ndim) if i not in used)), [axis, *letters]]
    codes = list(range(first, first + len(sources)))
    weight, worth = np.einsum(*parts, [0, *codes], optimize="greedy")
    return Posterior(weight, worth)


def _then(scenario: Scenario, names: tuple[str, ...], *, believed: bool) -> tuple[int, NDArray[np.float64]]:
    """Return the law of the records of moving facts given their present state, and the number of the axis by which it differs."""
    if scenario.journey is None:
        return 2, shelf.units_then(scenario, names, believed=believed)
    return 1, shelf.records(
        scenario, names, backwards(scenario), journey_of(scenario).step_h, believed=believed
    )


def law_and_worth(
    scenario: Scenario, goal: Goal = "worth"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the probability of each kind of request, and its worth; an axis for each factor, then one of what moves.

    ``goal='clicks'``: as a bidder sees it that counts clicks alone, each at the worth of impressions per click on average.
    """
    world = truth(scenario)
    law, worth = world.law[..., None], world.theta[..., None]
    if scenario.journey is not None:
        law = law * stationary(scenario)[:, None, None, :]
        worth = worth + worth_by_stage(scenario)[:, :, None, :]
    elif scenario.stock is not None:
        law = law * shelf.stationary(scenario)[None, :, None, :]
        worth = shelf.worth_by_units(scenario)
    if goal == "clicks":
        click = world.click[..., None]
        worth = click * (np.sum(law * worth) / np.sum(law * click))
    return law, worth


def mean_value(scenario: Scenario, goal: Goal = "worth") -> float:
    """Return E[theta], the value to a bidder without data."""
    law, worth = law_and_worth(scenario, goal)
    return round(float(np.sum(law * worth)), DECIMALS)


def ages_are_used(source: Source) -> bool:
    """Return whether its age differs between requests, is known, and is used."""
    return source.ages and source.age_known and source.use == "calibrated" and not source.never_arrives


def believed_retention(scenario: Scenario, name: str) -> float:
    """Return the retention that a bidder assumes without using the age: 1 if naive, else the mean over requests."""
    source = scenario.data_of(name)
    return 1.0 if source.use == "naive" or source.never_arrives else mean_retention(scenario, name)


def mean_retention(scenario: Scenario, name: str) -> float:
    """Return the true retention, on average over the requests of the run."""
    ages, weights = ages_over_the_run(scenario, name)
    types = scenario.types_of(scenario.factor_of(name))
    return float(np.average(retention(scenario.data_of(name), ages, types), weights=weights))


def ages_over_the_run(scenario: Scenario, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ages of the copy in hours at points of the run, and how many requests come there (relative); shape (points,)."""
    source, supply = scenario.data_of(name), scenario.supply
    clock = SyncClock.of(source)
    if not clock.interval_us or not isinstance(supply, SyntheticSupply):
        return np.array([clock.latency_us / HOUR_US]), np.ones(1)
    interval, latency = clock.interval_us / HOUR_US, clock.latency_us / HOUR_US
    points = max(AGE_GRID, int(64 * supply.horizon_h / interval))
    hours = (np.arange(points) + 0.5) * (supply.horizon_h / points)
    ages = hours - np.floor((hours - latency) / interval) * interval
    slot = (hours % 24.0 * len(supply.hourly) / 24.0).astype(int)
    return ages, np.asarray(supply.hourly)[slot]


def _decay(scenario: Scenario, name: str) -> tuple[float, float]:
    """Return the retention at age 0, and the rate per hour at which it falls."""
    source = scenario.data_of(name)
    kept = true_records(source, scenario.types_of(scenario.factor_of(name)))
    return (1.0 - source.false_match_rate) * kept, 2.0 * source.flip_rate_per_h


def winning(scenario: Scenario, information: tuple[str, ...], rivals: Iterable[tuple[str, ...]]) -> Valuation:
    """A bid in a second-price auction of common or correlated values that no better informed rival can turn into a loss.

    ``rivals`` are the sources that each of the others holds. A bidder that knows all that they know bids its expected value. One that
    knows less wins only what the better informed left: it bids the least that they could think an impression worth, given
    what it sees itself. Where information is nested that is an equilibrium (Milgrom & Weber 1982 for the reasoning: a rival
    who knows more bids the value itself, so that what is won above the least is won at its value or at a loss); where
    rivals know different things it is merely cautious. Between private and common values (``bidders.values`` is a correlation) the
    rival may look at other facts, and the bid is that of ``cautious_bids``, with better informed rivals who bid what they expect.
    """
    rivals = list(rivals)
    others = {name for held in rivals for name in held}
    names, held = scenario.originals({*information, *others}), scenario.originals(information)
    if names == held:
        return bayes(scenario, information)
    prior, hidden = mean_value(scenario), tuple(axis for axis, name in enumerate(names) if name not in held)
    known = _known(scenario, names)
    if scenario.bidders.affiliation < 1.0:
        sets = informed((frozenset(scenario.originals(one)) for one in rivals), frozenset(held))
        groups = [
            Informed(with_axes_of(_known(scenario, own).mean(prior), own, names), count)
            for sources, count in sets.items()
            for own in [tuple(name for name in names if name in sources)]
        ]
        bids = cautious_bids(known.weight, known.worth, hidden, groups, scenario.bidders.affiliation)
        bid_table = np.where(np.isnan(bids), prior, bids)
    else:
        least = np.where(known.weight > 1e-15, known.mean(prior), np.inf).min(axis=hidden)
        bid_table = np.where(np.isfinite(least), least, prior)
    return CellValues(scenario.distinct(information), bid_table, partial(_sigma_of, scenario, information))


def _sigma_of(scenario: Scenario, information: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the table of standard deviations of exact values whose copies' ages are not used."""
    held = scenario.originals(information)
    keep = {name: believed_retention(scenario, name) for name in held}
    squares = partial(_squares, partial(posterior, scenario, held, power=2), keep, ())
    return _deviations(posterior(scenario, held, keep), squares)


def _known(scenario: Scenario, names: tuple[str, ...]) -> Posterior:
    """Return the posterior of some sources as bidders believe them to be."""
    return posterior(scenario, names, {name: believed_retention(scenario, name) for name in names})
