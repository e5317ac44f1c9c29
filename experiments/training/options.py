"""The arguments that the environments of Gymnasium and PettingZoo share, in one list."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any, TypeVar

from jointbid.sim import Scenario
from jointbid.strategies.policies.steered import MULTIPLIER

from .arguments import Spec, arm_of, interface_of, number, one_of, rivals_of
from .game import Game
from .rewards import Reward

Made = TypeVar("Made")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Arguments of an environment beside its market and who sits in it.

    Attributes:
        rivals_information: the arm that the rivals hold.
        observation: ``account``, ``auctionnet`` or ``auctionnet_sigma``.
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
    """

    rivals_information: str | Sequence[str] = "none"
    observation: str = "account"
    action: str = MULTIPLIER
    low: float = 0.1
    high: float = 10.0
    reward: str = "value"
    cpa: float | None = None
    reward_scale: float | None = None
    valuation: str = "bayes"
    train_requests: int = 100_000
    seed: int = 1
    evaluate: bool = False

    @classmethod
    def of(cls, environment: str, given: Mapping[str, Any]) -> Options:
        """Return the options that are given by name. Raises ``TypeError`` for an unknown name."""
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                near = get_close_matches(name, known, 1)
                raise TypeError(f"{environment}: no argument {name!r}; {f'did you mean {near[0]!r}' if near else 'allowed'}: see help({environment})")  # fmt: skip
        return cls(**given)

    def game(self, market: Scenario, arms: Mapping[str, str], rivals: Sequence[Spec] | None) -> Game:
        """Return the market with these steered seats and the arm of each. Raises ``BadInput``."""
        number("train_requests", self.train_requests, 1, whole=True)
        number("seed", self.seed, 0, whole=True)
        return Game(
            market,
            tuple(arms.items()),
            interface_of(market, list(arms.values()), self.observation, self.action, self.low, self.high),
            None if rivals is None else rivals_of(market, rivals),
            arm_of(market, self.rivals_information),
            one_of("valuation", self.valuation, ("bayes", "learned")),
            self.train_requests,
            self.seed,
        )

    def reward_of(self, market: Scenario) -> Reward:
        """Return the reward. Raises ``BadInput``."""
        return Reward.from_scenario(market, self.reward, self.cpa, self.reward_scale)


def lists_options(environment: type[Made]) -> type[Made]:
    """Have the signature of a class name each option, in the place of its ``**options``."""
    made: Callable[..., None] = environment.__init__
    own = [one for one in inspect.signature(made).parameters.values() if one.kind is not one.VAR_KEYWORD]
    shared = [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
        for field in fields(Options)
    ]  # fmt: skip
    environment.__signature__ = inspect.Signature([*own[1:], *shared])  # type: ignore[attr-defined]
    return environment
