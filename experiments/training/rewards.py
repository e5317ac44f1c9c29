"""What a step of an episode is worth: differences of the seat's account, and AuctionNet's penalty at the end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jointbid.sim import Scenario
from jointbid.sim.market import Progress

from ..errors import BadInput

REWARDS = ("value", "profit", "outcomes")


@dataclass(frozen=True)
class Reward:
    """The reward of a seat, divided by ``scale``; over an episode it adds up to the score divided by ``scale``.

    Attributes:
        kind: ``value`` (expected value won), ``profit`` (that less the spend), or ``outcomes`` (clicks and conversions that became known,
            at what they bring).
        cpa: the most that a conversion may cost (a click, where the scenario has no conversions), in currency. Above it
            the score at the end is the sum x (cpa / cost of a conversion)^2, as in AuctionNet (Su et al. 2024), with
            expected conversions, or known ones for ``outcomes``.
        scale: currency for a reward of 1.
        value_per_click: currency.
        has_conversions: whether the penalty counts conversions, not clicks.
    """

    kind: str
    cpa: float | None
    scale: float
    value_per_click: float
    has_conversions: bool

    @classmethod
    def from_scenario(cls, scenario: Scenario, kind: str, cpa: float | None, scale: float | None) -> Reward:
        """Return the reward of a scenario's bidders; the scale is their budget (1 without one). Raises ``BadInput``."""
        problems = []
        clicks = scenario.response.family == "logit"
        if kind not in REWARDS:
            problems.append(f"reward = {kind}: allowed: {', '.join(REWARDS)}")
        if kind == "outcomes" and not clicks:
            problems.append(f"reward = outcomes: needs response.family=logit; family={scenario.response.family} has no clicks")  # fmt: skip
        if cpa is not None and not clicks:
            problems.append(f"cpa = {cpa}: needs response.family=logit; family={scenario.response.family} has no clicks")  # fmt: skip
        for name, number in (("cpa", cpa), ("reward_scale", scale)):
            if number is not None and not (
                isinstance(number, int | float) and number > 0 and math.isfinite(number)
            ):
                problems.append(f"{name} = {number!r}: must be a finite number above 0")
        if problems:
            raise BadInput(problems)
        has_conversions = clicks and scenario.response.conversion is not None
        return cls(kind, cpa, scale or scenario.bidders.budget or 1.0, scenario.response.value_per_click if clicks else 0.0, has_conversions)  # fmt: skip

    def total(self, account: Progress) -> float:
        """Return what a seat has got so far, in currency."""
        if self.kind == "outcomes":
            return account.clicks * self.value_per_click + account.margin
        return account.value - (account.spend if self.kind == "profit" else 0.0)

    def penalty(self, total: float, row: Mapping[str, Any]) -> float:
        """Return what the limit on costs takes from ``total`` at the end, 0 or less; ``row`` is the seat's of the table of bidders."""
        if self.cpa is None or total <= 0:
            return 0.0
        what = "conversions" if self.has_conversions else "clicks"
        actions = float(row[what if self.kind == "outcomes" else f"{what}_expected"])
        if row["spend"] <= self.cpa * actions:
            return 0.0
        return total * ((self.cpa * actions / float(row["spend"])) ** 2 - 1.0)
