"""Several seats of a market as a parallel environment of PettingZoo: an agent a seat, each with data of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jointbid.sim import Scenario

from ..errors import BadInput
from .arguments import Spec, arm_of, scenario_of
from .extras import require
from .gymnasium_env import Space, spaces_of
from .options import Options, lists_options
from .rounds import Array, Rounds

require("pettingzoo")

from gymnasium.utils import seeding  # noqa: E402 - after the check
from pettingzoo import ParallelEnv  # noqa: E402

AGENTS = {"silo": "context", "joint": "joint"}


@lists_options
class BidParallelEnv(ParallelEnv[str, Array, Array]):  # type: ignore[misc]
    """Seats of one market that bid against each other; a step is the time between two control steps.

    Args:
        scenario: a scenario's name, or a ``Scenario``.
        overrides: changes to it, as on the command line.
        agents: the agents' names, and the arm or the sources that each holds. Left out, ``silo`` holds the context and ``joint`` all.
        rivals: strategies of further bidders, by name or as ``{"name": ..., parameter: ...}``.
        options: those of ``BidEnv``. Money (``bidders.budget``) is that of each seat.

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
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        self.render_mode = render_mode
        given, market = Options.of("BidParallelEnv", options), scenario_of(scenario, overrides)
        seats = AGENTS if agents is None else agents
        if not seats:
            raise BadInput(["agents: must name at least one, with its data"])
        game = given.game(market, {name: arm_of(market, held) for name, held in seats.items()}, rivals)
        self.interface = game.interface
        self._rounds = Rounds(game, given.reward_of(market), evaluate=given.evaluate)
        self.possible_agents, self.agents = list(seats), list[str]()
        made = {name: spaces_of(self.interface) for name in seats}
        self.observation_spaces: dict[str, Space] = {name: both[0] for name, both in made.items()}
        self.action_spaces: dict[str, Space] = {name: both[1] for name, both in made.items()}
        self._rng, _ = seeding.np_random()

    @property
    def scenario(self) -> Scenario:
        """The market."""
        return self._rounds.game.scenario

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
        replication = self._rounds.begin(options, self._rng)
        self.agents = list(self.possible_agents)
        return (
            {name: self._rounds.observed(name) for name in self.agents},
            {name: {"replication": replication} for name in self.agents},
        )

    def step(
        self, actions: Mapping[str, Array]
    ) -> tuple[
        dict[str, Array], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]
    ]:
        """Bid with these actions until the next control step; at the end no agent is left."""
        rounds, names = self._rounds, self.agents
        if rounds.is_over or not names:
            raise RuntimeError("the episode is over, or none has begun: call reset()")
        is_over = not rounds.advance({name: actions[name] for name in names})
        earned = {name: rounds.earned(name) for name in names}
        if is_over:
            self.agents = []
        return (
            {name: rounds.observed(name) for name in names},
            {name: reward for name, (reward, _) in earned.items()},
            dict.fromkeys(names, is_over),
            dict.fromkeys(names, False),
            {name: info for name, (_, info) in earned.items()},
        )

    def close(self) -> None:
        """Forget the episode."""
        self._rounds.end()
        self.agents = []
