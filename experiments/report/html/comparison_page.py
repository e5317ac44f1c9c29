"""`compare.html` and `compare.csv`: several studies on one page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from textwrap import shorten
from typing import Any

import pandas as pd

from jointbid.sim.paths import expand

from ...config.points import digest
from ...errors import reported
from ...estimate.intervals import Estimate
from ...storage.ownership import contents
from ...storage.study_folder import Folder
from ..plots.figure import Figure
from ..plots.forest import COLUMNS as FOREST
from ..plots.letters import report_missing
from ..verdict import interval, number
from .comparison import AT_ONCE, HEADLINE, Comparison, studies_of
from .grid import Cell, Column, Grid, amount, count, finding, text
from .page import put, render
from .pictures import pictures
from .study import Study

FOREST_MOST = 40
LINES_MOST = 8
PANELS_MOST = 12
DRAWN_OVER = 6
"""With more knobs than this neither figures nor columns say which of them matters: the configurations are compared below."""
HEADS = {
    "value_of_joint_data": "value of joint data", "same_request_step": "same-request step",
    "joint_model_step": "joint-model step", "net_value": "net value",
}  # fmt: skip


def write_comparison(folders: Sequence[Path | str], results_dir: Path | str = "results") -> Path:
    """Compare studies, and write `compare.html`, `compare.csv`, `differences.csv`, and the plots.

    Args:
        folders: of studies, of folders that hold some, or of sweeps; the first study is what the others are compared with.
        results_dir: the comparison goes into ``compare/<hash>`` below it.

    Returns:
        Path of the page.

    Raises:
        BadInput: fewer than two studies.
    """
    from .. import plots

    comparison = Comparison(studies_of(folders))
    name = digest([str(study.folder.resolve()) for study in comparison.studies])
    target = expand(results_dir) / "compare" / name
    target.mkdir(parents=True, exist_ok=True)
    folder = Folder(target)
    folder.write_table("compare.csv", comparison.estimands)
    folder.write_table("differences.csv", comparison.differences)
    folder.write_table("points.csv", comparison.points)
    for old in contents(target).own:
        if old.parent == target / "plots":
            old.unlink()
    report_missing(comparison.labels)
    with reported("plots"):
        for figure in figures_of(comparison):
            with reported(f"plots/{figure.name}"):
                figure.write(target / "plots", None, plots.FORMATS)
    put(target / "compare.html", render("compare.html.j2", **_content(comparison, target)))
    return target / "compare.html"


def figures_of(comparison: Comparison) -> Iterator[Figure]:
    """Overlaid plots, small multiples and maps, as the studies allow."""
    from .. import plots

    points = comparison.points
    leading = next((estimand for estimand in HEADLINE if estimand in points), None)
    units = list(points["unit"].dropna().unique()) if "unit" in points else []
    if leading and len(units) == 1:
        unit, subject = str(units[0]), HEADS[leading].capitalize()
        short = points.rename(
            columns={leading: "estimate", f"{leading}_low": "ci_low", f"{leading}_high": "ci_high"}
        )
        short = short.dropna(subset=["estimate"])
        if len(short) <= FOREST_MOST:
            forest = short.rename(columns={"study": "label"})[[*FOREST]].reset_index(drop=True)
            yield Figure(
                "forest", forest, lambda: plots.draw_forest(forest, subject=f"{subject} of each study")
            )
        yield from _swept(short, _knobs(comparison, short), unit, subject)
    yield from _overlaid(comparison)


def _knobs(comparison: Comparison, points: pd.DataFrame) -> list[str]:
    """Knobs that can be drawn over, those with many values first; none where too many things change at once."""
    if len(points) < 3 or len(comparison.knobs) > DRAWN_OVER:
        return []
    numbers = {key: points[key].nunique() for key in comparison.knobs if points[key].nunique() > 1}
    return sorted(numbers, key=lambda key: -numbers[key])


def _swept(points: pd.DataFrame, knobs: list[str], unit: str, subject: str) -> Iterator[Figure]:
    from .. import plots

    columns = ["estimate", "ci_low", "ci_high"]
    about: dict[str, Any] = {"unit": unit, "subject": subject, "y_label": subject.lower()}
    if len(knobs) == 2 and not points.duplicated(knobs).any() and points[knobs[1]].nunique() <= PANELS_MOST:
        x, by = knobs
        table = points[[x, by, *columns]].reset_index(drop=True)
        yield Figure("multiples", table, lambda: plots.draw_multiples(table, x=x, by=by, **about))
        yield Figure("map", table, lambda: plots.draw_map(table, x=x, y=by, unit=unit, subject=subject))
        return
    if len(knobs) == 2 and not points.duplicated(knobs).any() and _grid(points, knobs):
        grid = points[[*knobs, *columns]].reset_index(drop=True)
        yield Figure(
            "map", grid, lambda: plots.draw_map(grid, x=knobs[0], y=knobs[1], unit=unit, subject=subject)
        )
    for key in knobs:
        one = points[[key, *columns]].reset_index(drop=True)
        name = "over_" + key.replace(".", "_")
        yield Figure(name, one, partial(plots.draw_multiples, one, x=key, **about))


def _grid(points: pd.DataFrame, knobs: list[str]) -> bool:
    return len(points) == points[knobs[0]].nunique() * points[knobs[1]].nunique()


def _overlaid(comparison: Comparison) -> Iterator[Figure]:
    """Curves that several studies have by one name, as lines of one figure."""
    from .. import plots

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
        yield Figure(f"curve_{name}", table, partial(plots.draw_curve, table, **about))


def _curves(study: Study) -> dict[str, pd.DataFrame]:
    """Tables behind the study's plots that are one line over one swept number."""
    own = {"x", "estimate", "ci_low", "ci_high", "metric"}
    found = {
        name: table
        for name, table in study.tables.items()
        if own <= set(table) and (study.folder / "plots" / f"{name}.csv").is_file()
    }
    return {
        name: table for name, table in found.items() if "line" not in table or table["line"].nunique() == 1
    }


