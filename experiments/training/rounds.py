"""Episodes of a game one after the other, and what each steered seat sees and earns from step to step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cells.replications import TRAINING
from .game import Episode, Game
from .rewards import Reward
from .seeds import warn_of_study

MARKETS = 1 << 40
"""Episodes are drawn from this many replications, from ``TRAINING`` on."""
Array = NDArray[np.float32]


class Rounds:
    """Plays episodes of a game; ``is_over`` before the first of them and after the last step of one."""

    def __init__(self, game: Game, reward: Reward, *, evaluate: bool) -> None:
        self.game, self._reward, self._evaluate = game, reward, evaluate
        self._episode: Episode | None = None
        self._before: dict[str, tuple[float, float, float]] = {}

    @property
    def is_over(self) -> bool:
        """Whether there is no step to take."""
        return self._episode is None or self._episode.is_over

    def begin(self, options: Mapping[str, Any] | None, rng: np.random.Generator) -> int:
        """Begin an episode; return its replication, which ``options`` names or ``rng`` draws."""
        replication = replication_of(options, rng, evaluate=self._evaluate)
        self._episode = Episode(self.game, replication)
        self._before = {name: (0.0, 0.0, 0.0) for name, _ in self.game.steered}
        return replication

    def end(self) -> None:
        """Forget the episode."""
        self._episode = None

    def observed(self, name: str) -> Array:
        """Return what a seat saw at the last control step; at the end its closing account."""
        return self._running.seat(name).observed.astype(np.float32)

    def advance(self, actions: Mapping[str, object]) -> bool:
        """Bid with these actions until the next control step; return whether the episode goes on."""
        episode = self._running
        for name, action in actions.items():
            episode.seat(name).act(action)
        return episode.advance()

    def earned(self, name: str) -> tuple[float, dict[str, Any]]:
        """Return a seat's reward of the step that has ended, and its figures; at the end those of the episode as well."""
        episode, reward = self._running, self._reward
        now = episode.progress(name)
        total, value, spend = reward.total(now), now.value, now.spend
        total_before, value_before, spend_before = self._before[name]
        self._before[name] = total, value, spend
        gain = total - total_before
        info: dict[str, Any] = {
            "value": value - value_before,
            "cost": spend - spend_before,
            "multiplier": episode.seat(name).multiplier,
            "hour": episode.market.hour,
        }
        if episode.is_over:
            account = episode.account(name)
            if reward.cpa is not None:
                gain += reward.penalty(total, episode.result.of(name))
            info |= {
                "total_value": value,
                "total_cost": spend,
                "profit": account.profit,
                "wins": account.wins,
                "clicks": account.clicks,
                "conversions": account.conversions,
            }
        return gain / reward.scale, info

    @property
    def _running(self) -> Episode:
        if self._episode is None:
            raise RuntimeError("no episode has begun: call reset()")
        return self._episode


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
