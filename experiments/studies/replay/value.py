"""The study ``value`` of a real log: replay it, write the same result files, and lay both variants side by side."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from jointbid.sim.scenario import LogSupply

from ...cells.cell import code_version
from ...config.points import Point, content_hash, digest
from ...errors import reported
from ...execution.progress import say
from ...logs.fingerprint import fingerprint
from ...report.plots.figure import Figure
from ...storage.cell_results import StudyState
from ...storage.study_folder import Folder
from ..base import Findings
from ..session import CELLS, REPORT, SUMMARY, StudyResult, manifest, report

if TYPE_CHECKING:
    import pandas as pd

    from .ladder import ReplayResult

CODE = (
    "sim",
    "strategies",
    "experiments/cells",
    "experiments/estimate",
    "experiments/logs",
    "experiments/report",
    "experiments/studies/replay",
)


def value(point: Point) -> StudyResult:
    """Replay the log of one point; what is there already is only read.

    Raises:
        BadInput: a log or settings that cannot be used, a folder that cannot be written to.
    """
    import pandas as pd

    content = digest(
        [
            content_hash(point.settings),
            code_version(CODE),
            _fingerprint(point),
            point.settings.plot.model_dump(),
        ]
    )
    folder, started = Folder(point.folder), time.time()
    known = folder.read_json("manifest.json")
    if known.get("content") == content and folder.is_done():
        models, summary = (pd.read_parquet(point.folder / name) for name in ("models.parquet", SUMMARY))
        if not (point.folder / REPORT).is_file():
            report(point.folder)
        return _answer(point, models, summary, known, kept=int(known["cells_run"]))
    from .ladder import run_replay

    with folder.locked():
        folder.status("running")
        result = run_replay(point.settings.tree(), say)
        _write(point, folder, result)
        about = {"verdict": result.verdict, "notes": result.notes, "content": content}
        ledger = StudyState(auctions=int(result.cells["rows"].sum()), ran=len(result.cells))
        folder.write_json("manifest.json", manifest(point, started, ledger) | about)
        folder.status("done")
        report(point.folder)
    return _answer(point, result.models, result.summary, about, ran=len(result.cells))


def _write(point: Point, folder: Folder, result: ReplayResult) -> None:
    folder.write_text("config.yaml", point.yaml)
    folder.write_table(CELLS, result.cells)
    folder.write_table("models.csv", result.models)
    folder.write_table("models.parquet", result.models)
    folder.write_table("summary.csv", result.summary)
    folder.write_table(SUMMARY, result.summary)
    if point.settings.plot.enabled:
        from ...report.plots.letters import names_in, report_missing

        report_missing(names_in(result.summary))
        with reported("plots"):
            _plot(result.summary, point)


def _plot(summary: pd.DataFrame, point: Point) -> None:
    from ...report import plots

    profit = summary[(summary["estimand"] == "utility") & (summary["metric"] == "focal_profit")]
    limited = profit[profit["budget_share"] <= 1]
    if limited.empty:
        return
    look, unit = point.settings.plot, str(profit["unit"].iloc[0])
    draw = partial(plots.draw_log_ladder, limited, unit=unit)
    Figure("log_ladder", limited, draw).write(point.folder / "plots", look.style, look.format)


def _answer(
    point: Point,
    models: pd.DataFrame,
    summary: pd.DataFrame,
    about: dict[str, Any],
    *,
    kept: int = 0,
    ran: int = 0,
) -> StudyResult:
    from ...report.log_tables import model_table, money_table

    findings = Findings(
        tuple(about["verdict"]), tuple(about["notes"]), (model_table(models), money_table(summary))
    )
    return StudyResult(point.folder, summary=summary, findings=findings, kept=kept, ran=ran)


def _fingerprint(point: Point) -> list[str]:
    supply = point.settings.scenario.supply
    assert isinstance(supply, LogSupply)  # noqa: S101 - this is the study of a log
    return fingerprint(supply)