def _content(comparison: Comparison, target: Path) -> dict[str, Any]:
    drawn = pictures(Study(target))
    found = [_points_grid(comparison), _differences_grid(comparison), _config_grid(comparison)]
    grids = [grid for grid in found if grid.rows]
    return {
        "count": len(comparison.studies),
        "first": comparison.labels[0],
        "verdicts": _verdicts(comparison),
        "sentence": _sentence(comparison),
        "grids": grids,
        "pictures": drawn,
        "commands": [str(study.manifest.get("command", "")) for study in comparison.studies[:AT_ONCE]],
        "files": ["compare.csv", "differences.csv", "points.csv"],
    }


def _sentence(comparison: Comparison) -> str:
    """What the differences come to, claiming no more than their intervals."""
    rows = comparison.differences
    rows = rows[rows["estimand"] == "value_of_joint_data"]
    if rows.empty:
        return "These studies have no value of joint data in common to compare."
    found = [_estimate(row) for row in rows.to_dict("records")]
    if len(found) == 1:
        row, one = rows.iloc[0], found[0]
        against = f" in {row['study']} than in {row['against']}"
        if one.finding == "no interval":
            return f"How much more or less joining is worth{against} is not known: there is no interval."
        if one.finding == "no difference shown":
            return f"No difference shown: value of joint data in {row['study']} less that in {row['against']} is {number(one.estimate)} {row['unit']} (95 % interval {interval(one)}; {row['method']})."
        more, sign = ("more", 1.0) if one.finding == "positive" else ("less", -1.0)
        amount_of = f"{number(sign * one.estimate)} {row['unit']} {more}"
        return f"Joining is worth {amount_of}{against} (95 % interval {interval(one, sign=sign)}; {row['method']})."
    counts = [
        sum(one.finding == kind for one in found) for kind in ("positive", "negative", "no difference shown")
    ]
    rest = len(found) - sum(counts)
    tail = f", without an interval in {rest:,}" if rest else ""
    return (
        f"Against {comparison.labels[0]}, joining is worth more in {counts[0]:,} of {len(found):,} studies, less in {counts[1]:,}, "
        f"no difference shown in {counts[2]:,}{tail}; each by its own 95 % interval, simulation error only."
    )


