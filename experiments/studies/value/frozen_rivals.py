"""Rivals who keep the bid curves of before beside those who re-optimise when information changes, in one study."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...config.changes import varied
from ...config.settings import Settings
from ...config.value_settings import ValueStudy
from ..cell_plans import Plan, unit

if TYPE_CHECKING:
    import pandas as pd

CHANGE = {"study.rivals": "frozen"}


def frozen_plan(settings: Settings[ValueStudy]) -> Plan | None:
    """The arms that are compared once more, rivals frozen; None unless curves are fitted and all sides re-optimise."""
    study = settings.study
    if study.tune is None or study.tune.values is not None or study.rivals != "adapted":
        return None
    return Plan(varied(settings, CHANGE, place="study.rivals"), "study.rivals=frozen")


def rows(
    settings: Settings[ValueStudy], adapted: pd.DataFrame, frozen: pd.DataFrame, best: str
) -> pd.DataFrame:
    """For ``summary.csv``: what joining is worth with frozen rivals, and what re-optimising changes.

    Args:
        settings: the study's.
        adapted: cells of the ladder.
        frozen: those with frozen rivals, of the same replications.
        best: the better single source.
    """
    import pandas as pd

    from ...estimate import ladder_summary
    from ...estimate.frozen_rivals import effect_rows, frozen_rows

    (scale, money), silo = unit(settings), settings.study.silo
    sources = tuple(settings.scenario.source)
    about: Any = {"best_single": best, "silo": silo, "unit_scale": scale, "unit": money}
    ladder = ladder_summary(frozen, sources=sources, **about)
    return pd.concat([frozen_rows(ladder), effect_rows(adapted, frozen, **about)], ignore_index=True)


def sentences(summary: pd.DataFrame, settings: Settings[ValueStudy]) -> Iterator[str]:
    """What joining would be worth if rivals kept their curves, and what it would do to the seller."""
    from ...estimate import lookup
    from ...estimate.frozen_rivals import EFFECT, FROZEN
    from ...report.verdict import interval, number

    def said(estimand: str) -> str:
        names = {"focal_profit": "the focal bidder's profit", "revenue": "the seller's revenue"}
        found = {name: lookup(summary, estimand, metric) for metric, name in names.items()}
        return "; ".join(
            f"{name} {number(one.estimate)} ({interval(one)})"
            if one.finding in {"positive", "negative"}
            else f"{name}, no difference shown ({interval(one) if one.has_interval else 'no interval'})"
            for name, one in found.items()
            if one is not None
        )

    if lookup(summary, EFFECT) is not None:
        money = unit(settings)[1]
        yield (
            f"If rivals kept the curves that they bid by before, it would change, in {money}: {said(FROZEN + 'value_of_joint_data')}. "
            f"That they re-optimise changes, against that: {said(EFFECT)}."
        )
