"""The weekly table of a run of channels (`study.weekly`): for marketing-mix tools, with the truth beside it, and the power of tests."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from ..cells.attribution_season import OBSERVED, touchpoints_of
from ..cells.cell import Cell
from ..cells.weekly_season import ALL, WeeklySeason, full_weeks, play_season
from ..config.points import Point
from ..config.run_settings import RunSettings
from ..errors import BadInput
from ..estimate.holdout_power import Holdout, holdout_power
from .cell_plans import cell_of

FILES = {"weekly": "weekly.csv", "media": "weekly_media.csv", "power": "holdout_power.csv"}


def weekly_cell(point: Point) -> Cell:
    """Return the cell of a run by week.

    Raises:
        BadInput: a scenario without channels, or shorter than a week.
    """
    settings = point.settings.of(RunSettings)
    if settings.scenario.touchpoints is None or settings.scenario.journey is None:
        raise BadInput(
            f"study.weekly: requires channels (touchpoints), which {settings.scenario.name} does not have; see scenario=touchpoints"
        )
    cell = cell_of(settings, OBSERVED, settings.study.replication)
    if full_weeks(cell) < 1:
        raise BadInput(
            f"supply.horizon_h = {settings.scenario.supply.horizon_h:g}: study.weekly needs at least one week (168)"
        )
    series = settings.scenario.engine.series_h
    if 168 % series:
        raise BadInput(
            f"engine.series_h = {series:g}: must divide a week (168) for study.weekly; allowed: 24, for one"
        )
    return cell


def season_of(point: Point) -> tuple[WeeklySeason, dict[str, pd.DataFrame]]:
    """Play the channels of a scenario by week; return the season and the tables by file name.

    `weekly.csv` is tidy, with the truth; `weekly_media.csv` has a row a week and no truth, in the columns that Meridian and
    PyMC-Marketing load; `holdout_power.csv` is on tests.

    Raises:
        BadInput: see `weekly_cell`.
    """
    season, study = play_season(weekly_cell(point)), point.settings.of(RunSettings).study
    days = season.weeks["week"].map(
        lambda week: str(date.fromisoformat(study.weekly_start) + timedelta(weeks=int(week)))
    )
    weeks = season.weeks.copy()
    weeks.insert(1, "date", days)
    added = {
        str(name): rows["incremental_sales"].to_numpy() for name, rows in weeks.groupby("channel", sort=False)
    }
    share = touchpoints_of(point.settings.scenario).holdout
    power = holdout_power(season.people, added, (Holdout(share), Holdout(share, study.weekly_areas)))
    return season, {FILES["weekly"]: weeks, FILES["media"]: _media(point, weeks), FILES["power"]: power}


def _media(point: Point, weeks: pd.DataFrame) -> pd.DataFrame:
    """Return a row a week: `time`, `geo`, `population`, `<channel>_impression`, `_clicks`, `_spend`, `conversions`, `revenue_per_conversion`."""
    scenario = point.settings.scenario
    assert scenario.journey is not None  # noqa: S101 - it was checked before the season
    total = weeks[weeks["channel"] == ALL]
    wide = pd.DataFrame(
        {"time": total["date"].to_numpy(), "geo": "national", "population": scenario.audience.people}
    )
    for name, rows in weeks[weeks["channel"] != ALL].groupby("channel", sort=False):
        for column, of in (("impression", "impressions"), ("clicks", "clicks"), ("spend", "spend")):
            wide[f"{name}_{column}"] = rows[of].to_numpy()
    return wide.assign(conversions=total["sales"].to_numpy(), revenue_per_conversion=scenario.journey.margin)
