"""A policy that is steered at each control step: observation out, action in; from outside, or by a network (``trained``)."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import VALUE, AccountState, Feedback, VectorisedPolicy, VisibleRequests
from ..parameters import above_0, one_of, whole
from .observations import OBSERVATIONS, Vector

MULTIPLIER, SHADING = "multiplier", "shading"


@dataclass(frozen=True)
class Interface:
    """What a policy sees and what its actions mean.

    Attributes:
        observation: ``account`` (11 numbers), ``auctionnet`` (16) or ``auctionnet_sigma`` (18).
        action: ``multiplier`` (one number x in [-1, 1]; the bid is value x low (high / low)^((x + 1) / 2), value x 10^x
            as it is set); ``shading`` (the bid is value x (1 + x) / 2); or a source, ``context`` say: a multiplier for
            each code of its column. Products are distinguished by the context, so that this is one multiplier a
            campaign.
        low: the multiplier at x = -1.
        high: the multiplier at x = 1.
        size: how many numbers an action has: 1, or the codes of the source, its code for "unmatched" last.
    """

    observation: str = "account"
    action: str = MULTIPLIER
    low: float = 0.1
    high: float = 10.0
    size: int = 1

    def __post_init__(self) -> None:
        one_of("observation", self.observation, tuple(OBSERVATIONS))
        above_0("low", self.low)
        above_0("high", self.high)
        whole("size", self.size)
        if self.low >= self.high:
            raise ValueError(f"low = {self.low}: must be below high, which is {self.high}")
        if self.size > 1 and not self.source:
            raise ValueError(f"size = {self.size}: must be 1 where the action is {self.action!r}")

    @cached_property
    def source(self) -> str:
        """The source whose codes have multipliers of their own; empty where there is one for all."""
        return "" if self.action in {MULTIPLIER, SHADING} else self.action

    @property
    def names(self) -> tuple[str, ...]:
        """What the numbers of an observation are called, in their order."""
        return OBSERVATIONS[self.observation].names

    def multipliers(self, action: object) -> Vector:
        """Return the multipliers of an action, shape (size,).

        Raises:
            ValueError: another number of parts, or one that is not finite.
        """
        return self.of_clipped(self.clipped(action))

    def of_clipped(self, parts: list[float]) -> Vector:
        """Return the multipliers of parts in [-1, 1], shape (size,)."""
        shares = [(part + 1.0) / 2.0 for part in parts]
        if self.action == SHADING:
            return np.array(shares)
        low, span = self.low, self.high / self.low
        return np.array([low * span**share for share in shares])

    def clipped(self, action: object) -> list[float]:
        """Return the parts of an action; those beyond [-1, 1] are moved to its ends. Raises as ``multipliers``."""
        if type(action) is np.ndarray and action.ndim == 1 and action.dtype.kind == "f":
            parts = action.tolist()  # a list of a few floats is quicker than an array of them
        else:
            try:
                parts = np.asarray(action, dtype=np.float64).reshape(-1).tolist()
            except (TypeError, ValueError):
                parts = []
        if len(parts) != self.size or not all(map(math.isfinite, parts)):
            raise ValueError(f"action {action!r:.80}: must be {self.size} finite numbers from -1 to 1")
        return [min(max(part, -1.0), 1.0) for part in parts]

    def __deepcopy__(self, memo: dict[int, Any]) -> Interface:
        """Return the interface itself, as nothing changes it: each run copies its strategies."""
        return self

    def as_dict(self) -> dict[str, Any]:
        """Return its fields, as a policy's file has them."""
        return asdict(self)


class Steered(VectorisedPolicy):
    """Bid value times a multiplier that is set from outside at each control step; before that at x = 0."""

    paces = True

    def __init__(self, interface: Interface) -> None:
        self.interface = interface
        self._observation = OBSERVATIONS[interface.observation]()
        self.learns = self._observation.learns
        self._is_single = not interface.source
        self.reads = (VALUE, *filter(None, [interface.source]), *self._observation.reads)
        self.observed = np.zeros(len(interface.names))
        """What was seen at the last control step."""
        self.act(np.zeros(interface.size))

    @property
    def multiplier(self) -> float:
        """The multiplier; the mean over the codes where each has its own."""
        return float(self.multipliers.mean()) if len(self.multipliers) > 1 else self.multipliers.item()

    def act(self, action: object) -> None:
        """Set the action, ``interface.size`` numbers from -1 to 1, for all bids until the next."""
        parts = self.interface.clipped(action)
        self.multipliers = self.interface.of_clipped(parts)
        self.action = float(np.sum(parts)) / len(parts) if len(parts) > 1 else parts[0]

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The value times the multiplier, or times that of the request's code."""
        times = self.multipliers
        if not self._is_single:
            times = times[np.minimum(requests[self.interface.source], self.interface.size - 1)]
        return np.asarray(requests[VALUE] * times)

    def observe(self, feedback: Feedback) -> None:
        """Pass feedback on to the observation."""
        self._observation.observe(feedback)

    def control(self, state: AccountState) -> None:
        """Look at the account."""
        self.observed = self._observation.look(state, self.action)

    def finish(self, feedback: Feedback, state: AccountState) -> None:
        """Look at the closing account."""
        self._observation.observe(feedback.settled)
        self.observed = self._observation.look(state, self.action)
