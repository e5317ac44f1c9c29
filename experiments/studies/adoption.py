"""The study ``adoption``: what data is worth to one firm when others have it too, and how many will have it in the end."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar

from ..cells.arms import bidder_names
from ..cells.cell import Cell
from ..config.changes import varied
from ..config.settings import Settings
from ..storage.cell_results import Ledger
from .base import Said, Study
from .cell_plans import unit

if TYPE_CHECKING:
    import pandas as pd

    from ..estimate.adoption import Equilibria, Gain
    from ..estimate.intervals import Estimate
    from ..report.plots.figure import Figure

MARKET = ("bidder_surplus", "revenue", "exchange_fee", "welfare", "relevance")
"""What is also looked at: nobody's gain is the market's."""
AT = "study.who="


class Adoption(Study):
    """None, one, two ... all bidders hold the data, in the same market."""

    headline: ClassVar[Mapping[str, tuple[str, str]]] = {
        "adopters in equilibrium": ("equilibrium_adopters", "adopters"),
        "first adopter's gain": ("gain_from_adopting", "focal_profit"),
    }

    def check(self) -> None:
        """Refuse a market that so many bidders do not fit."""
        _ = self._played

    def stages(self, ledger: Ledger) -> Iterator[list[Cell]]:  # noqa: ARG002 - nothing is decided on the way
        """Every number of adopters in every replication."""
        numbers = range(self._bidders + 1)
        yield [self._cell(k, r) for r in range(self.settings.study.replications) for k in numbers]

    def summary(self, cells: pd.DataFrame, ledger: Ledger) -> pd.DataFrame:  # noqa: ARG002
        """Profits by number of adopters, gains from adopting, losses from staying out, equilibria, and the market."""
        import pandas as pd

        from ..estimate import SUMMARY_COLUMNS

        return pd.DataFrame(list(self._rows(cells)), columns=list(SUMMARY_COLUMNS))

    def say(self, summary: pd.DataFrame, ledger: Ledger) -> Said:  # noqa: ARG002
        """The table by number of adopters, and who gains and loses."""
        from ..report.wording.adoption import adoption_table, notes, sentences

        scale, money = unit(self.settings)
        cost = self.settings.study.cost_per_request * scale
        bidders = self._bidders
        about = {"bidders": bidders, "cost": cost, "unit": money, "arm": self.settings.study.arm}
        return Said(
            verdict=tuple(sentences(summary, **about)),
            notes=tuple(notes(self.settings.scenario, bidders)),
            shown=(adoption_table(summary, bidders, cost, money),),
        )

    def figures(self, summary: pd.DataFrame, ledger: Ledger) -> Iterator[Figure]:  # noqa: ARG002
        """Who gains and who loses over the number of adopters."""
        from ..report.plots import adoption_points, draw_adoption
        from ..report.plots.figure import Figure

        points = adoption_points(summary)
        yield Figure("adoption", points, partial(draw_adoption, points))

    @cached_property
    def _played(self) -> Settings[Any]:
        """The settings with bidders who compete: those of the scenario, or ``study.seats`` of the one that it has."""
        if self.settings.scenario.bidders.count > 1:
            return self.settings
        return varied(self.settings, {"bidders.count": self.settings.study.seats}, place="study.seats")

    @property
    def _bidders(self) -> int:
        return self._played.scenario.bidders.count

    def _cell(self, k: int, replication: int) -> Cell:
        study = self.settings.study
        return Cell(
            scenario=self._played.market,
            arm=study.arm if k else study.others,
            valuation=study.valuation,
            who=k or 1,
            others=study.others,
            train_requests=study.train_requests,
            learner=study.learner,
            seed=self.settings.seed,
            replication=replication,
            point=f"{AT}{k}" if k else "",
        )

    def _rows(self, cells: pd.DataFrame) -> Iterator[dict[str, Any]]:
        from ..estimate import paired_difference
        from ..estimate.adoption import equilibria, gains, per_bidder
        from ..estimate.intervals import mean_interval
        from ..estimate.ladder import PROFIT

        scale, _ = unit(self.settings)
        counted = self._counted(cells)
        having, lacking = per_bidder(counted, scale)
        for name, table in (("adopter_profit", having), ("non_adopter_profit", lacking)):
            yield from (self._row(name, k, PROFIT, mean_interval(own)) for k, own in table.items())
        found = gains(having, lacking)
        yield from (self._row("gain_from_adopting", gain.k, PROFIT, gain.estimate) for gain in found)
        for k, own in lacking.items():
            if k:
                loss = paired_difference(own, lacking[0])
                yield self._row("loss_from_staying_out", k, PROFIT, loss)
        cost = self.settings.study.cost_per_request * scale
        yield from self._equilibria(equilibria(found, cost), found)
        yield from self._market(counted, scale)

    def _market(self, counted: pd.DataFrame, scale: float) -> Iterator[dict[str, Any]]:
        """The market's metrics at each number of adopters, and their change from nobody to so many."""
        from ..estimate import outcomes, paired_difference
        from ..estimate.intervals import mean_interval

        numbers = sorted(set(counted["k"].tolist()))
        tables = {k: outcomes(counted[counted["k"] == k], unit_scale=scale) for k in numbers}
        for metric in MARKET:
            wide = {k: table[metric].droplevel("arm") for k, table in tables.items() if metric in table}
            for k, values in wide.items():
                yield self._row("utility", k, metric, mean_interval(values))
                if k and 0 in wide:
                    yield self._row("change_by_adoption", k, metric, paired_difference(values, wide[0]))

    def _equilibria(self, at: Equilibria, found: list[Gain]) -> Iterator[dict[str, Any]]:
        """A row an equilibrium number, its interval around all numbers that the gains' band allows; and a row each of these."""
        known = found[0].estimate
        low, high = (min(at.possible), max(at.possible)) if known.has_interval else (math.nan, math.nan)
        for k in at.numbers:
            number = replace(known, estimate=k, ci_low=low, ci_high=high)
            yield self._row("equilibrium_adopters", k, "adopters", number)
        for k in at.possible if known.has_interval else ():
            number = replace(known, estimate=k, ci_low=math.nan, ci_high=math.nan)
            yield self._row("possible_adopters", k, "adopters", number)

    def _counted(self, cells: pd.DataFrame) -> pd.DataFrame:
        """The cells with the number of adopters, and whether each bidder is one of them."""
        names = bidder_names(self._bidders)
        at = cells["study_point"].str.removeprefix(AT)
        number = at.where(at != "", "0").astype(int)
        place = cells["advertiser"].map({name: place for place, name in enumerate(names)})
        return cells.assign(k=number, adopts=place < number, study_point="")

    def _row(self, estimand: str, k: int, metric: str, found: Estimate) -> dict[str, Any]:
        from ..estimate import unit_of
        from ..estimate.adoption import label
        from ..estimate.ladder import row_of

        _, money = unit(self.settings)
        return row_of(estimand, label(k), metric, unit_of(metric, money), found)
