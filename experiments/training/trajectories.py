"""Trajectories of bidders in any run: tables with the columns of AuctionNet's training data, and datasets of Minari."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jointbid.sim import Entrant, RunResult, Scenario, Strategy, simulate
from jointbid.strategies.base import Priced
from jointbid.strategies.policies.observations import Vector
from jointbid.strategies.policies.steered import Interface

from ..cells.bidders import entrants, seats
from ..cells.cell import Cell
from ..errors import BadInput
from .arguments import Spec, arm_of, scenario_of, spec_of
from .extras import require
from .recorder import Recorded, Step, action_of
from .seeds import train_seeds, warn_of_study

if TYPE_CHECKING:
    import pandas as pd

AUCTIONNET = (
    "deliveryPeriodIndex", "advertiserNumber", "advertiserCategoryIndex", "budget", "CPAConstraint", "realAllCost",
    "realAllConversion", "timeStepIndex", "state", "action", "reward", "reward_continuous", "done", "next_state",
)  # fmt: skip
"""The columns of AuctionNet's training data (Su et al. 2024), in their order."""
REWARDS = ("reward_continuous", "reward")


@dataclass(frozen=True)
class Trajectory:
    """One bidder in one run. ``states`` has shape (steps + 1, numbers): before each step, and at the end."""

    bidder: str
    number: int
    replication: int
    budget: float
    states: Vector
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Trajectories:
    """Trajectories, with what their states and actions mean.

    Attributes:
        rows: a trajectory a bidder and run.
        interface: the observation, and the multipliers between which actions of Minari's datasets lie.
        has_conversions: whether the outcomes are conversions; otherwise clicks.
        cpa: ``CPAConstraint``: currency for a conversion; nan without.
        about: the scenario and the bidders.
        environment: arguments of ``BidEnv`` for the first bidder's seat; None where the scenario was not given by name.
    """

    rows: tuple[Trajectory, ...]
    interface: Interface
    has_conversions: bool
    cpa: float
    about: str
    environment: dict[str, Any] | None = None

    def frame(self) -> pd.DataFrame:
        """Return a row a step with the columns ``AUCTIONNET``.

        ``action`` is the sum of bids over the sum of values, ``reward`` the conversions (without these: clicks) that
        became known in the step, ``reward_continuous`` the value won as the bidder reckons it, in currency. ``state``
        and ``next_state`` are tuples; the last ``next_state`` is None.
        """
        import pandas as pd

        return pd.DataFrame(list(self._rows()), columns=list(AUCTIONNET))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write ``frame`` as CSV or Parquet, by the path's suffix; return the path. Raises ``BadInput`` for another one."""
        file, frame = Path(path), self.frame()
        if file.suffix == ".csv":
            frame.to_csv(file, index=False)
        elif file.suffix == ".parquet":
            frame.to_parquet(file, index=False)
        else:
            raise BadInput(f"path = {path}: must end in .csv or .parquet")
        return file

    def to_minari(self, dataset_id: str, reward: str = "reward_continuous", **published: Any) -> Any:
        """Write a dataset of Minari, and return it; ``minari.load_dataset(dataset_id)`` reads it back.

        Actions are in [-1, 1], as those of ``jointbid/Bid-v0`` with the same ``low`` and ``high``. ``dataset_id`` is ``jointbid/NAME-v0``, say.

        Args:
            dataset_id: namespace/name-version.
            reward: ``reward_continuous`` (value won over the budget, or over 1 without one), or ``reward`` (known outcomes).
            published: what Minari keeps for those who read a dataset: ``author``, ``author_email``, ``code_permalink``, ``description``.
        """
        require("minari")

        import minari
        from minari.data_collector import EpisodeBuffer

        from .gymnasium_env import spaces_of

        if reward not in REWARDS:
            raise BadInput(f"reward = {reward}: allowed: {', '.join(REWARDS)}")
        observations, actions = spaces_of(self.interface)
        buffers = []
        for number, one in enumerate(self.rows):
            n = len(one.steps)
            multipliers = [step.multiplier for step in one.steps]
            scale = one.budget if np.isfinite(one.budget) and one.budget > 0 else 1.0
            won = [step.won / scale if reward == "reward_continuous" else self._outcomes(step) for step in one.steps]  # fmt: skip
            buffers.append(
                EpisodeBuffer(
                    id=number,
                    observations=one.states.astype(np.float32),
                    actions=action_of(self.interface, multipliers).astype(np.float32)[:, None],
                    rewards=won,
                    terminations=[step == n - 1 for step in range(n)],
                    truncations=[False] * n,
                )
            )
        about = {"algorithm_name": self.about, "description": f"jointbid: {self.about}", **published}
        environment = self._environment()
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "`(eval_env|code_permalink|author|author_email)` is set to None"
            )
            return minari.create_dataset_from_buffers(
                dataset_id,
                buffers,
                env=environment,
                eval_env=environment,
                observation_space=observations,
                action_space=actions,
                data_format="arrow",
                **about,
            )

    def _environment(self) -> Any:
        """Return the environment's specification, where the scenario was given by name."""
        import gymnasium

        from .registration import ENV_ID, register

        if self.environment is None:
            return None
        register()
        spec = copy.deepcopy(gymnasium.spec(ENV_ID))
        played = {name: getattr(self.interface, name) for name in ("observation", "low", "high")}
        spec.kwargs = {**self.environment, **played}
        return spec

    def _outcomes(self, step: Step) -> float:
        return step.conversions if self.has_conversions else step.clicks

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        for one in self.rows:
            cost = sum(step.cost for step in one.steps)
            outcomes = sum(map(self._outcomes, one.steps))
            states = [tuple(state.tolist()) for state in one.states]
            last = len(one.steps) - 1
            for index, step in enumerate(one.steps):
                yield (
                    one.replication, one.number, 0, one.budget, self.cpa, cost, outcomes, index, states[index], step.multiplier,
                    self._outcomes(step), step.won, int(index == last), None if index == last else states[index + 1],
                )  # fmt: skip


