"""`compare.html` and `compare.csv`: several studies on one page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from textwrap import shorten
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from jointbid.sim.paths import expand

from ...config.points import digest
from ...storage.names import POINTS
from ...storage.ownership import contents
from ...storage.study_folder import Folder
from ..folders.comparison import AT_ONCE, HEADLINE, Comparison, studies_of
from ..folders.study import StudyFolder
from ..numbers import estimate_of
from ..plots.comparison import draw_map, draw_multiples
from ..plots.curve import draw_curve
from ..plots.figure import Figure, draw_all
from ..plots.forest import COLUMNS as FOREST
from ..plots.forest import draw_forest
from ..plots.letters import report_missing
from ..plots.style import FORMATS
from ..wording.comparison import HEADS, sentence
from .downloads import Downloads, files_of
from .estimand_grids import ENDS
from .grid import Column, Grid, GridCell, amount, count, finding, grid, text, unit
from .page import render
from .pictures import pictures

FOREST_MOST = 40
LINES_MOST = 8
PANELS_MOST = 12
DRAWN_OVER = 6
"""With more knobs than this neither figures nor columns say which of them matters: the configurations are compared below."""


def compare(folders: Sequence[Path | str], results_dir: Path | str = "results") -> tuple[Comparison, Path]:
    """Compare studies, and write `compare.html`, `compare.csv`, `differences.csv`, and the plots.

    Args:
        folders: of studies, of folders that hold some, or of sweeps; the first study is what the others are compared with.
        results_dir: the comparison goes into ``compare/<hash>`` below it.

    Returns:
        The comparison, and the path of its page.

    Raises:
        BadInput: fewer than two studies.
    """
    comparison = Comparison(studies_of(folders))
    name = digest([str(study.folder.resolve()) for study in comparison.studies])
    target = expand(results_dir) / "compare" / name
    target.mkdir(parents=True, exist_ok=True)
    folder = Folder(target)
    folder.write_table("compare.csv", comparison.estimands)
    folder.write_table("differences.csv", comparison.differences)
    folder.write_table(f"{POINTS}.csv", comparison.points)
    for old in contents(target).own:
        if old.parent == target / "plots":
            old.unlink()
    report_missing(comparison.labels)
    draw_all(figures_of(comparison), target / "plots", None, FORMATS)
    folder.write_text("compare.html", render("compare.html.j2", **_content(comparison, target)))
    return comparison, target / "compare.html"


def figures_of(comparison: Comparison) -> Iterator[Figure]:
    """Overlaid plots, small multiples and maps, as the studies allow."""
    points = comparison.points
    leading = next((estimand for estimand in HEADLINE if estimand in points), None)
    units = list(points["unit"].dropna().unique()) if "unit" in points else []
    if leading and len(units) == 1:
        unit, subject = str(units[0]), HEADS[leading].capitalize()
        heads = {leading: "estimate", f"{leading}_low": "ci_low", f"{leading}_high": "ci_high"}
        short = points.rename(columns=heads)
        short = short.dropna(subset=["estimate"])
        if len(short) <= FOREST_MOST:
            forest = short.rename(columns={"study": "label"})[[*FOREST]].reset_index(drop=True)
            yield Figure("forest", forest, partial(draw_forest, subject=f"{subject} of each study"))
        yield from _swept(short, _knobs(comparison, short), unit, subject)
    yield from _overlaid(comparison)


def _knobs(comparison: Comparison, points: pd.DataFrame) -> list[str]:
    """Knobs that can be drawn over, those with many values first; none where too many things change at once."""
    if len(points) < 3 or len(comparison.knobs) > DRAWN_OVER:
        return []
    numbers = {key: points[key].nunique() for key in comparison.knobs if points[key].nunique() > 1}
    return sorted(numbers, key=lambda key: -numbers[key])


def _swept(points: pd.DataFrame, knobs: list[str], unit: str, subject: str) -> Iterator[Figure]:
    columns = ["estimate", "ci_low", "ci_high"]
    about: dict[str, Any] = {"unit": unit, "subject": subject, "y_label": subject.lower()}
    if len(knobs) == 2 and not points.duplicated(knobs).any():
        (x, y), table = knobs, points[[*knobs, *columns]].reset_index(drop=True)
        has_panels = points[y].nunique() <= PANELS_MOST
        if has_panels:
            yield Figure("multiples", table, partial(draw_multiples, x=x, by=y, **about))
        if has_panels or len(points) == points[x].nunique() * points[y].nunique():
            yield Figure("map", table, partial(draw_map, x=x, y=y, unit=unit, subject=subject))
        if has_panels:
            return
    for key in knobs:
        one = points[[key, *columns]].reset_index(drop=True)
        name = "over_" + key.replace(".", "_")
        yield Figure(name, one, partial(draw_multiples, x=key, **about))


def _overlaid(comparison: Comparison) -> Iterator[Figure]:
    """Curves that several studies have by one name, as lines of one figure."""
    if len(comparison.studies) > LINES_MOST:
        return
    names = [set(_curves(study)) for study in comparison.studies]
    for name in sorted(set.intersection(*names)):
        parts = [
            _curves(study)[name].assign(line=label)
            for study, label in zip(comparison.studies, comparison.labels, strict=True)
        ]
        if any("unit" in part and part["unit"].nunique() > 1 for part in parts):
            continue
        table = pd.concat(parts, ignore_index=True)
        unit = str(table["unit"].iloc[0]) if "unit" in table else "currency per million bid requests"
        subject = f"Value of joint data over {name.replace('_', ' ')}, by study"
        about: dict[str, Any] = {
            "unit": unit,
            "silo": "each study's own",
            "subject": subject,
            "x_label": name.replace("_", " ") + " (as swept)",
        }
        yield Figure(f"curve_{name}", table, partial(draw_curve, **about))


def _curves(study: StudyFolder) -> dict[str, pd.DataFrame]:
    """Tables behind the study's plots that are one line over one swept number."""
    own = {"x", "estimate", "ci_low", "ci_high", "metric"}
    return {
        name: table
        for name, table in study.tables.items()
        if own <= set(table)
        and (study.folder / "plots" / f"{name}.csv").is_file()
        and ("line" not in table or table["line"].nunique() == 1)
    }


