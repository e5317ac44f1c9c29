"""Notes on the control steps of any policy: what it saw, what it bid for each unit of value, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jointbid.strategies.base import (
    VALUE,
    AccountState,
    Feedback,
    Strategy,
    VisibleRequests,
    feedback_with,
    only,
    pass_closing_account,
)
from jointbid.strategies.policies.observations import OBSERVATIONS, Vector
from jointbid.strategies.policies.steered import Interface


class Step(NamedTuple):
    """What happened between two control steps; money in currency."""

    bid: float
    value: float
    won: float
    cost: float
    clicks: float
    conversions: float

    @property
    def multiplier(self) -> float:
        """The sum of bids over the sum of values; 0 where nothing was worth anything."""
        return self.bid / self.value if self.value > 0 else 0.0


class Recorded:
    """A policy whose steps are noted. It bids as the policy does; to the engine it learns, so that there is feedback to note."""

    learns = looks_at_account = True

    def __init__(self, inner: Strategy, interface: Interface) -> None:
        self._inner, self._interface = inner, interface
        self._observation = OBSERVATIONS[interface.observation]()
        self._action = 0.0
        self.states: list[Vector] = []
        """What it saw at each control step, and at the end."""
        self.steps: list[Step] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._inner, name)

    @property
    def reads(self) -> tuple[str, ...] | None:
        """The columns of the policy, and what the observation needs."""
        own = self._inner.reads
        return None if own is None else tuple(dict.fromkeys((*own, *self._observation.reads)))

    @property
    def may_read(self) -> tuple[str, ...]:
        """The columns that the policy may do without; those of the observation, where it reads all."""
        more = self._observation.reads if self._inner.reads is None else ()
        return tuple(dict.fromkeys((*getattr(self._inner, "may_read", ()), *more)))

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The policy's bids."""
        return self._inner.bid(self._own(requests))

    def _own(self, requests: VisibleRequests) -> VisibleRequests:
        """Return the requests as the policy would have seen them."""
        beside = [name for name in self._observation.reads if name not in self._declared]
        return only(requests, [name for name in requests if name not in beside]) if beside else requests

    @property
    def _declared(self) -> tuple[str, ...]:
        return (*(self._inner.reads or ()), *getattr(self._inner, "may_read", ()))

    def observe(self, feedback: Feedback) -> None:
        """Note a step."""
        self._note(feedback)
        if self._inner.learns:
            self._inner.observe(feedback_with(feedback, self._own))

    def control(self, state: AccountState) -> None:
        """Note what it sees."""
        self._inner.control(state)
        self.states.append(self._observation.look(state, self._action))

    def finish(self, feedback: Feedback, state: AccountState) -> None:
        """Note the last step, and the closing account."""
        self._note(feedback.settled)
        self.states.append(self._observation.look(state, self._action))
        pass_closing_account(self._inner, feedback_with(feedback, self._own), state)

    def _note(self, feedback: Feedback) -> None:
        self._observation.observe(feedback)
        if not self.states:  # before the opening account there are no requests
            return
        value = feedback.requests[VALUE]
        step = Step(
            float(feedback.bid.sum()),
            float(value.sum()),
            float(value[feedback.won].sum()),
            float(feedback.price_paid.sum()),
            float(feedback.clicks.weight.sum()),
            float(feedback.conversions.weight.sum()),
        )
        self.steps.append(step)
        self._action = float(action_of(self._interface, [step.multiplier])[0])


def action_of(interface: Interface, multipliers: Iterable[float]) -> Vector:
    """Return the actions, in [-1, 1], that set these multipliers; those beyond ``low`` and ``high`` are moved there."""
    clipped = np.clip(np.fromiter(multipliers, np.float64), interface.low, interface.high)
    return np.asarray(2.0 * np.log(clipped / interface.low) / math.log(interface.high / interface.low) - 1.0)
