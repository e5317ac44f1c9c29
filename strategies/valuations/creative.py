"""The choice of creative and the value of the impression: decided together, or by two departments.

Where one department does both, it values each creative on its own data, shows the one that is worth most, and bids that.
Where one bids and another shows, each on its own data, the one that bids knows on average what the other will show: it bids
E[theta of the creative that will be shown | its own data].
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Scenario, VisibleRequests
from jointbid.sim.response import truth
from jointbid.sim.training import TrainingLog

from ..base import Valuation, sigma_of
from .bayes import believed_retention, posterior
from .combined import Combined
from .learned import learned
from .tables import DECIMALS, CellValues, deviation, ratio, with_axes_of

Table = NDArray[np.float64]


@dataclass(frozen=True)
class BestCreative(Combined):
    """``parts`` value the creatives, in their order, on the same data; it shows the best (the first of equals) and bids its worth."""

    parts: tuple[Valuation, ...]

    def value(self, requests: VisibleRequests) -> Table:
        """Return the worth of the best creative."""
        return np.asarray(np.stack(self.each(requests)).max(axis=0))

    def sigma(self, requests: VisibleRequests) -> Table:
        """Return the standard deviation of the best creative's worth."""
        best = self.creative(requests)[None]
        return np.asarray(np.take_along_axis(np.stack(self.sigmas(requests)), best, axis=0)[0])

    def creative(self, requests: VisibleRequests) -> NDArray[np.int64]:
        """Return the number of the best creative."""
        return np.asarray(np.stack(self.each(requests)).argmax(axis=0))


@dataclass(frozen=True)
class TwoDepartments:
    """``worth`` is what an impression is worth to the one that bids; the other shows ``choice``, by the codes of ``shows_by``."""

    worth: Valuation
    shows_by: tuple[str, ...]
    choice: NDArray[np.int64]

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of both departments."""
        return tuple(dict.fromkeys((*self.worth.reads, *self.shows_by)))

    def value(self, requests: VisibleRequests) -> Table:
        """Return the worth of the impression to the department that bids."""
        return self.worth.value(requests)

    def sigma(self, requests: VisibleRequests) -> Table:
        """Return how sure the department that bids is."""
        return sigma_of(self.worth, requests)

    def creative(self, requests: VisibleRequests) -> NDArray[np.int64]:
        """Return the creative that the other department shows."""
        codes = tuple(requests[name] for name in self.shows_by)
        return np.asarray(np.broadcast_to(self.choice[codes], (requests.n,)))


def single(scenario: Scenario) -> list[Scenario]:
    """Return the market with one of its creatives alone, for each."""
    return [
        scenario.model_copy(update={"creative": {name: creative}})
        for name, creative in scenario.creative.items()
    ]


def best_creative(scenario: Scenario, of: Callable[[int, Scenario], Valuation]) -> BestCreative:
    """``of`` values one creative, by its number and the market in which there is no other."""
    return BestCreative(tuple(of(number, alone) for number, alone in enumerate(single(scenario))))


def bayes_apart(scenario: Scenario, bids_on: Iterable[str], shows_by: Iterable[str]) -> TwoDepartments:
    """Two departments, both exact: bids on the data ``bids_on``, shows by ``shows_by``."""
    bids_on, shows_by = tuple(bids_on), tuple(shows_by)
    names = scenario.originals({*bids_on, *shows_by})
    keep = {name: believed_retention(scenario, name) for name in names}
    parts = [posterior(scenario, names, keep, theta=worth) for worth in truth(scenario).effect.worth]
    weight, worth = parts[0].weight, np.stack([part.worth for part in parts])
    choice = _best(_seen(worth, names, scenario.originals(shows_by)))
    shown = _shown(worth, choice, names, scenario.originals(shows_by))
    kept = scenario.originals(bids_on)
    mean = ratio(
        _seen(shown[None], names, kept)[0],
        _seen(weight[None], names, kept)[0],
        float(shown.sum() / weight.sum()),
    )
    deviations = partial(_deviations_apart, scenario, names, keep, kept, choice, scenario.originals(shows_by))
    own = CellValues(scenario.distinct(bids_on), mean, deviations)
    return TwoDepartments(own, scenario.distinct(shows_by), choice)


def _deviations_apart(
    scenario: Scenario,
    names: tuple[str, ...],
    keep: dict[str, float],
    kept: Sequence[str],
    choice: NDArray[np.int64],
    shows_by: Sequence[str],
) -> Table:
    """Return the standard deviation of the worth of what the other department shows, over the codes ``kept``."""
    effects = truth(scenario).effect.worth
    first, second = ([posterior(scenario, names, keep, theta=worth**power) for worth in effects] for power in (1, 2))  # fmt: skip
    worth, square = (
        _seen(_shown(np.stack([part.worth for part in parts]), choice, names, shows_by)[None], names, kept)[0]
        for parts in (first, second)
    )
    return deviation(worth, square, _seen(first[0].weight[None], names, kept)[0])


def learned_apart(
    scenario: Scenario,
    logs: Sequence[TrainingLog],
    bids_on: Iterable[str],
    shows_by: Iterable[str],
    learner: str,
) -> TwoDepartments:
    """Two departments that learn from one log, which holds each creative's impressions apart (``creative_logs``).

    The one that shows fits each creative by itself. The one that bids fits the impressions on which chance showed what the
    other would have: those of a policy, out of a log of random ones (Li, Chu, Langford & Wang 2011), weighted where
    creatives were not shown equally often.
    """
    bids_on, shows_by = tuple(bids_on), tuple(shows_by)
    fitted = [
        learned(alone, log, shows_by, learner) for alone, log in zip(single(scenario), logs, strict=True)
    ]
    choice = _best(np.stack([part.table for part in fitted if isinstance(part, CellValues)]))
    names, shares = logs[0].sources, truth(scenario).shares
    where = with_axes_of(choice, scenario.originals(shows_by), names)
    weights = [(where == number) * (shares.min() / share) for number, share in enumerate(shares)]
    if not any((weight * log.count).any() for weight, log in zip(weights, logs, strict=True)):
        weights = [np.ones(1)] * len(logs)  # chance never showed it: all of the log is what there is
    matched = replace(
        logs[0],
        **{
            part: sum(weight * getattr(log, part) for weight, log in zip(weights, logs, strict=True))
            for part in ("count", "total", "square", "clicks", "conversions", "margin", "margin_square")
            if getattr(logs[0], part).size
        },
    )
    return TwoDepartments(learned(scenario, matched, bids_on, learner), scenario.distinct(shows_by), choice)


def _best(worth: Table) -> NDArray[np.int64]:
    """The creative worth most in each cell, the first of equals; ``worth`` has the creatives on its first axis."""
    return np.asarray(np.round(worth, DECIMALS).argmax(axis=0))


def _seen(table: Table, names: Sequence[str], kept: Sequence[str]) -> Table:
    """Summed over the codes that only others see; the first axis stays."""
    return np.asarray(table.sum(axis=tuple(i for i, name in enumerate(names, 1) if name not in kept)))


def _shown(worth: Table, choice: NDArray[np.int64], names: Sequence[str], shows_by: Sequence[str]) -> Table:
    """The worth of what is shown, over the codes of ``names``."""
    where = np.broadcast_to(with_axes_of(choice, shows_by, names), worth.shape[1:])
    return np.asarray(np.take_along_axis(worth, where[None], axis=0)[0])
