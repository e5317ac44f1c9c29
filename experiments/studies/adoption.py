"""The study ``adoption``: what data is worth to one firm when others have it too, and how many will have it in the end."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

import pandas as pd

from ..cells.arms import bidder_names
from ..cells.cell import Cell
from ..config.changes import varied
from ..config.settings import Settings
from ..config.study_settings import AdoptionSettings
from ..errors import BadInput
from ..estimate.adoption import Equilibria, Gain, equilibria, gains, label, per_bidder
from ..estimate.intervals import Estimate, mean_interval, paired_difference
from ..estimate.ladder import PROFIT, row_of
from ..estimate.metrics import MARKET_METRICS, METRICS, metric_table, unit_of
from ..report.plots.adoption import adoption_points, draw_adoption
from ..report.plots.figure import Figure
from ..report.wording.adoption import REGRET, adoption_table, notes, sentences
from .base import Row, Study
from .best_responses import BestResponse, best_responses
from .cell_plans import cell_of

MARKET = tuple(name for name in MARKET_METRICS if not METRICS[name].column)
"""Metrics of the whole market beside the bidders' own."""
AT = "study.who="


class Adoption(Study[AdoptionSettings]):
    """None, one, two ... all bidders hold the data, in the same market."""

    headline: ClassVar[Mapping[str, tuple[str, str]]] = {
        "adopters in equilibrium": ("equilibrium_adopters", "adopters"),
        "first adopter's gain": ("gain_from_adopting", "focal_profit"),
    }

    def check(self) -> None:
        """Refuse a market that this number of bidders does not fit."""
        _ = self._reckoned

    def cells(self) -> list[Cell]:
        """Return every number of adopters in every replication."""
        numbers = range(self._bidders + 1)
        return [self._cell(k, r) for r in range(self.settings.study.replications) for k in numbers]

    def stages(self) -> Iterator[list[Cell]]:
        """Yield every number of adopters, what one bidder could do better at the equilibrium numbers, and the best of that again."""
        yield self.cells()
        if self.settings.study.regret:
            yield [cell for _, _, answers in self._answers() for cell in answers.cells()]
            number = self.settings.study.replications
            yield [cell for _, _, one in self._answers() for cell in one.confirming(self.state, number)]

    def rows(self, cells: pd.DataFrame) -> Iterator[Row]:
        """Yield profits by number of adopters, gains from adopting, losses from staying out, equilibria, and the market."""
        counted = self._counted(cells)
        having, lacking = per_bidder(counted, self.unit.scale)
        for name, table in (("adopter_profit", having), ("non_adopter_profit", lacking)):
            yield from (self._row(name, k, PROFIT, mean_interval(own)) for k, own in table.items())
        found = gains(having, lacking)
        yield from (self._row("gain_from_adopting", gain.k, PROFIT, gain.estimate) for gain in found)
        for k, own in lacking.items():
            if k:
                loss = paired_difference(own, lacking[0])
                yield self._row("loss_from_staying_out", k, PROFIT, loss)
        yield from self._equilibria(equilibria(found, self._cost), found)
        yield from self._regrets()
        yield from self._market(counted)

    def sentences(self, summary: pd.DataFrame) -> Iterator[str]:
        """Yield how many adopt, and who gains and loses."""
        arm, money = self.settings.study.arm, self.unit.name
        yield from sentences(summary, bidders=self._bidders, cost=self._cost, unit=money, arm=arm)

    def notes(self, summary: pd.DataFrame) -> Iterator[str]:  # noqa: ARG002
        """Yield what in the scenario spoils the equilibrium."""
        yield from notes(self.settings.scenario, self._bidders, self._reckoned[1])

    def shown(self, summary: pd.DataFrame) -> Iterator[Any]:
        """Yield the table by number of adopters."""
        yield adoption_table(summary, self._bidders, self._cost, self.unit.name)

    def figures(self, summary: pd.DataFrame) -> Iterator[Figure]:
        """Yield who gains and who loses over the number of adopters."""
        yield Figure("adoption", adoption_points(summary), draw_adoption)

    @property
    def _played(self) -> Settings[AdoptionSettings]:
        """The settings with bidders who compete, and who account for what winning tells where that is worked out."""
        return self._reckoned[0]

    @cached_property
    def _reckoned(self) -> tuple[Settings[AdoptionSettings], tuple[str, ...]]:
        """The settings as they are played, and why bidders do not account for what winning tells, where they were to.

        They were to where values are not private, unless ``bidders.beliefs`` says otherwise.

        Raises:
            BadInput: the market does not fit ``study.seats`` bidders.
        """
        competing = self.settings
        if competing.scenario.bidders.count <= 1:
            competing = varied(competing, {"bidders.count": competing.study.seats}, place="study.seats")
        bidders = competing.scenario.bidders
        if bidders.beliefs is not None or bidders.values == "private":
            return competing, ()
        try:
            return varied(competing, {"bidders.beliefs": "winning"}, place="bidders.beliefs"), ()
        except BadInput as error:
            return competing, tuple(problem.removeprefix("bidders.beliefs: ") for problem in error.problems)

    @property
    def _cost(self) -> float:
        """What the data costs one adopter, in the unit of the gains."""
        return float(self.settings.study.cost_per_request * self.unit.scale)

    @property
    def _bidders(self) -> int:
        return self._played.scenario.bidders.count

    def _cell(self, k: int, replication: int) -> Cell:
        study = self.settings.study
        arm, point = (study.arm, f"{AT}{k}") if k else (study.others, "")
        return cell_of(self._played, arm, replication, who=k or 1, study_point=point)

    def _answers(self) -> Iterator[tuple[int, bool, BestResponse]]:
        """By equilibrium number, and whether of an adopter: the answers of one bidder to the others."""
        played = self.state.complete(self.cells())
        if played is None:
            return
        study = self.settings.study
        found = gains(*per_bidder(self._counted(played), self.unit.scale))
        at = {k: self._cell(k, 0) for k in range(self._bidders + 1)}
        for k in equilibria(found, self._cost).numbers:
            for adopts, answers in best_responses(at, k, study.cost_per_request):
                yield k, adopts, answers

    def _regrets(self) -> Iterator[Row]:
        for k, adopts, answers in self._answers() if self.settings.study.regret else ():
            if (found := answers.regret(self.state, self.settings.study.replications)) is not None:
                yield self._row(REGRET[adopts], k, PROFIT, found.times(self.unit.scale))

    def _market(self, counted: pd.DataFrame) -> Iterator[Row]:
        """The market's metrics at each number of adopters, and their change from no adopter to that number."""
        numbers = sorted(set(counted["k"].tolist()))
        scale = self.unit.scale
        tables = {
            k: metric_table(counted[counted["k"] == k], unit_scale=scale, wanted=MARKET) for k in numbers
        }
        for metric in MARKET:
            wide = {k: table[metric].droplevel("arm") for k, table in tables.items() if metric in table}
            for k, values in wide.items():
                yield self._row("utility", k, metric, mean_interval(values))
                if k and 0 in wide:
                    yield self._row("change_by_adoption", k, metric, paired_difference(values, wide[0]))

    def _equilibria(self, at: Equilibria, found: list[Gain]) -> Iterator[Row]:
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

    def _row(self, estimand: str, k: int, metric: str, found: Estimate) -> Row:
        return row_of(estimand, label(k), metric, unit_of(metric, self.unit.name), found)
