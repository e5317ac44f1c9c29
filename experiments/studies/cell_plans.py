"""Which cells the study ``value`` needs at one point: the ladder, and the pilots that decide how it goes on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from statistics import fmean
from typing import Any

from ..cells.arms import STACKED, arms_of
from ..cells.cell import PILOTS, Cell, Policies
from ..config.settings import Settings
from ..storage.cell_results import CellResults, StudyState

PILOT = tuple(range(PILOTS, PILOTS + 4))
"""Replications on which the better single source is chosen; no estimate uses them."""

OF_THE_STUDY = ("valuation", "who", "others", "train_requests", "learner")
"""Fields of a cell that stand in the settings of the study, under the same names."""

WIDTH_PILOT = tuple(range(2 * PILOTS, 2 * PILOTS + 10))
"""Replications that fix, where a half-width is wanted, how many there must be; no estimate uses them: an interval over
replications that have decided on their own number covers less often than it says (.93 for .95)."""


@dataclass(frozen=True)
class Plan:
    """The cells of a comparison of arms in one market.

    Attributes:
        settings: of that market.
        point: which point of a curve, or which drawn market this is; empty on the ladder itself.
        policies: arm -> what its bidders play; filled in once ``study.tune`` has been tuned there.
    """

    settings: Settings[Any]
    point: str = ""
    policies: dict[str, Policies] = field(default_factory=dict)

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
        return tuple(dict.fromkeys((*self.siloed, *self.sources, STACKED, "joint")))

    @property
    def siloed(self) -> tuple[str, ...]:
        """Arms that the silo may be."""
        return self.sources if self.study.silo == "best_single" else (self.study.silo,)

    @property
    def arms(self) -> tuple[str, ...]:
        """Every arm of the ladder."""
        return (*arms_of(self.settings.scenario, whole=self.study.lattice), *self.siloed)

    @property
    def replications(self) -> range:
        """The replications that are estimated from: of the ladder, or of a point with fewer."""
        return range((self.study.curve if self.point else self.study).replications)

    def pilot(self) -> list[Cell]:
        """The single sources on the pilot's replications."""
        return self.cells(self.sources, PILOT)

    def best_single(self, ledger: StudyState) -> str:
        """The single source that is the better one on the pilot."""
        return best_single(ledger.of(self.pilot()), self.sources)

    def cells(self, arms: Iterable[str], replications: Iterable[int]) -> list[Cell]:
        """These arms in these replications."""
        return [
            cell_of(
                self.settings,
                arm,
                replication,
                valuation=self.valuation,
                parameter=self.study.tune.parameter if arm in self.policies else "",
                policies=self.policies.get(arm, ()),
                point=self.point,
            )
            for replication in replications
            for arm in dict.fromkeys(arms)
        ]


def cell_of(settings: Settings[Any], arm: str, replication: int, **further: Any) -> Cell:
    """Return a cell of the settings' market, with what their study says of holders and valuations; ``further`` fields come last."""
    own = {name: getattr(settings.study, name) for name in OF_THE_STUDY if hasattr(settings.study, name)}
    about = {"scenario": settings.market, "arm": arm, "seed": settings.seed, "replication": replication}
    return Cell(**{**about, **own, **further})


def unit(settings: Settings[Any]) -> tuple[float, str]:
    """Return the number of bid requests that money is stated for, and the name of that unit."""
    per = settings.report.per
    names = {1.0: "request", 1e6: "million bid requests"}
    return per, f"{settings.scenario.currency} per {names.get(per, f'{per:,.12g} bid requests')}"


def best_single(pilot: CellResults, sources: Iterable[str]) -> str:
    """The single source with the higher mean profit on the pilot; the first one where they are equal.

    A source whose pilot cells have all failed is not chosen where another one has results.
    """
    profit: dict[str, list[float]] = {name: [] for name in sources}
    for cell, result in pilot:
        profit[cell.arm].append(sum(row["profit"] for row in result.rows if row["focal"]))
    return max(profit, key=lambda arm: fmean(profit[arm]) if profit[arm] else -inf)
