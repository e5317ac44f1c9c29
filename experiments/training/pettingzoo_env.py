"""Several seats of a market as a parallel environment of PettingZoo: an agent a seat, each with data of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jointbid.sim import Scenario
from jointbid.strategies.policies.steered import MULTIPLIER

from ..errors import BadInput
from .arguments import Spec, arm_of, interface_of, one_of, scenario_of, spec_of
from .extras import require
from .game import Episode, Game
from .gymnasium_env import Array, Space, observed, replication_of, spaces_of, totals
from .rewards import Reward

require("pettingzoo")

from gymnasium.utils import seeding  # noqa: E402 - after the check
from pettingzoo import ParallelEnv  # noqa: E402

AGENTS = {"silo": "context", "joint": "joint"}


class BidParallelEnv(ParallelEnv[str, Array, Array]):  # type: ignore[misc]
    """Seats of one market that bid against each other; a step is the time between two control steps.

    Args:
        scenario: a scenario's name, or a ``Scenario``.
        overrides: changes to it, as on the command line.
        agents: the agents' names, and the arm or the sources that each holds. Left out, ``silo`` holds the context and ``joint`` all.
        rivals: strategies of further bidders, by name or as ``{"name": ..., parameter: ...}``.

    The others are those of ``BidEnv``. Money (``bidders.budget``) is that of each seat.

    Raises:
        BadInput: lists what is wrong with the arguments.
    """

    metadata: dict[str, Any] = {"name": "jointbid_v0", "render_modes": []}  # noqa: RUF012 - as PettingZoo declares it

    def __init__(
        self,
        scenario: str | Scenario = "default",
        overrides: Sequence[str] = (),
        *,
        agents: Mapping[str, str | Sequence[str]] | None = None,
        rivals: Sequence[Spec] = (),
        rivals_information: str | Sequence[str] = "none",
        observation: str = "account",
        action: str = MULTIPLIER,
        low: float = 0.1,
        high: float = 10.0,
        reward: str = "value",
        cpa: float | None = None,
        reward_scale: float | None = None,
        valuation: str = "bayes",
        train_requests: int = 100_000,
        seed: int = 1,
        evaluate: bool = False,
        render_mode: str | None = None,
    ) -> None:
        self.render_mode = render_mode
        market = scenario_of(scenario, overrides)
        seats = AGENTS if agents is None else agents
        if not seats:
            raise BadInput(["agents: must name at least one, with its data"])
        arms = {name: arm_of(market, held) for name, held in seats.items()}
        interface = interface_of(market, list(arms.values()), observation, action, low, high)
        self._game = Game(
            market,
            tuple(arms.items()),
            interface,
            tuple(map(spec_of, rivals)),
            arm_of(market, rivals_information),
            one_of("valuation", valuation, ("bayes", "learned")),
            train_requests,
            seed,
        )
        self._reward, self._evaluate = Reward.from_scenario(market, reward, cpa, reward_scale), evaluate
        self.possible_agents, self.agents = list(arms), list[str]()
        self.interface = interface
        made = {name: spaces_of(interface) for name in arms}
        self.observation_spaces: dict[str, Space] = {name: both[0] for name, both in made.items()}
        self.action_spaces: dict[str, Space] = {name: both[1] for name, both in made.items()}
        self._rng, _ = seeding.np_random()
        self._episode: Episode | None = None
        self._before: dict[str, tuple[float, float, float]] = {}

    @property
    def scenario(self) -> Scenario:
        """The market."""
        return self._game.scenario

    def observation_space(self, agent: str) -> Space:
        """Return an agent's space of observations."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Space:
        """Return an agent's space of actions."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Array], dict[str, dict[str, Any]]]:
        """Begin an episode; return what each agent sees before the first request."""
        if seed is not None:
            self._rng, _ = seeding.np_random(seed)
        replication = replication_of(options, self._rng, evaluate=self._evaluate)
        self._episode, self.agents = Episode(self._game, replication), list(self.possible_agents)
        self._before = dict.fromkeys(self.agents, (0.0, 0.0, 0.0))
        return (
            {name: observed(self._episode, name) for name in self.agents},
            {name: {"replication": replication} for name in self.agents},
        )

    def step(
        self, actions: Mapping[str, Array]
    ) -> tuple[
        dict[str, Array], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]
    ]:
        """Bid with these actions until the next control step; at the end no agent is left."""
        episode, names = self._episode, self.agents
        if episode is None or not names:
            raise RuntimeError("the episode is over, or none has begun: call reset()")
        for name in names:
            episode.seat(name).act(actions[name])
        goes_on = episode.advance()
        rewards, infos = {}, {}
        for name in names:
            account = episode.account(name)
            now = (self._reward.total(account), account.value, account.spend)
            gain, value, cost = (new - old for new, old in zip(now, self._before[name], strict=True))
            self._before[name] = now
            infos[name] = {"value": value, "cost": cost, "hour": episode.market.hour}
            if episode.result is not None:
                gain += self._reward.penalty(now[0], episode.result, name)
                infos[name] |= totals(episode, name)
            rewards[name] = gain / self._reward.scale
        if not goes_on:
            self.agents = []
        seen = {name: observed(episode, name) for name in names}
        return seen, rewards, dict.fromkeys(names, not goes_on), dict.fromkeys(names, False), infos

    def close(self) -> None:
        """Forget the episode."""
        self._episode, self.agents = None, []
