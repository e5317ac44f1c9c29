"""The study ``value``: what joining the two departments' data is worth to one advertiser, rung by rung."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar

from ...cells.cell import Cell
from ...config.value_settings import ValueSettings
from ...errors import BadInput
from ..base import MarketPart, Study
from ..business.collaboration_levels import Levels
from ..business.money import NetValue
from ..business.overtaking import Overtaking
from ..business.own_data import OwnData
from ..business.upgrade import Upgrade
from ..cell_plans import CellPlan
from ..tuning.tuned_policies import Retuned
from . import learning
from .curves import Curves, Map
from .frozen_rivals import FrozenRivals
from .in_units import ValueInUnits
from .ladders import Ladders
from .media import Media
from .worlds import Worlds

PARTS: tuple[type[MarketPart], ...] = (
    ValueInUnits, Media, FrozenRivals, NetValue, Curves, Map, Worlds, Levels, OwnData, Overtaking, Upgrade,
)  # fmt: skip
"""The parts beside the ladder, in the order of their rows."""


class Value(Study[ValueSettings]):
    """The ladder of arms, and each part that the settings ask for."""

    headline: ClassVar[Mapping[str, tuple[str, str]]] = {
        "value": ("value_of_joint_data", "focal_profit"),
        "%": ("value_of_joint_data", "focal_profit_pct"),
        "same-request step": ("same_request_step", "focal_profit"),
        "joint-model step": ("joint_model_step", "focal_profit"),
    }

    @property
    def columns(self) -> None:
        """All that the rows have."""

    @cached_property
    def parts(self) -> list[MarketPart]:
        """The ladder, and each part that is asked for."""
        return [self._ladder, *self._further]

    @cached_property
    def _ladder(self) -> Ladders:
        return Ladders(self._ladders, self._retuned)

    @cached_property
    def _ladders(self) -> list[tuple[CellPlan, tuple[str, ...]]]:
        return learning.ladders(CellPlan(self.settings, self.state))

    @cached_property
    def _further(self) -> list[MarketPart]:
        plan = self._ladders[0][0]
        return [part(plan) for part in PARTS if part.is_wanted(self.settings)]

    @cached_property
    def _retuned(self) -> Retuned:
        """Policies are tuned wherever a part plays."""
        further = [own for part in self._further for own in part.plans()]
        return Retuned(self.settings.study.tune, [*self._ladders, *further])

    def check(self) -> None:
        """Refuse a market that has nothing to join, or no bidder to join it."""
        scenario = self.settings.scenario
        if not scenario.bidders.count:
            raise BadInput("bidders.count = 0: the study value needs a bidder that holds the data")
        if len(scenario.source) < 2:
            has = ", ".join(scenario.source) or "none"
            raise BadInput(f"source: the study value joins two sources or more, and there is: {has}")
        super().check()

    def stages(self) -> Iterator[Collection[Cell]]:
        """Yield the pilots that tune policies, those that fix a width, and then everything else at once."""
        yield from self._retuned.stages(self.state)
        if self.settings.study.half_width is not None:
            yield self._ladder.pilots()
        yield from super().stages()

    def about(self) -> Mapping[str, Any]:
        """Return the number of replications, the silo, and what was chosen on pilots."""
        return self._ladder.about()
