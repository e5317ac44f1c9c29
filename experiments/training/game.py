"""A scenario with seats that are steered from outside; who sits in the others, and a run of it as an episode."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from jointbid.sim import Entrant, Market, RunResult, Scenario
from jointbid.sim.market import BidderAccount, Progress
from jointbid.sim.scenario import StrategySpec
from jointbid.strategies.base import Priced
from jointbid.strategies.policies.steered import Interface, Steered

from ..cells.arms import FOCAL, bidder_names
from ..cells.bidders import entrants, seats
from ..cells.cell import Cell
from ..cells.lattice import Lattice


@dataclass(frozen=True)
class Game:
    """A market with some seats that are steered from outside.

    Attributes:
        scenario: the market.
        steered: names of the steered seats, the first bidders of the market, and the arm that each holds.
        interface: what they see and what their actions mean.
        rivals: the strategies of the other seats, ``rival_1`` and so on; None: the bidders of the scenario.
        rivals_arm: the arm that the rivals hold.
        valuation: ``bayes`` or ``learned``.
        train_requests: impressions that learned valuations are fitted to.
        seed: the seed of all markets.
    """

    scenario: Scenario
    steered: tuple[tuple[str, str], ...] = ((FOCAL, "joint"),)
    interface: Interface = field(default_factory=Interface)
    rivals: tuple[StrategySpec, ...] | None = None
    rivals_arm: str = "none"
    valuation: str = "bayes"
    train_requests: int = 100_000
    seed: int = 1

    def entrants(self, replication: int) -> dict[str, Entrant]:
        """Return all bidders of a replication, the steered ones first."""
        return self._exact if self.valuation == "bayes" else self._entrants(replication)

    @cached_property
    def played(self) -> Scenario:
        """The market as an episode plays it: with a time series of one row, as no step needs more."""
        horizon_h = self.scenario.supply.horizon_h
        engine = self.scenario.engine.model_copy(update={"series_h": horizon_h})
        return self.scenario.model_copy(update={"engine": engine})

    @cached_property
    def _exact(self) -> dict[str, Entrant]:
        """Exact values are the same in each replication."""
        return self._entrants(0)

    def _entrants(self, replication: int) -> dict[str, Entrant]:
        cell = Cell(
            self.scenario,
            self.steered[0][1],
            self.valuation,
            others=self.rivals_arm,
            train_requests=self.train_requests,
            seed=self.seed,
            replication=replication,
        )
        as_in_a_study = self.rivals is None and len(self.steered) == 1
        found = entrants(cell) if as_in_a_study else self._seated(cell)
        own = dict(self.steered)
        return {name: self._steer(entry) if name in own else entry for name, entry in found.items()}

    def _seated(self, cell: Cell) -> dict[str, Entrant]:
        """Return the steered seats, and rivals with strategies of their own."""
        rivals = self.rivals or ()
        names = [*(name for name, _ in self.steered), *bidder_names(len(rivals) + 1)[1:]]
        arms = [*(arm for _, arm in self.steered), *(self.rivals_arm for _ in rivals)]
        specs = [*(StrategySpec(name="truthful") for _ in self.steered), *rivals]
        sources = tuple(self.scenario.source)
        lattice = Lattice(sources)
        held = [lattice.members(arm) if arm in {"joint", *lattice.arms} else sources for arm in arms]
        found: dict[str, Entrant] = {}
        for number, (name, arm, spec) in enumerate(zip(names, arms, specs, strict=True)):
            bidders = self.scenario.bidders.model_copy(update={"strategy": spec, "count": len(names)})
            own = replace(cell, scenario=self.scenario.model_copy(update={"bidders": bidders}))
            found |= seats(own, name, arm, held[:number] + held[number + 1 :])
        return found

    def _steer(self, entrant: Entrant) -> Entrant:
        """Return a seat with a steered policy in the place of its own."""
        policy, strategy = Steered(self.interface), entrant.strategy
        brain = Priced(strategy.valuation, policy) if isinstance(strategy, Priced) else policy
        return replace(entrant, strategy=brain, strategy_name="steered")


class Episode:
    """One replication of a game, step by step; ``is_over`` once the closing accounts have been handed out."""

    def __init__(self, game: Game, replication: int) -> None:
        self.market = Market(game.played, game.entrants(replication), game.seed, replication)
        self.market.open()
        self.is_over = False
        self._seats: dict[str, Steered] = {name: self.market.policy(name) for name, _ in game.steered}

    def seat(self, name: str) -> Steered:
        """Return a steered seat's policy."""
        return self._seats[name]

    def account(self, name: str) -> BidderAccount:
        """Return a seat's account as the engine has settled it."""
        return self.market.account(name)

    def progress(self, name: str) -> Progress:
        """Return what a seat has earned and spent so far."""
        return self.market.progress(name)

    @cached_property
    def result(self) -> RunResult:
        """The tables of the run, once it is over."""
        return self.market.close()

    def advance(self) -> bool:
        """Run to the next control step; at the end hand out the closing accounts. Return whether it goes on."""
        goes_on = self.market.advance()
        if not goes_on:
            self.market.finish()
            self.is_over = True
        return goes_on
