"""One impression, two labels: a model of its clicks beside a model of its conversions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import AccountState, Feedback, VisibleRequests

from .online import Online


@dataclass(frozen=True)
class Apart:
    """The sum of what ``parts`` expect, a model for each label, which learn apart: each when its own outcomes are known."""

    parts: tuple[Online, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The sources, the same for all, and chance where the models draw."""
        return self.parts[0].reads

    @property
    def stochastic(self) -> bool:
        """Whether the models draw."""
        return self.parts[0].stochastic

    @property
    def learns(self) -> bool:
        """Whether the models want feedback."""
        return any(part.learns for part in self.parts)

    def value(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Expected value in currency, shape (requests.n,); row-wise."""
        return np.asarray(sum(part.value(requests) for part in self.parts))

    def expected(self) -> NDArray[np.float64]:
        """Values of all combinations of codes without chance, in currency, an axis a source."""
        return np.asarray(sum(part.expected() for part in self.parts))

    def observe(self, feedback: Feedback) -> None:
        """Keep what was won, and what became known."""
        for part in self.parts:
            part.observe(feedback)

    def control(self, state: AccountState) -> None:
        """Learn from what is old enough."""
        for part in self.parts:
            part.control(state)
