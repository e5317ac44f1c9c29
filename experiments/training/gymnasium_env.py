"""A bidder's seat in a market as an environment of Gymnasium: ``jointbid/Bid-v0``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import Scenario
from jointbid.strategies.policies.observations import OBSERVATIONS
from jointbid.strategies.policies.steered import MULTIPLIER, Interface

from ..cells.arms import FOCAL
from .arguments import Spec, arm_of, interface_of, one_of, scenario_of, spec_of
from .extras import require
from .game import Episode, Game
from .registration import register
from .rewards import Reward
from .seeds import TRAINING, warn_of_study

require("gymnasium")

import gymnasium  # noqa: E402 - after the check
from gymnasium import spaces  # noqa: E402

register()

MARKETS = 1 << 40
"""Episodes are drawn from this many replications, from ``TRAINING`` on."""

Array = NDArray[np.float32]
Space = spaces.Space[Array]


class BidEnv(gymnasium.Env[Array, Array]):
    """One seat of a market; a step is the time between two control steps, an episode is a replication.

    The seat bids its value of each request times a multiplier that the action sets. It is the bidder ``focal`` of a study: at the same seed, replication,
    information set and actions its numbers are those of ``simulate``, to the bit. ``terminated`` is true at the end of the run; no episode is truncated.

    An episode takes the replication that ``reset(options={"replication": r})`` names, or draws one of those that are set apart for training (``train_seeds``).
    ``info`` has ``value`` and ``cost`` of the step in currency, ``multiplier``, ``hour``, and at the end ``total_value``, ``total_cost``, ``profit``, ``wins``,
    ``clicks`` and ``conversions`` of the episode; that of ``reset`` has ``replication``.

    Args:
        scenario: a scenario's name, or a ``Scenario``.
        overrides: changes to it, as on the command line.
        information: an arm (``none``, ``joint``, ``profile+context``, ``stacked``), or a list of sources.
        rivals: strategies of further bidders, by name or as ``{"name": ..., parameter: ...}``; None: the bidders of the scenario.
        rivals_information: the arm that they hold.
        observation: ``account`` or ``auctionnet``.
        action: ``multiplier``, ``shading``, or a source: one multiplier for each code of its column.
        low: the multiplier at action -1.
        high: the multiplier at action 1.
        reward: ``value``, ``profit`` or ``outcomes``; divided by the budget, or by ``reward_scale``.
        cpa: the most that a conversion (a click, where there are none) may cost, in currency.
        reward_scale: currency for a reward of 1; None: the budget, or 1 where there is none.
        valuation: ``bayes``, or ``learned`` from ``train_requests`` impressions, anew in each episode.
        train_requests: see ``valuation``.
        seed: the seed of all markets; a study's is 1.
        evaluate: whether replications below ``TRAINING`` are meant.

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
        arm = arm_of(market, information)
        self.interface = interface_of(market, [arm], observation, action, low, high)
        self._game = Game(
            market,
            ((FOCAL, arm),),
            self.interface,
            None if rivals is None else tuple(map(spec_of, rivals)),
            arm_of(market, rivals_information),
            one_of("valuation", valuation, ("bayes", "learned")),
            train_requests,
            seed,
        )
        self._reward = Reward.from_scenario(market, reward, cpa, reward_scale)
        self._evaluate = evaluate
        self._episode: Episode | None = None
        self._before = (0.0, 0.0, 0.0)
        self.observation_space, self.action_space = spaces_of(self.interface)

    @property
    def scenario(self) -> Scenario:
        """The market."""
        return self._game.scenario

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Begin an episode; return the observation before the first request."""
        super().reset(seed=seed)
        replication = replication_of(options, self.np_random, evaluate=self._evaluate)
        self._episode, self._before = Episode(self._game, replication), (0.0, 0.0, 0.0)
        return observed(self._episode, FOCAL), {"replication": replication}

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Bid with this action until the next control step."""
        episode = self._episode
        if episode is None or episode.result is not None:
            raise gymnasium.error.ResetNeeded("the episode is over, or none has begun: call reset()")
        seat = episode.seat(FOCAL)
        seat.act(action)
        multiplier = seat.multiplier
        goes_on = episode.advance()
        account = episode.account(FOCAL)
        now = (self._reward.total(account), account.value, account.spend)
        gain, value, cost = (new - old for new, old in zip(now, self._before, strict=True))
        self._before = now
        info = {"value": value, "cost": cost, "multiplier": multiplier, "hour": episode.market.hour}
        if episode.result is not None:
            gain += self._reward.penalty(now[0], episode.result, FOCAL)
            info |= totals(episode, FOCAL)
        return observed(episode, FOCAL), gain / self._reward.scale, not goes_on, False, info


def spaces_of(interface: Interface) -> tuple[Space, Space]:
    """Return the spaces of observations and of actions."""
    kind = OBSERVATIONS[interface.observation]
    low, high = (np.array(bound, dtype=np.float32) for bound in (kind.low, kind.high))
    observation: Any = spaces.Box(low, high, dtype=np.float32)
    action: Any = spaces.Box(-1.0, 1.0, (interface.size,), np.float32)
    return observation, action


def replication_of(options: Mapping[str, Any] | None, rng: np.random.Generator, *, evaluate: bool) -> int:
    """Return the replication that ``options`` names, with a warning where a study has it; otherwise one drawn for training."""
    if not options or "replication" not in options:
        return TRAINING + int(rng.integers(MARKETS))
    replication = options["replication"]
    if not isinstance(replication, int | np.integer) or replication < 0:
        raise ValueError(f"options['replication'] = {replication!r}: must be a whole number, 0 or more")
    if not evaluate:
        warn_of_study(int(replication))
    return int(replication)


def observed(episode: Episode, name: str) -> Array:
    """Return what a seat saw at the last control step; at the end its closing account."""
    return episode.seat(name).observed.astype(np.float32)


def totals(episode: Episode, name: str) -> dict[str, float]:
    """Return figures of a seat's whole episode."""
    assert episode.result is not None  # noqa: S101 - at its end
    row = episode.result.of(name)
    return {
        "total_value": float(row["value"]),
        "total_cost": float(row["spend"]),
        "profit": float(row["profit"]),
        "wins": int(row["wins"]),
        "clicks": float(row["clicks"]),
        "conversions": float(row["conversions"]),
    }
