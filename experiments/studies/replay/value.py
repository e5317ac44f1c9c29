"""The study `value` on a real log: replay it, write the result files, and show both variants side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd

from ...cells.cell import code_version
from ...config.points import Point, content_hash, digest
from ...execution.progress import say
from ...logs.formats.registry import fingerprint
from ...logs.replay.plan import ReplayPlan
from ...report.html.page import write_report
from ...report.log_tables import model_table, money_table
from ...report.plots.figure import Figure
from ...report.plots.log_ladder import draw_log_ladder
from ...report.plots.match_rate import draw_match_rate
from ...report.wording.censored_bounds import bounds_table
from ...report.wording.joined_tables import LookupCosts
from ...report.wording.landscape_band import band_table
from ...report.wording.off_policy import click_value_table, off_policy_table, refit_table
from ...storage.names import MANIFEST, REPORT
from ...storage.study_folder import Folder
from ..base import Findings
from ..business.money import terms_at
from ..run_folder import RunFiles, write_run
from ..session import CELLS, SUMMARY, StudyResult
from .ladder import run_replay

CODE = (
    "sim",
    "strategies",
    "experiments/cells",
    "experiments/estimate",
    "experiments/logs",
    "experiments/report",
    "experiments/studies/replay",
)
MODELS = "models.parquet"
MORE = {
    "landscapes": band_table,
    "refit": refit_table,
    "click_value": click_value_table,
    "bounds": bounds_table,
    "off_policy": off_policy_table,
}
"""Further tables that some logs give, and how each is shown."""


def value(point: Point) -> StudyResult:
    """Replay the log of one point; a finished result of the same log, settings and code is only read.

    Raises:
        BadInput: a log or settings that cannot be used, a folder that cannot be written to.
    """
    plan = ReplayPlan.from_settings(point.settings)
    content = digest(
        [
            content_hash(point.settings),
            code_version(CODE),
            fingerprint(plan.supply),
            point.settings.plot.model_dump(),
            point.settings.money.model_dump(),
        ]
    )
    folder = Folder(point.folder)
    known = folder.read_json(MANIFEST)
    if known.get("content") == content and folder.is_done():
        models, summary = (pd.read_parquet(point.folder / name) for name in (MODELS, SUMMARY))
        if not (point.folder / REPORT).is_file():
            write_report(point.folder)
        more = {
            name: pd.read_parquet(file)
            for name in MORE
            if (file := point.folder / f"{name}.parquet").is_file()
        }
        return _answer(point, models, summary, known, more, kept=int(known["cells_run"]))

    def play() -> tuple[StudyResult, RunFiles]:
        sources = point.settings.scenario.source
        lookups = {name: source.cost_per_lookup_cpm for name, source in sources.items()}
        costs = LookupCosts(lookups, terms_at(point.settings.money, None))
        result = run_replay(plan, say, costs)
        about = {"verdict": result.verdict, "notes": result.notes, "content": content}
        answer = _answer(point, result.models, result.summary, about, result.more, ran=len(result.cells))
        tables = {CELLS: result.cells, "models": result.models, "summary": result.summary, **result.more}
        auctions = int(result.cells["rows"].sum())
        figures = [*_figures(result.summary), *_join_figures(result.more)]
        return answer, RunFiles(tables, auctions, about, len(result.cells), figures, has_page=True)

    return write_run(point, play)


def _figures(summary: pd.DataFrame) -> Iterator[Figure]:
    """Yield the plot of profits by budget, where a budget is limited."""
    profit = summary[(summary["estimand"] == "utility") & (summary["metric"] == "focal_profit")]
    limited = profit[profit["budget_share"] <= 1]
    if len(limited):
        yield Figure("log_ladder", limited, partial(draw_log_ladder, unit=str(profit["unit"].iloc[0])))


def _join_figures(more: Mapping[str, pd.DataFrame]) -> Iterator[Figure]:
    """Yield the plot of the value by match rate, where tables are joined."""
    if "joins" in more:
        joins = more["joins"]
        curve = joins[joins["curve"] == "match_rate"].sort_values("match_rate")
        yield Figure("match_rate", curve, partial(draw_match_rate, unit=str(curve["unit"].iloc[0])))


def _answer(
    point: Point,
    models: pd.DataFrame,
    summary: pd.DataFrame,
    about: Mapping[str, Any],
    more: Mapping[str, pd.DataFrame],
    *,
    kept: int = 0,
    ran: int = 0,
) -> StudyResult:
    shown = (
        model_table(models),
        money_table(summary),
        *(MORE[name](more[name]) for name in MORE if name in more),
    )
    findings = Findings(tuple(about["verdict"]), tuple(about["notes"]), shown)
    return StudyResult(point.folder, summary=summary, findings=findings, kept=kept, ran=ran)
