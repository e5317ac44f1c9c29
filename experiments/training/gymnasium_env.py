"""A bidder's seat in a market as an environment of Gymnasium: ``jointbid/Bid-v0``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jointbid.sim import Scenario
from jointbid.strategies.policies.observations import OBSERVATIONS
from jointbid.strategies.policies.steered import Interface

from ..cells.arms import FOCAL
from .arguments import Spec, arm_of, scenario_of
from .extras import require
from .options import Options, lists_options
from .registration import register
from .rounds import Array, Rounds

require("gymnasium")

import gymnasium  # noqa: E402 - after the check
from gymnasium import spaces  # noqa: E402

register()

Space = spaces.Space[Array]


@lists_options
class BidEnv(gymnasium.Env[Array, Array]):
    """One seat of a market; a step is the time between two control steps, an episode is a replication.

    The seat bids its value of each request times a multiplier that the action sets. It is the bidder ``focal`` of a
    study: at the same seed, replication, information set and actions its numbers are those of ``simulate``, to the bit.
    ``terminated`` is true at the end of the run; no episode is truncated.

    An episode takes the replication that ``reset(options={"replication": r})`` names, or draws one of those that are
    set apart for training (``train_seeds``). ``info`` has ``value`` and ``cost`` of the step in currency,
    ``multiplier``, ``hour``, and at the end ``total_value``, ``total_cost``, ``profit``, ``wins``, ``clicks`` and
    ``conversions`` of the episode; that of ``reset`` has ``replication``.

    Args:
        scenario: a scenario's name, or a ``Scenario``.
        overrides: changes to it, as on the command line.
        information: an arm (``none``, ``joint``, ``profile+context``, ``stacked``), or a list of sources.
        rivals: strategies of further bidders, by name or as ``{"name": ..., parameter: ...}``; None: the bidders of the scenario.
        options: those of ``jointbid.experiments.training.options.Options``.

    Raises:
        BadInput: lists what is wrong with the arguments.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as Gymnasium declares it

    def __init__(
        self,
        scenario: str | Scenario = "default",
        overrides: Sequence[str] = (),
        *,
        information: str | Sequence[str] = "joint",
        rivals: Sequence[Spec] | None = None,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        self.render_mode = render_mode
        given, market = Options.of("BidEnv", options), scenario_of(scenario, overrides)
        game = given.game(market, {FOCAL: arm_of(market, information)}, rivals)
        self.interface = game.interface
        self._rounds = Rounds(game, given.reward_of(market), evaluate=given.evaluate)
        self.observation_space, self.action_space = spaces_of(self.interface)

    @property
    def scenario(self) -> Scenario:
        """The market."""
        return self._rounds.game.scenario

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Begin an episode; return the observation before the first request."""
        super().reset(seed=seed)
        replication = self._rounds.begin(options, self.np_random)
        return self._rounds.observed(FOCAL), {"replication": replication}

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Bid with this action until the next control step."""
        rounds = self._rounds
        if rounds.is_over:
            raise gymnasium.error.ResetNeeded("the episode is over, or none has begun: call reset()")
        goes_on = rounds.advance({FOCAL: action})
        reward, info = rounds.earned(FOCAL)
        return rounds.observed(FOCAL), reward, not goes_on, False, info


def spaces_of(interface: Interface) -> tuple[Space, Space]:
    """Return the spaces of observations and of actions."""
    kind = OBSERVATIONS[interface.observation]
    low, high = (np.array(bound, dtype=np.float32) for bound in (kind.low, kind.high))
    observation: Any = spaces.Box(low, high, dtype=np.float32)
    action: Any = spaces.Box(-1.0, 1.0, (interface.size,), np.float32)
    return observation, action
