"""What one bidder could gain at an equilibrium number of adopters by other data, other bids, or both: the remaining regret.

One adopter, and one bidder without the data, each answer the others alone, as in a Nash equilibrium: they keep or change what they hold,
and bid multiples of the value or by another shipped policy. Each answer is played on pilots. The regret is the highest mean profit
less that of staying, both after the data's cost: no less than 0, and the best of several means rather too high than too low.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from jointbid.sim.scenario import Scenario, StrategySpec
from jointbid.strategies.market import Market
from jointbid.strategies.registry import UnknownStrategyError, make

from ..cells.arms import bidder_names
from ..cells.cell import PILOTS, Cell
from ..config.lineup import STANDARD
from ..estimate.adoption import ROUNDING
from ..storage.cell_results import StudyState

ANSWERING = tuple(range(5 * PILOTS, 5 * PILOTS + 3))
"""Replications on which answers are tried; no estimate uses them."""
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

    def regret(self, ledger: StudyState) -> float | None:
        """Return what the best answer would gain per bid request; None where cells are missing."""
        profits = [self._profit(cell, cost, ledger) for cell, cost in (self.stays, *self.answers)]
        known = [profit for profit in profits if profit is not None]
        if len(known) < len(profits):
            return None
        gain = max(known) - known[0]
        return gain if gain > ROUNDING * max(map(abs, known)) else 0.0

    def _profit(self, cell: Cell, cost: float, ledger: StudyState) -> float | None:
        found = list(ledger.of([replace(cell, replication=r) for r in ANSWERING]))
        if len(found) < len(ANSWERING):
            return None
        rows = [row for _, result in found for row in result.rows if row["advertiser"] == self.bidder]
        return sum(row["profit"] / row["requests"] for row in rows) / len(ANSWERING) - cost


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
    market, fit = Market.of(scenario), []
    for spec in STANDARD:
        try:
            policy = make(spec, market)
        except UnknownStrategyError:
            continue
        if scenario.bidders.budget is not None or not getattr(policy, "needs_budget", False):
            fit.append(spec)
    return [*(StrategySpec.model_validate({"name": "linear", "gain": gain}) for gain in GAINS), *fit]
