"""The arms that are compared at one point, with the pilots that decide how it goes on; and a cell of any study's settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import inf
from statistics import fmean
from typing import Any

from ..cells.arms import JOINING, STACKED, arms_of, owners_of
from ..cells.cell import Cell
from ..cells.cell_lists import Cells
from ..cells.lattice import JOINT
from ..cells.replications import PILOT
from ..config.bidder_checks import sources_read
from ..config.settings import Settings
from ..estimate.sides import BEST_SILO, BEST_SINGLE, Sides
from ..storage.cell_results import CellResults, StudyState

LEARNED_LADDER = "study.valuation=learned"
"""The point of the ladder that is played once more with learned values."""

OF_THE_STUDY = ("valuation", "who", "others", "train_requests", "learner")
"""Fields of a cell that stand in the settings of the study, under the same names."""


@dataclass(frozen=True)
class CellPlan:
    """The cells of a comparison of arms in one market.

    Attributes:
        settings: of that market.
        state: the finished cells, and the policies that were tuned.
        study_point: which point of a curve, or which drawn market this is; empty on the ladder itself.
    """

    settings: Settings[Any]
    state: StudyState
    study_point: str = ""

    @property
    def study(self) -> Any:
        """The study's own settings: of `value`, or of another study that compares the same arms."""
        return self.settings.study

    @property
    def valuation(self) -> str:
        """How these cells' values are come by; where both valuations are asked for, the exact one."""
        asked = str(self.study.valuation)
        return "bayes" if asked == "both" else asked

    @property
    def sources(self) -> tuple[str, ...]:
        """Every source by name; each alone is an arm."""
        return tuple(self.settings.scenario.source)

    @property
    def compared(self) -> tuple[str, ...]:
        """Arms that the value of joint data and its two steps need."""
        return self._playable((*self.siloed, STACKED, JOINT))

    @property
    def owners(self) -> dict[str, str]:
        """The arm of all sources of each owner, and the owner."""
        return owners_of(self.settings.scenario)

    @property
    def silo(self) -> str:
        """What joint is compared with: an arm, or what stands for the one that does best on pilots."""
        asked = str(self.study.silo)
        return next((arm for arm, owner in self.owners.items() if owner == asked), asked)

    @property
    def siloed(self) -> tuple[str, ...]:
        """Arms that the silo may be."""
        return self._candidates(self.silo)

    @property
    def arms(self) -> tuple[str, ...]:
        """Every arm of the ladder."""
        return self._playable((*arms_of(self.settings.scenario, whole=self.study.lattice), *self.siloed))

    @property
    def replications(self) -> range:
        """The replications that are estimated from: of the ladder, or of a point with fewer."""
        return range((self.study.point if self.study_point else self.study).replications)

    def pilot(self, replications: Collection[int] = PILOT) -> Cells:
        """Every arm of which one is to be chosen, on the pilot's replications."""
        elections = [self._candidates(name) for name in self._elected]
        return self.cells([arm for arms in elections if len(arms) > 1 for arm in arms], replications)

    def sides(self, replications: Collection[int] = PILOT) -> Sides:
        """What joint data are compared with, as the pilot has it."""
        pilot = self.state.of(self.pilot(replications))
        chosen = {name: best(pilot, self._candidates(name)) for name in self._elected}
        return Sides(self.silo, chosen, self.owners, self.sources)

    @property
    def _elected(self) -> tuple[str, ...]:
        """What stands for an arm that is chosen; at a further point only where joint is compared with it."""
        is_ladder = self.study_point in {"", LEARNED_LADDER}
        return tuple(name for name in (BEST_SINGLE, BEST_SILO) if is_ladder or name == self.silo)

    def _candidates(self, silo: str) -> tuple[str, ...]:
        return {BEST_SILO: tuple(self.owners), BEST_SINGLE: self.sources}.get(silo, (silo,))

    def _playable(self, arms: Iterable[str]) -> tuple[str, ...]:
        """These arms, without those that a strategy which reads sources itself would join."""
        return tuple(arm for arm in dict.fromkeys(arms) if not (self.sources_read and arm in JOINING))

    @cached_property
    def sources_read(self) -> tuple[str, ...]:
        """The sources that the strategy reads itself, beside what its values rest on."""
        return sources_read(self.settings.scenario)

    def cells(self, arms: Iterable[str], replications: Collection[int]) -> Cells:
        """These arms in these replications, with the policies that were tuned here."""
        policies = self.state.policies.get(self.study_point, {})
        given = [
            cell_fields(
                self.settings,
                arm,
                valuation=self.valuation,
                parameter=self.study.tune.parameter if arm in policies else "",
                policies=policies.get(arm, ()),
                study_point=self.study_point,
            )
            for arm in dict.fromkeys(arms)
        ]

        def make() -> Iterator[Cell]:
            return (Cell(**fields, replication=number) for number in replications for fields in given)

        return Cells(make, len(given) * len(replications))


def cell_of(settings: Settings, arm: str, replication: int, **further: Any) -> Cell:
    """Return a cell of the settings' market, with what their study says of holders and valuations; ``further`` fields come last."""
    return Cell(**cell_fields(settings, arm, **further), replication=replication)


def cell_fields(settings: Settings[Any], arm: str, **further: Any) -> dict[str, Any]:
    """Return the fields of such a cell but for its replication."""
    own = {name: getattr(settings.study, name) for name in OF_THE_STUDY if hasattr(settings.study, name)}
    about = {"scenario": settings.played_scenario, "arm": arm, "seed": settings.seed}
    return {**about, **own, **further}


def best(pilot: CellResults, arms: Iterable[str]) -> str:
    """The arm with the highest mean profit on the pilot; the first one where they are equal.

    One whose pilot cells have all failed is not chosen where another one has results.
    """
    profit: dict[str, list[float]] = {name: [] for name in arms}
    for cell, result in pilot:
        if cell.arm in profit:
            profit[cell.arm].append(sum(row["profit"] for row in result.rows if row["focal"]))
    return max(profit, key=lambda arm: fmean(profit[arm]) if profit[arm] else -inf)
