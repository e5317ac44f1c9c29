"""`report.html`: one file that needs no network, made from what a study left in its folder and nothing else."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...cells.versions import version
from ...config.studies import STUDIES
from ...storage.names import CONFIG, FAILURES, MANIFEST, REPORT, SUMMARY_CSV
from ...storage.study_folder import Folder
from ..folders.settings_diff import defaults, differing, flat
from ..folders.study import StudyFolder, load_study
from ..numbers import counted
from ..plots.letters import names_in, report_missing
from ..wording.media import MEDIA_LINE
from .cards import cards
from .checks import Check, checks
from .downloads import Downloads, files_of
from .estimand_grids import GAINS, arms_grid, estimands_grid, gains_grid, gains_table
from .grid import Column, Grid, grid, grid_of
from .pictures import draw_further, pictures
from .plausible_strip import plausible_strip
from .waterfall import waterfall
from .what_if import what_if

if TYPE_CHECKING:
    from jinja2 import Environment

MARKDOWN = "estimands.md"
FAILURES_SHOWN = 20
FILES = (SUMMARY_CSV, MARKDOWN, CONFIG, MANIFEST, FAILURES, "cells.parquet", "timeseries.parquet")
"""Files that the page carries, beside all tables and figures."""


def write_report(folder: Path | str, *, draw: bool = True) -> Path:
    """Write `report.html` and `estimands.md` of the study in a folder; with ``draw`` the plots that its tables allow, first.

    Returns:
        Path of the report.

    Raises:
        BadInput: no study's folder.
        OSError: one that cannot be written to.
    """
    study = load_study(folder)
    if draw:
        report_missing([study.scenario, *names_in(study.summary)])
        draw_further(study.folder)
        study = load_study(folder)
    target = Folder(study.folder)
    target.write_text(MARKDOWN, study.markdown())
    if len(gains := gains_table(study)):
        target.write_text(GAINS, gains.to_csv(index=False))
    target.write_text(REPORT, render("report.html.j2", **_content(study)))
    return study.folder / REPORT


def render(template: str, **content: Any) -> str:
    """A page, with its style and script in it."""
    folder = Path(__file__).with_name("templates")
    style, script = ((folder / f"page.{kind}").read_text("utf-8") for kind in ("css", "js"))
    about = {"css": style, "js": script, "version": version("jointbid") or ""}
    return _environment(folder).get_template(template).render(**about, **content)


@functools.cache
def _environment(folder: Path) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _content(study: StudyFolder) -> dict[str, Any]:
    drawn, found = pictures(study), checks(study)
    leading = [picture for picture in drawn if picture.is_leading]
    grids = list(_grids(study, {picture.grid.csv for picture in drawn if picture.grid}))
    changed, whole = _config(study)
    bars, bars_unit = waterfall(study)
    content = {
        "study": study,
        "heading": (STUDIES[study.verb].heading if study.verb in STUDIES else "") or study.verb,
        "question": str(study.config.get("scenario", {}).get("question") or ""),
        "verdict": study.verdict,
        "lead": _lead(study.verdict),
        "without": _without(study),
        "about": _about(study),
        "leading": leading,
        "pictures": [picture for picture in drawn if not picture.is_leading],
        "cards": cards(study),
        "bars": bars,
        "bars_unit": bars_unit,
        "strip": plausible_strip(study),
        "what_if": what_if(study),
        "checks": found,
        "checked": _checked(found),
        "notes": study.notes,
        "grids": grids,
        "failures": study.failures,
        "shown": FAILURES_SHOWN,
        "command": str(study.manifest.get("command", "")),
        "files": Downloads(study.folder, files_of(study.folder, FILES)),
        "changed": changed,
        "config": whole,
        "footer": _versions(study),
    }
    return content | {"sections": list(_sections(content))}


def _lead(verdict: Sequence[str]) -> int:
    """Return how many sentences open the page: the first, or all down to the line for a marketer."""
    lines = [place for place, sentence in enumerate(verdict, 1) if sentence.startswith(MEDIA_LINE)]
    return lines[0] if lines else 1


def _checked(found: Sequence[Check]) -> str:
    """Return how many checks came to what: "1 to review, 5 pass"."""
    words = {"FAIL": "failed", "REVIEW": "to review", "PASS": "passed"}
    counts = [(sum(check.status == status for check in found), said) for status, said in words.items()]
    return ", ".join(f"{count} {said}" for count, said in counts if count)


def _sections(content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield anchor and label of the sections that are there."""
    for anchor, label, there in (
        ("numbers", "In numbers", content["cards"]),
        ("steps", "From silo to joint", content["bars"]),
        *((picture.name, picture.title, picture) for picture in content["leading"]),
        ("range", "Plausible range", content["strip"]),
        ("what-if", "What if", content["what_if"]),
        ("words", "In words", len(content["verdict"]) > content["lead"]),
        ("checks", "Checks", content["checks"]),
        ("notes", "Notes", content["notes"]),
        ("figures", "Further figures", content["pictures"]),
        ("tables", "Tables", content["grids"]),
        ("failures", "What failed", content["failures"]),
        ("again", "Command and configuration", True),
        ("files", "Files", True),
    ):
        if there:
            yield anchor, label


