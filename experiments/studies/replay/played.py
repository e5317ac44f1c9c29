"""What was played of a log: outcomes, votes on the better silo, and the arms' predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...estimate.sides import Sides
from ...logs.log_table import Roles
from ...logs.replay.bids import Floats
from ...logs.replay.outcomes import ReplayOutcome
from ...logs.replay.plan import ReplayPlan, silo_arm
from ...logs.replay.summary import Variant


@dataclass
class Played:
    """The outcomes of some arms, and the ballots on what joint data are compared with, at each variant and budget.

    `views` are the log-odds of each arm in the first split, by variant; shape (folds, rows), see `crossfit`.
    """

    outcomes: list[ReplayOutcome] = field(default_factory=list)
    ballots: dict[Variant, dict[str, Counter[str]]] = field(default_factory=dict)
    views: dict[str, Mapping[str, Floats]] = field(default_factory=dict)

    def add(
        self, tags: str, share: float, outcomes: list[ReplayOutcome], ballot: Mapping[str, Counter[str]]
    ) -> None:
        """Take what one split gave."""
        self.outcomes += outcomes
        for name, votes in ballot.items():
            self.ballots.setdefault((tags, share), {}).setdefault(name, Counter()).update(votes)

    def sides(self, plan: ReplayPlan, roles: Roles) -> dict[Variant, Sides]:
        """Return what joint data are compared with, at each variant and budget."""
        return {
            point: Sides(
                silo_arm(plan, roles),
                {name: votes.most_common(1)[0][0] for name, votes in ballot.items()},
                roles.silos,
                roles.sources,
            )
            for point, ballot in self.ballots.items()
        }