def _verdicts(comparison: Comparison) -> list[tuple[str, str]]:
    if len(comparison.studies) > AT_ONCE:
        return []
    pairs = zip(comparison.labels, comparison.studies, strict=True)
    return [(label, sentence) for label, study in pairs for sentence in study.verdict]


def _points_grid(comparison: Comparison) -> Grid:
    points = comparison.points
    there = [estimand for estimand in HEADLINE if estimand in points]
    knobs = comparison.knobs if len(comparison.knobs) <= DRAWN_OVER else []
    single = points["unit"].nunique() == 1 if "unit" in points else False
    unit = str(points["unit"].dropna().iloc[0]) if single else ""
    columns = [Column("study"), *(Column(key, numeric=_is_numeric(points[key])) for key in knobs)]
    for estimand in there:
        columns += [
            Column(HEADS[estimand], unit, numeric=True),
            Column("from", "95 % interval", numeric=True),
            Column("to", "95 % interval", numeric=True),
        ]
    columns += [*([] if single else [Column("unit")]), Column("n", "replications", numeric=True)]
    rows = []
    for row in points.to_dict("records"):
        cells = [text(row["study"]), *(_knob(row[key], points[key]) for key in knobs)]
        for estimand in there:
            cells += [amount(row[estimand]), amount(row[f"{estimand}_low"]), amount(row[f"{estimand}_high"])]
        n = row.get("n_replications")
        rows.append(
            [*cells, *([] if single else [text(row.get("unit"))]), amount(None) if pd.isna(n) else count(n)]
        )
    note = "Every estimand of every study is in"
    return Grid("points", "Estimands of every study", columns, rows, note, "compare.csv")


def _differences_grid(comparison: Comparison) -> Grid:
    columns = [Column("study"), Column("estimand"), Column("difference", numeric=True), Column("from", "95 % interval", numeric=True),
               Column("to", "95 % interval", numeric=True), Column("unit"), Column("n", numeric=True), Column("finding"), Column("method")]  # fmt: skip
    found = comparison.differences
    shown = found if len(comparison.studies) <= AT_ONCE else found[found["estimand"] == HEADLINE[0]]
    rows = [
        [text(row["study"]), text(HEADS[row["estimand"]]), amount(row["estimate"]), amount(row["ci_low"]), amount(row["ci_high"]),
         text(row["unit"], "u"), count(row["n_replications"]),
         finding(_estimate(row).finding), text(row["method"], "u")]
        for row in shown.to_dict("records")
    ]  # fmt: skip
    note = f"Each study less {comparison.labels[0]}. Pairs need the same seed, people, requests and prices. Each interval stands alone."
    return Grid(
        "differences", f"Differences to {comparison.labels[0]}", columns, rows, note, "differences.csv"
    )


def _config_grid(comparison: Comparison) -> Grid:
    title = "What the configurations differ in"
    if len(comparison.studies) > AT_ONCE:
        values = {key: list(dict.fromkeys(found)) for key, found in comparison.differing.items()}
        rows = [
            [text(key), count(len(found)), text(shorten(", ".join(found), 120))]
            for key, found in values.items()
        ]
        return Grid(
            "differing", title, [Column("key"), Column("values", numeric=True), Column("which")], rows
        )
    columns = [Column("key"), *(Column(label) for label in comparison.labels)]
    rows = [
        [text(key), *(text(shorten(value, 120)) for value in values)]
        for key, values in comparison.differing.items()
    ]
    return Grid("differing", title, columns, rows)


def _estimate(row: Mapping[Any, Any]) -> Estimate:
    return Estimate(row["estimate"], row["ci_low"], row["ci_high"], int(row["n_replications"]))


def _is_numeric(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values)


def _knob(value: Any, column: pd.Series) -> Cell:
    return Cell(f"{value:.6g}", float(value)) if _is_numeric(column) else text(value)