def _content(comparison: Comparison, target: Path) -> dict[str, Any]:
    found = [_points_grid(comparison), _differences_grid(comparison), _config_grid(comparison)]
    return {
        "count": len(comparison.studies),
        "first": comparison.labels[0],
        "verdicts": _verdicts(comparison),
        "sentence": sentence(comparison),
        "grids": [each for each in found if each.rows],
        "pictures": pictures(StudyFolder(target)),
        "commands": [str(study.manifest.get("command", "")) for study in comparison.studies[:AT_ONCE]],
        "files": Downloads(target, files_of(target, ())),
    }


def _verdicts(comparison: Comparison) -> list[tuple[str, str]]:
    if len(comparison.studies) > AT_ONCE:
        return []
    pairs = zip(comparison.labels, comparison.studies, strict=True)
    return [(label, sentence) for label, study in pairs for sentence in study.verdict]


def _points_grid(comparison: Comparison) -> Grid:
    points = comparison.points
    there = [estimand for estimand in HEADLINE if estimand in points]
    knobs = comparison.knobs if len(comparison.knobs) <= DRAWN_OVER else []
    single = "unit" in points and points["unit"].nunique() == 1
    money = str(points["unit"].dropna().iloc[0]) if single else ""
    columns = [
        Column("study"),
        *(Column(key, _setting if is_numeric_dtype(points[key]) else text) for key in knobs),
    ]
    for estimand in there:
        columns += [Column(HEADS[estimand], amount, money), *ENDS]
    names = [name for estimand in there for name in (estimand, f"{estimand}_low", f"{estimand}_high")]
    names = ["study", *knobs, *names, *([] if single else ["unit"]), "n_replications"]
    columns += [*([] if single else [Column("unit")]), Column("n", count, "replications")]
    rows = points.reindex(columns=names).itertuples(index=False)
    note = "Every estimand of every study is in"
    return grid("points", "Estimands of every study", columns, rows, note, "compare.csv")


def _differences_grid(comparison: Comparison) -> Grid:
    columns = [
        Column("study"), Column("estimand"), Column("difference", amount), *ENDS, Column("unit", unit), Column("n", count),
        Column("finding", finding), Column("method", unit),
    ]  # fmt: skip
    found = comparison.differences
    shown = found if len(comparison.studies) <= AT_ONCE else found[found["estimand"] == HEADLINE[0]]
    rows = [
        (
            row["study"], HEADS[row["estimand"]], row["estimate"], row["ci_low"], row["ci_high"], row["unit"],
            row["n_replications"], estimate_of(row).finding, row["method"],
        )
        for row in shown.to_dict("records")
    ]  # fmt: skip
    note = f"Each study less {comparison.labels[0]}. Pairs need the same seed, people, requests and prices. Each interval stands alone."
    title = f"Differences to {comparison.labels[0]}"
    return grid("differences", title, columns, rows, note, "differences.csv")


def _config_grid(comparison: Comparison) -> Grid:
    title, found = "What the configurations differ in", comparison.differing
    if len(comparison.studies) > AT_ONCE:
        values = {key: list(dict.fromkeys(each)) for key, each in found.items()}
        columns = [Column("key"), Column("values", count), Column("which", _short, is_words=True)]
        rows = [(key, len(each), ", ".join(each)) for key, each in values.items()]
        return grid("differing", title, columns, rows)
    columns = [Column("key"), *(Column(label, _short, is_words=True) for label in comparison.labels)]
    return grid("differing", title, columns, [(key, *each) for key, each in found.items()])


def _short(value: str) -> GridCell:
    return text(shorten(value, 120))


def _setting(value: float) -> GridCell:
    return GridCell(f"{value:.6g}", float(value))