def _without(study: StudyFolder) -> str:
    """What stands in the verdict's place without one."""
    if study.failures and study.summary.empty:
        return "Nothing can be said: failed cells left too little to estimate anything."
    return (
        "This study has no verdict; its tables and figures speak."
        if len(study.tables)
        else "There is no result yet."
    )


def _about(study: StudyFolder) -> str:
    about = study.manifest
    parts = [f"Study {study.verb}, scenario {study.scenario}", f"seed {about.get('seed', 'unknown')}"]
    if "replications" in about:
        parts.append(counted(about["replications"], "replication"))
    if about.get("auctions"):
        parts.append(f"{about['auctions']:,} auctions")
    parts.append(f"started {about.get('started', 'at an unknown time')}")
    return "; ".join(parts) + "."


def _versions(study: StudyFolder) -> str:
    about = study.manifest
    versions = ", ".join(f"{name} {number}" for name, number in about.get("versions", {}).items() if number)
    machine = f"Python {about.get('python', '?')}, {about.get('cores', '?')} cores, {about.get('wall_seconds', '?')} s"
    return f"Made by jointbid. {machine}. {versions}."


def _grids(study: StudyFolder, shown: set[str]) -> Iterator[Grid]:
    """Yield who gains, the arms, the estimands, then every further table of the study's that no figure shows."""
    yield from filter(None, (gains_grid(study), arms_grid(study), estimands_grid(study)))
    drawn = {(study.folder / name).read_bytes() for name in shown}
    for name, table in study.tables.items():
        own = study.folder / f"{name}.csv"
        if name == "timeseries" or not own.is_file() or own.read_bytes() in drawn:
            continue
        yield grid_of(table, name=f"t-{name}", title=name.replace("_", " ").capitalize(), csv=own.name)


def _config(study: StudyFolder) -> tuple[Grid, Grid]:
    """What differs from the scenario as it ships, and every key."""
    own = flat(study.config)
    usual = defaults(study.verb, study.scenario)
    named = [Column("key"), Column("here"), Column("as it ships")]
    changed = differing([own, usual]) if usual else {}
    rows = [(key, here, there) for key, (here, there) in changed.items()]
    note = f"Nothing differs from scenario {study.scenario} as it ships."
    if not usual:
        note = "This scenario does not ship with this installation, so there is nothing to compare with."
    title = f"What differs from scenario {study.scenario} as it ships"
    return (
        grid("changed", title, named, rows, "" if rows else note),
        grid("config", "Configuration", [Column("key"), Column("value")], own.items(), csv=CONFIG),
    )
