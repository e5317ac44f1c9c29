"""The study ``value``: what joining the two houses' data is worth to one advertiser, rung by rung."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

from experiments.cells import Cell
from experiments.errors import BadInput
from experiments.runner import Ledger, table
from experiments.studies import value_money, value_notes, worlds
from experiments.studies.base import Figure, Said, Study
from experiments.studies.curves import Curve, Grid, at_points, cells, curves, map_of, readings
from experiments.studies.tuning import Tuned, check_parameter, sides_of, tune
from experiments.studies.value_cells import WIDTH_PILOT, Plan, best_single, unit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as Drawing


class Value(Study):
    """The ladder of arms, replicated, with the curves behind its plots."""

    headline: ClassVar[Mapping[str, tuple[str, str]]] = {
        "value": ("value_of_joint_data", "focal_profit"),
        "%": ("value_of_joint_data", "focal_profit_pct"),
        "same-request step": ("same_request_step", "focal_profit"),
        "joint-model step": ("joint_model_step", "focal_profit"),
    }

    _followed: list[tuple[str, pd.DataFrame]] | None = None

    def check(self) -> None:
        """Refuse a market that has nothing to join, or nobody to join it."""
        scenario = self.settings.scenario
        if not scenario.bidders.count:
            raise BadInput("bidders.count = 0: the study value needs a bidder that holds the data")
        if len(scenario.source) < 2:
            has = ", ".join(scenario.source) or "none"
            raise BadInput(f"source: the study value joins two sources or more, and there is: {has}")
        if study := self.settings.study.tune:
            check_parameter(scenario, study.parameter, study.values)
        _ = self._curves, self._map, self._worlds  # every point is a market

    def stages(self, ledger: Ledger) -> Iterator[list[Cell]]:
        """Pilots where a width is asked for; then everything else at once."""
        yield from self._tune(ledger)
        plan = self._plan
        if self.settings.study.half_width is not None:
            yield plan.pilot() + plan.width_pilot()
        replications = range(self._replications(ledger))
        spots = [spot.plan for curve in self._curves for spot in curve.spots]
        points = [cell for spot in (*spots, *self._map.values()) for cell in cells(spot)]
        yield plan.pilot() + plan.ladder(replications) + points + worlds.cells(self._worlds)

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
        from experiments.estimate import ladder_summary

        scale, money = unit(self.settings.scenario)
        ladder = ladder_summary(
            cells[cells["study_point"] == ""],
            best_single=self._best_single(ledger),
            silo=self.settings.study.silo,
            sources=tuple(self.settings.scenario.source),
            unit_scale=scale,
            unit=money,
            per_bidder=self.settings.scenario.bidders.count > 1,
        )
        own, best = cells[cells["study_point"] == ""], self._best_single(ledger)
        followed = [readings(curve, ledger) for curve in self._curves]
        further = list(value_money.rows(self.settings, own, best, followed))
        if self._worlds:
            further += worlds.rows(worlds.world_table(self._worlds, ledger), self.settings)
        if not further:
            return ladder
        import pandas as pd

        return pd.concat([ladder, pd.DataFrame(further)], ignore_index=True)

    def say(self, summary: pd.DataFrame, ledger: Ledger) -> Said:
        """The two tables, the sentence, and what spoils it."""
        from experiments.verdict import holders, others, verdict

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
                *value_money.sentences(summary, self.settings),
                *worlds.sentences(summary, len(self._worlds)),
            ),
            notes=tuple(self._notes(summary, ledger)),
            shown=tuple(self._tables(summary, about)),
        )

    def figures(self, summary: pd.DataFrame, ledger: Ledger) -> Iterator[Figure]:
        """The ladder; the value against the match rate; the two steps over redundancy and interaction."""
        from experiments import plots
        from experiments.estimate import heat_table, silo_label

        silo, (scale, money) = self.settings.study.silo, unit(self.settings.scenario)
        points, best = plots.ladder_points(summary), self._best_single(ledger)
        yield Figure("ladder", points, partial(plots.draw_ladder, points, best_single=best, silo=silo))
        label = "better single source at each point" if silo == "best_single" else silo_label(silo, "")
        for title, rows in self._curve_tables(ledger):
            value = rows[(rows["estimand"] == "value_of_joint_data") & (rows["metric"] == "focal_profit")]
            value = value_money.with_break_even(value, summary)
            yield Figure(title, value, partial(_draw_curve, value, money, label))
        grid, singles = at_points(self._map, ledger)
        if grid:
            heat = heat_table(grid, best_single=singles, unit_scale=scale)
            yield Figure("redundancy_interaction", heat, partial(plots.draw_heat, heat, unit=money))

    def tables(self, summary: pd.DataFrame, ledger: Ledger) -> Mapping[str, pd.DataFrame]:  # noqa: ARG002
        """Every curve, a row a point, line, estimand and metric; every world with what was drawn for it."""
        import pandas as pd

        found = [rows.assign(curve=title) for title, rows in self._curve_tables(ledger)]
        tables = {"curves": pd.concat(found, ignore_index=True)} if found else {}
        return tables | ({"worlds": worlds.world_table(self._worlds, ledger)} if self._worlds else {})

    def _curve_tables(self, ledger: Ledger) -> list[tuple[str, pd.DataFrame]]:
        """Title and rows of each curve of which a point is left; found once, for table and plots."""
        if self._followed is None:
            self._followed = list(self._follow(ledger))
        return self._followed

    def _follow(self, ledger: Ledger) -> Iterator[tuple[str, pd.DataFrame]]:
        from experiments.estimate import curve_table

        scale, money = unit(self.settings.scenario)
        for curve in self._curves:
            found = readings(curve, ledger)
            if found:
                silo = self.settings.study.silo
                yield curve.swept.title, curve_table(found, silo=silo, unit_scale=scale, unit=money)

    @cached_property
    def _tuned(self) -> dict[str, Tuned]:
        """What is tuned, by arm; nothing where no parameter is named."""
        study = self.settings.study
        if study.tune is None:
            return {}
        spec = self.settings.scenario.bidders.strategy
        start = float(spec.params.get(study.tune.parameter, study.tune.values[0]))
        adapted = study.rivals == "adapted"
        return {
            cell.arm: Tuned(cell, sides_of(cell, start, adapted=adapted))
            for cell in Plan(self.settings).ladder([0])
        }

    def _tune(self, ledger: Ledger) -> Iterator[list[Cell]]:
        if self._tuned:
            wanted = self.settings.study.tune
            yield from tune(list(self._tuned.values()), wanted.parameter, wanted.values, ledger)

    @property
    def _plan(self) -> Plan:
        """The ladder's cells, as every arm is played once its policies are tuned."""
        if not self._tuned:
            return Plan(self.settings)
        policies = {arm: tuned.policies for arm, tuned in self._tuned.items()}
        return Plan(self.settings, parameter=self.settings.study.tune.parameter, policies=policies)

    @cached_property
    def _curves(self) -> list[Curve]:
        """None where nothing is drawn, and no break-even is looked for."""
        wanted = self.settings.plot.enabled or self.settings.money.requests_per_month is not None
        return curves(self.settings) if wanted else []

    @cached_property
    def _worlds(self) -> list[worlds.World]:
        return worlds.worlds(self.settings)

    @cached_property
    def _map(self) -> dict[Grid, Plan]:
        return map_of(self.settings) if self.settings.plot.enabled else {}

    def _best_single(self, ledger: Ledger) -> str:
        plan = self._plan
        return best_single(ledger.of(plan.pilot()), plan.sources)

    def _replications(self, ledger: Ledger) -> int:
        """How many replications there must be: as configured, or as a pilot shows for the wanted half-width."""
        study = self.settings.study
        if study.half_width is None:
            return int(study.replications)
        from experiments.estimate import required_replications
        from experiments.estimate.ladder import PROFIT
        from experiments.estimate.metrics import outcomes

        silo = self._best_single(ledger) if study.silo == "best_single" else study.silo
        found = ledger.of(self._plan.width_pilot())
        if not found:
            return len(WIDTH_PILOT)
        scale, _ = unit(self.settings.scenario)
        profit = outcomes(table(found), unit_scale=scale)[PROFIT].unstack("arm")
        pairs = (profit["joint"] - profit[silo]).dropna() if {"joint", silo} <= set(profit) else ()
        needed = required_replications(pairs, study.half_width) if len(pairs) > 1 else len(WIDTH_PILOT)
        return min(needed, int(study.max_replications))

    def _tables(self, summary: pd.DataFrame, about: Mapping[str, str]) -> Iterator[Any]:
        from experiments import tables

        yield tables.ladder_table(summary, **about)
        yield tables.estimand_table(summary, **about)
        if self.settings.study.lattice and (summary["estimand"] == "shapley").any():
            yield tables.source_table(summary, tuple(self.settings.scenario.source))
        if (money := value_money.money_table(summary)) is not None:
            yield money

    def _notes(self, summary: pd.DataFrame, ledger: Ledger) -> Iterator[str]:
        from experiments.estimate import lookup

        study = self.settings.study
        yield from value_notes.of_settings(self.settings)
        yield from value_notes.tuned(self.settings, self._tuned)
        if study.silo == "best_single":
            yield from value_notes.near_tie(ledger.of(self._plan.pilot()))
        if value := lookup(summary, "value_of_joint_data"):
            yield from value_notes.width(value, study.half_width, study.max_replications)
            yield from value_notes.power(value, unit(self.settings.scenario)[1])


def _draw_curve(value: pd.DataFrame, unit: str, silo: str) -> Drawing:
    from experiments import plots

    over = str(value["over"].iloc[0])
    subject = f"Value of joint data against {over}"
    return plots.draw_curve(value, unit=unit, silo=silo, subject=subject, x_label=over)
