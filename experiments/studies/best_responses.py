"""What one bidder could gain at an equilibrium number of adopters by other data, other bids, or both: the remaining regret.

One adopter, and one bidder without the data, each answer the others alone, as in a Nash equilibrium: they keep or change what they hold,
and bid multiples of the value or by another shipped policy. Each answer is played on pilots. The one that earns most there, after the
data's cost, is played on further replications, as many as the study has: the regret is what it gains over staying there, with an
interval on the pairs. It is 0 where no answer earns more than staying on the pilots.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from jointbid.sim.scenario import Scenario, StrategySpec
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.registry import UnknownStrategyError, make

from ..cells.arms import bidder_names
from ..cells.cell import Cell
from ..cells.replications import ANSWERING, CONFIRMED_FROM
from ..config.lineup import STANDARD
from ..estimate.adoption import ROUNDING
from ..estimate.intervals import Estimate, paired_difference
from ..storage.cell_results import StudyState

GAINS = (0.0, 0.5, 0.75, 0.9, 1.1, 1.5)
"""Multiples of the value that are tried as bids."""


@dataclass(frozen=True)
class BestResponse:
    """The answers of one bidder to a market: what it does now, and every other thing that it may do.

    Each is a cell with what the data costs the bidder there, in currency per bid request.
    """

    bidder: str
    stays: tuple[Cell, float]
    answers: tuple[tuple[Cell, float], ...]

    def cells(self) -> list[Cell]:
        """Return all answers on all pilots."""
        return [replace(cell, replication=r) for cell, _ in (self.stays, *self.answers) for r in ANSWERING]

    def confirming(self, state: StudyState, replications: int) -> list[Cell]:
        """Return staying and the best answer on this number of further replications; none where no answer is better on the pilots."""
        best = self._best(state)
        if best is None or best == self.stays:
            return []
        return [
            replace(cell, replication=r) for cell, _ in (self.stays, best) for r in _confirmed(replications)
        ]

    def regret(self, state: StudyState, replications: int) -> Estimate | None:
        """Return what the best answer on the pilots gains per bid request on further replications; None where cells are missing."""
        best = self._best(state)
        if best is None:
            return None
        if best == self.stays:
            return Estimate(0.0, 0.0, 0.0, len(ANSWERING))
        stays, answers = (self._profits(one, _confirmed(replications), state) for one in (self.stays, best))
        return None if stays is None or answers is None else paired_difference(answers, stays)

    def _best(self, state: StudyState) -> tuple[Cell, float] | None:
        """Return what earns most on the pilots, staying where nothing earns more; None where cells are missing."""
        profits = [self._profits(one, ANSWERING, state) for one in (self.stays, *self.answers)]
        means = [sum(found) / len(found) for found in profits if found is not None]
        if len(means) < len(profits):
            return None
        gain = max(means) - means[0]
        is_better = gain > ROUNDING * max(map(abs, means))
        return (self.stays, *self.answers)[means.index(max(means))] if is_better else self.stays

    def _profits(
        self, played: tuple[Cell, float], replications: Sequence[int], state: StudyState
    ) -> list[float] | None:
        cell, cost = played
        found = list(state.of([replace(cell, replication=r) for r in replications]))
        if len(found) < len(replications):
            return None
        rows = [row for _, result in found for row in result.rows if row["advertiser"] == self.bidder]
        return [row["profit"] / row["requests"] - cost for row in rows]


def _confirmed(replications: int) -> range:
    return range(CONFIRMED_FROM, CONFIRMED_FROM + replications)


def best_responses(cells: dict[int, Cell], k: int, cost: float) -> Iterator[tuple[bool, BestResponse]]:
    """Yield the answers of an adopter (true) and of a bidder without the data (false), where there is one.

    Args:
        cells: a cell by number of adopters, who are the first bidders.
        k: the number of adopters now.
        cost: what the data costs an adopter, in currency per bid request.
    """
    scenario = cells[k].scenario
    names = bidder_names(scenario.bidders.count)
    for adopts, place, other in ((True, k - 1, k - 1), (False, k, k + 1)):
        if other not in cells:
            continue
        held = (cells[k], cost if adopts else 0.0), (cells[other], 0.0 if adopts else cost)
        bids = [replace(cell, deviation=(names[place], spec)) for cell, _ in held for spec in tried(scenario)]
        costs = [own for _, own in held for _ in tried(scenario)]
        yield adopts, BestResponse(names[place], held[0], (held[1], *zip(bids, costs, strict=True)))


def tried(scenario: Scenario) -> list[StrategySpec]:
    """The policies that are tried: multiples of the value, and those of the standard field that fit the market."""
    market, fit = MarketFacts.of(scenario), []
    for spec in STANDARD:
        try:
            policy = make(spec, market)
        except UnknownStrategyError:
            continue
        if scenario.bidders.budget is not None or not getattr(policy, "needs_budget", False):
            fit.append(spec)
    return [*(StrategySpec.model_validate({"name": "linear", "gain": gain}) for gain in GAINS), *fit]
