"""The study ``value``: what joining the two houses' data is worth to one advertiser, rung by rung."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

from ...cells.cell import Cell
from ...errors import BadInput
from ...storage.cell_results import Ledger, table
from .. import sampled_markets as drawn
from ..base import Said, Study
from ..business import money as value_money
from ..business.firm_plans import FirmPlans
from ..cell_plans import WIDTH_PILOT, Plan, best_single, unit
from ..tuning.tuned_policies import Retuned
from . import frozen_rivals as value_frozen
from . import learning as value_learning
from . import notes as value_notes
from . import worlds
from .curve_results import Followed
from .curves import Curve, Grid, at_points, cells, curves, map_of

if TYPE_CHECKING:
    import pandas as pd

    from ...report.plots.figure import Figure


class Value(Study):
    """The ladder of arms, replicated, with the curves behind its plots."""

    headline: ClassVar[Mapping[str, tuple[str, str]]] = {
        "value": ("value_of_joint_data", "focal_profit"),
        "%": ("value_of_joint_data", "focal_profit_pct"),
        "same-request step": ("same_request_step", "focal_profit"),
        "joint-model step": ("joint_model_step", "focal_profit"),
    }

    _followed: Followed | None = None

    def check(self) -> None:
        """Refuse a market that has nothing to join, or nobody to join it."""
        scenario = self.settings.scenario
        if not scenario.bidders.count:
            raise BadInput("bidders.count = 0: the study value needs a bidder that holds the data")
        if len(scenario.source) < 2:
            has = ", ".join(scenario.source) or "none"
            raise BadInput(f"source: the study value joins two sources or more, and there is: {has}")
        _ = self._asked_curves, self._asked_map, self._asked_worlds, self._retuned  # every point is a market
        self._firm.check()

    def stages(self, ledger: Ledger) -> Iterator[list[Cell]]:
        """Pilots where a width is asked for; then everything else at once."""
        yield from self._retuned.stages(ledger)
        ladders = self._ladders
        if self.settings.study.half_width is not None:
            yield [cell for plan in ladders for cell in plan.pilot()] + ladders[0].width_pilot()
        replications = range(self._replications(ledger))
        own = [cell for plan in ladders for cell in (*plan.pilot(), *plan.ladder(replications))]
        spots = [spot.plan for curve in self._curves for spot in curve.spots]
        points = [cell for spot in (*spots, *self._map.values()) for cell in cells(spot)]
        if frozen := self._frozen:
            own += frozen.cells(frozen.compared, replications)
        yield own + points + worlds.cells(self._worlds) + self._firm.cells()

    def about(self, ledger: Ledger) -> Mapping[str, Any]:
        """How many replications, which source is the better one, and which silo."""
        study = self.settings.study
        return {
            "replications": self._replications(ledger),
            "best_single": self._best_single(ledger),
            "silo": study.silo,
        }

    def summary(self, cells: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
        """The ladder, and what separates its rungs."""
        from ...estimate import ladder_summary

        scale, money = unit(self.settings)
        own, best = cells[cells["study_point"] == ""], self._best_single(ledger)
        ladder = ladder_summary(
            own,
            best_single=best,
            silo=self.settings.study.silo,
            sources=tuple(self.settings.scenario.source),
            unit_scale=scale,
            unit=money,
            per_bidder=self.settings.scenario.bidders.count > 1,
        )
        if len(self._ladders) > 1:
            ladder = self._with_learned(ladder, cells, ledger)
        if self._frozen and len(frozen := cells[cells["study_point"] == self._frozen.point]):
            import pandas as pd

            ladder = pd.concat(
                [ladder, value_frozen.rows(self.settings, own, frozen, best)], ignore_index=True
            )
        further = list(value_money.rows(self.settings, own, best, self._follow(ledger).readings))
        if self._worlds:
            further += worlds.rows(worlds.world_table(self._worlds, ledger), self.settings)
        further += self._firm.rows(own, ledger)
        if not further:
            return ladder
        import pandas as pd

        return pd.concat([ladder, pd.DataFrame(further)], ignore_index=True)

    def _with_learned(self, ladder: pd.DataFrame, cells: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:
        """The ladder's summary, and below it the learned ladder's with what learning costs."""
        import pandas as pd

        from ...estimate.ladder import adjusted

        exact, learned = (cells[cells["study_point"] == plan.point] for plan in self._ladders)
        if learned.empty:
            return ladder
        best = self._best_single(ledger), self._best_single(ledger, self._ladders[1])
        rows = value_learning.rows(self.settings, exact, learned, best)
        return adjusted(pd.concat([ladder, rows], ignore_index=True))

    def say(self, summary: pd.DataFrame, ledger: Ledger) -> Said:
        """The two tables, the sentence, and what spoils it."""
        from ...report.verdict import holders, others, verdict

        study, bidders = self.settings.study, self.settings.scenario.bidders
        about = {"best_single": self._best_single(ledger), "silo": study.silo}
        return Said(
            verdict=(
                verdict(
                    summary,
                    sources=tuple(self.settings.scenario.source),
                    holders=holders(study.who, bidders.count),
                    **about,
                ),
                *filter(None, [others(summary)]),
                *value_learning.sentences(summary, self.settings),
                *value_frozen.sentences(summary, self.settings),
                *value_money.sentences(summary, self.settings),
                *self._firm.sentences(summary),
                *worlds.sentences(summary, len(self._worlds)),
            ),
            notes=tuple(self._notes(summary, ledger)),
            shown=tuple(self._tables(summary, about)),
        )

    def figures(self, summary: pd.DataFrame, ledger: Ledger) -> Iterator[Figure]:
        """The ladder; the value against the match rate; the two steps over redundancy and interaction."""
        from ...estimate import heat_table, silo_label
        from ...estimate.ladder import LOST, PROFIT
        from ...report import plots
        from ...report.plots.figure import Figure

        silo, (scale, money) = self.settings.study.silo, unit(self.settings)
        points, best = plots.ladder_points(summary), self._best_single(ledger)
        yield Figure("ladder", points, partial(plots.draw_ladder, points, best_single=best, silo=silo))
        label = "better single source at each point" if silo == "best_single" else silo_label(silo, "")
        followed = self._follow(ledger)
        for curve, rows in followed.values:
            value = rows[(rows["estimand"] == "value_of_joint_data") & (rows["metric"] == PROFIT)]
            value = value_money.with_break_even(value, summary, curve.name)
            yield Figure(curve.swept.title, value, partial(value_learning.draw_value, value, money, label))
            if len(lost := rows[rows["metric"] == LOST]):
                yield Figure(f"{curve.swept.title}_revenue_lost", lost, partial(plots.draw_lost, lost, label))
        for title, cost in followed.costs:
            yield Figure(title, cost, partial(value_learning.draw, cost, money))
        yield from self._firm.figures(ledger)
        grid, singles = at_points(self._map, ledger)
        if grid:
            heat = heat_table(grid, best_single=singles, unit_scale=scale)
            yield Figure("redundancy_interaction", heat, partial(plots.draw_heat, heat, unit=money))

    def tables(self, summary: pd.DataFrame, ledger: Ledger) -> Mapping[str, pd.DataFrame]:
        """Every curve, a row a point, line, estimand and metric; every world with what was drawn for it."""
        import pandas as pd

        found = list(self._follow(ledger).tables())
        tables = {"curves": pd.concat(found, ignore_index=True)} if found else {}
        if len(learning := value_learning.table(summary)):
            tables["learning"] = learning
        tables |= self._firm.tables(ledger)
        return tables | ({"worlds": worlds.world_table(self._worlds, ledger)} if self._worlds else {})

    def _follow(self, ledger: Ledger) -> Followed:
        if self._followed is None:
            self._followed = Followed(self.settings, self._curves, ledger)
        return self._followed

    @cached_property
    def _retuned(self) -> Retuned:
        """What is tuned, at every point where something is played; nothing where no parameter is named."""
        spots = [spot.plan for curve in self._asked_curves for spot in curve.spots]
        return Retuned.of(
            self.settings,
            [
                *((plan, plan.arms) for plan in self._asked_ladders),
                *((plan, plan.compared) for plan in filter(None, [self._asked_frozen])),
                *((plan, plan.compared) for plan in (*spots, *self._asked_map.values())),
                *((world.plan, drawn.arms_of(world.plan)) for world in self._asked_worlds),
            ],
        )

    @property
    def _ladders(self) -> list[Plan]:
        """The ladder's cells, every arm as it is played once its policies are tuned; where both valuations are asked for, twice."""
        return [self._retuned.played(plan) for plan in self._asked_ladders]

    @property
    def _frozen(self) -> Plan | None:
        """What is compared, once more with rivals who keep the curves of before; None where nobody fits any, or all are frozen."""
        return self._retuned.played(self._asked_frozen) if self._asked_frozen else None

    @property
    def _curves(self) -> list[Curve]:
        return [
            replace(
                curve,
                spots=tuple(replace(spot, plan=self._retuned.played(spot.plan)) for spot in curve.spots),
            )
            for curve in self._asked_curves
        ]

    @property
    def _map(self) -> dict[Grid, Plan]:
        return {at: self._retuned.played(plan) for at, plan in self._asked_map.items()}

    @property
    def _worlds(self) -> list[worlds.World]:
        return [replace(world, plan=self._retuned.played(world.plan)) for world in self._asked_worlds]

    @cached_property
    def _firm(self) -> FirmPlans:
        return FirmPlans(self.settings)

    @cached_property
    def _asked_ladders(self) -> list[Plan]:
        learned = value_learning.learned_plan(self.settings)
        return [Plan(self.settings), *([learned] if learned else [])]

    @cached_property
    def _asked_frozen(self) -> Plan | None:
        return value_frozen.frozen_plan(self.settings)

    @cached_property
    def _asked_curves(self) -> list[Curve]:
        """None where nothing is drawn, and no break-even is looked for."""
        wanted = self.settings.plot.enabled or self.settings.money.requests_per_month is not None
        return curves(self.settings) if wanted else []

    @cached_property
    def _asked_worlds(self) -> list[worlds.World]:
        return worlds.worlds(self.settings)

    @cached_property
    def _asked_map(self) -> dict[Grid, Plan]:
        return map_of(self.settings) if self.settings.plot.enabled else {}

    def _best_single(self, ledger: Ledger, ladder: Plan | None = None) -> str:
        plan = ladder or self._ladders[0]
        return best_single(ledger.of(plan.pilot()), plan.sources)

    def _replications(self, ledger: Ledger) -> int:
        """How many replications there must be: as configured, or as a pilot shows for the wanted half-width."""
        study = self.settings.study
        if study.half_width is None:
            return int(study.replications)
        from ...estimate import required_replications
        from ...estimate.ladder import PROFIT
        from ...estimate.metrics import outcomes

        silo = self._best_single(ledger) if study.silo == "best_single" else study.silo
        found = ledger.of(self._ladders[0].width_pilot())
        if not found:
            return len(WIDTH_PILOT)
        scale, _ = unit(self.settings)
        profit = outcomes(table(found), unit_scale=scale)[PROFIT].unstack("arm")
        pairs = (profit["joint"] - profit[silo]).dropna() if {"joint", silo} <= set(profit) else ()
        needed = required_replications(pairs, study.half_width) if len(pairs) > 1 else len(WIDTH_PILOT)
        return min(needed, int(study.max_replications))

    def _tables(self, summary: pd.DataFrame, about: Mapping[str, str]) -> Iterator[Any]:
        from ...report import tables

        yield tables.ladder_table(summary, **about)
        yield tables.estimand_table(summary, **about)
        if self.settings.study.lattice and (summary["estimand"] == "shapley").any():
            yield tables.source_table(summary, tuple(self.settings.scenario.source))
        if len(learning := value_learning.table(summary)):
            yield tables.learning_table(learning)
        if (money := value_money.money_table(summary)) is not None:
            yield money

    def _notes(self, summary: pd.DataFrame, ledger: Ledger) -> Iterator[str]:
        from ...estimate import lookup

        study = self.settings.study
        yield from value_notes.of_settings(self.settings)
        yield from value_notes.budget(summary, self.settings)
        yield from value_notes.tuned(self.settings, self._retuned)
        if study.silo == "best_single":
            yield from value_notes.near_tie(ledger.of(self._ladders[0].pilot()))
        if value := lookup(summary, "value_of_joint_data"):
            yield from value_notes.width(value, study.half_width, study.max_replications)
            yield from value_notes.power(value, unit(self.settings)[1])