def trajectories(
    scenario: str | Scenario = "default",
    overrides: Sequence[str] = (),
    *,
    strategies: Mapping[str, Spec | Strategy | Entrant] | None = None,
    information: str | Sequence[str] = "joint",
    replications: int | Sequence[int] = 10,
    observation: str = "auctionnet",
    low: float = 0.1,
    high: float = 10.0,
    cpa: float | None = None,
    seed: int = 1,
) -> Trajectories:
    """Return the trajectories of all bidders in some runs of a market; the runs are those of ``simulate``, to the bit.

    Args:
        scenario: a scenario's name, or a ``Scenario``.
        overrides: changes to it, as on the command line.
        strategies: bidder names, and a strategy each: by name, as ``{"name": ..., parameter: ...}``, or as for ``simulate``. They bid
            against each other. None: the bidders of the scenario, as in a study.
        information: the arm that those by name hold, and the scenario's first bidder.
        replications: which, or how many of ``train_seeds``.
        observation: ``auctionnet`` (16 numbers) or ``account`` (11).
        low: the multiplier at action -1 in Minari's datasets, and in the observation ``account``.
        high: the multiplier at action 1.
        cpa: what a conversion may cost, for the column ``CPAConstraint``.
        seed: the seed of all markets.

    Raises:
        BadInput: lists what is wrong with the arguments; a strategy that does not bid on ``value`` has no pValues to write.
    """
    market = scenario_of(scenario, overrides)
    arm = arm_of(market, information)
    interface = Interface(observation, low=low, high=high)
    which = train_seeds(replications) if isinstance(replications, int) else list(replications)
    for replication in which:
        warn_of_study(replication)
    rows: list[Trajectory] = []
    for replication in which:
        bidders = recorded(
            market, _bidders(Cell(market, arm, seed=seed, replication=replication), strategies), interface
        )
        result = simulate(market, bidders, seed, replication, keep_strategies=True)
        rows += trajectories_of(result, bidders)
    names = ", ".join(map(str, strategies)) if strategies else market.bidders.strategy.name
    environment = None
    if isinstance(scenario, str):
        environment = {"scenario": scenario, "overrides": list(overrides), "information": arm, "seed": seed}
    limit = float("nan") if cpa is None else cpa
    return Trajectories(
        tuple(rows), interface, has_conversions(market), limit, f"{names} in {market.name}", environment
    )


def _bidders(
    cell: Cell, strategies: Mapping[str, Spec | Strategy | Entrant] | None
) -> Mapping[str, Strategy | Entrant]:
    if strategies is None:
        return entrants(cell)
    found: dict[str, Strategy | Entrant] = {}
    for name, one in strategies.items():
        if not isinstance(one, str | Mapping):
            found[name] = one
            continue
        bidders = cell.scenario.bidders.model_copy(
            update={"strategy": spec_of(one), "count": len(strategies)}
        )
        own = replace(cell, scenario=cell.scenario.model_copy(update={"bidders": bidders}))
        found |= seats(own, name, cell.arm)
    return found


def has_conversions(scenario: Scenario) -> bool:
    """Return whether a market has conversions beside clicks."""
    return scenario.response.family == "logit" and scenario.response.conversion is not None


def recorded(
    scenario: Scenario, bidders: Mapping[str, Strategy | Entrant], interface: Interface
) -> dict[str, Entrant]:
    """Return the bidders with their policies recorded; they bid as before.

    Raises:
        BadInput: a strategy that does not bid on ``value``, or reports that come late.
    """
    if scenario.bidders.report_delay_h:
        raise BadInput(
            f"bidders.report_delay_h = {scenario.bidders.report_delay_h:g}: trajectories need 0, so that a step's feedback is of its requests"
        )
    return {name: _recorded(scenario, name, one, interface) for name, one in bidders.items()}


def trajectories_of(result: RunResult, bidders: Mapping[str, Entrant]) -> list[Trajectory]:
    """Return the trajectories of ``recorded`` bidders from a run that kept its strategies."""
    found = []
    for number, name in enumerate(bidders):
        brain: Any = result.strategies[name]
        noted: Any = brain.policy if isinstance(brain, Priced) else brain
        budget = float(result.of(name)["spend"] + result.of(name)["budget_left"])
        states, steps = np.array(noted.states), tuple(noted.steps)
        found.append(Trajectory(name, number, result.replication, budget, states, steps))
    return found


def _recorded(scenario: Scenario, name: str, one: Strategy | Entrant, interface: Interface) -> Entrant:
    entrant = one if isinstance(one, Entrant) else Entrant(one, budget=scenario.bidders.budget)
    strategy = entrant.strategy
    if isinstance(strategy, Priced):
        return replace(entrant, strategy=replace(strategy, policy=Recorded(strategy.policy, interface)))
    if scenario.response.family == "private_value":
        return replace(entrant, strategy=Recorded(strategy, interface))
    raise BadInput([f"strategies: {name}: a trajectory needs the value of each request (pValue): give Priced(valuation, policy), or a name of the registry"])  # fmt: skip
