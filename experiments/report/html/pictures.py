"""Figures of a page: each plot of a study's folder, inlined with a text alternative, and those that its tables allow."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...config.studies import STUDIES
from ..folders.study import StudyFolder
from ..plots.figure import Figure, draw_all
from ..plots.of_any_study import figures_of
from ..plots.style import FORMATS
from .grid import Grid, grid_of

OTHERWISE = ("match_rate", "ladder", "forest", "map", "multiples", "pacing")
"""Plots of which the first that is there leads a page, where none answers the study's question."""
SHOWN = 200
"""Rows of the table behind a figure that the page holds; the file has all."""

INKS = {
    "#ffffff": "var(--paper)", "#000000": "var(--ink)", "#e3e3e3": "var(--grid)",
    "#404040": "var(--axis)", "#6e6e6e": "var(--quiet)",
}  # fmt: skip
"""Colours of the style sheet that follow the page into dark mode."""


@dataclass(frozen=True)
class Picture:
    """One figure.

    Attributes:
        name: of its files, and its anchor.
        title: its subject.
        markup: the figure itself, safe to stand in a page.
        grid: the table behind it.
        width: in CSS pixels at which it is drawn to be read.
        is_leading: whether it stands above the folded sections.
    """

    name: str
    title: str
    markup: str
    grid: Grid | None
    width: int
    is_leading: bool = False


def pictures(study: StudyFolder) -> list[Picture]:
    """Return every plot that the folder has, the one that answers the study's question first."""
    folder = study.folder / "plots"
    names = {file.stem for file in folder.glob("*.*") if file.suffix in {".svg", ".png"}}
    answers = STUDIES[study.verb].answers if study.verb in STUDIES else ()
    order = [name for name in (*answers, *_match_rates(study), *OTHERWISE) if name in names]
    first = order[0] if order else min(names, default="")
    rest = sorted(names - {first}, key=lambda name: (name not in order, name))
    return [_picture(study, folder, name, is_leading=name == first) for name in (first, *rest) if name]


def _match_rates(study: StudyFolder) -> list[str]:
    """Return the curves over a match rate."""
    tables = {name: table for name, table in study.tables.items() if "over" in table and len(table)}
    return [
        name
        for name, table in tables.items()
        if name != "curves" and str(table["over"].iloc[0]).endswith(".match_rate")
    ]


def inline(svg: str, name: str) -> tuple[str, str, int]:
    """An SVG file of matplotlib's as part of a page.

    Its ids get a prefix, as a page may hold many; its title and description become the text alternative; black, white and
    greys become variables of the page.

    Args:
        svg: the file's text.
        name: unique in the page.

    Returns:
        Markup, title and width in CSS pixels.
    """
    title, note = (_first(svg, rf"<dc:{part}>(.*?)</dc:{part}>") for part in ("title", "description"))
    width = round(float(_first(svg, r'<svg[^>]* width="([\d.]+)pt"') or 480) * 4 / 3)
    box = _first(svg, r'viewBox="([^"]+)"')
    body = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    body = re.sub(
        r"<circle ([^>]*)><title>(.*?)</title></circle>",
        lambda found: f'<circle {found[1]} role="img" aria-label="{found[2]}"/>',
        body,
    )
    body = re.sub(r"<metadata>.*?</metadata>|<title>.*?</title>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"<style type=\"text/css\">.*?</style>", "", body, flags=re.DOTALL)  # is for the whole page
    body = re.sub(r'\bid="', f'id="{name}-', body).replace("xlink:href", "href")
    body = body.replace('href="#', f'href="#{name}-').replace("url(#", f"url(#{name}-")
    body = re.sub("|".join(INKS), lambda found: INKS[found[0]], body)
    body = re.sub(r"\s*\n\s*", " ", body)
    described = f'<title id="{name}-title">{title or name}</title><desc id="{name}-desc">{note}</desc>'
    role = "group" if 'class="values"' in body else "img"
    label = f'role="{role}" aria-labelledby="{name}-title{f" {name}-desc" if note else ""}"'
    return f'<svg viewBox="{box}" {label}>{described}{body}</svg>', html.unescape(title or name), width


def _picture(study: StudyFolder, folder: Path, name: str, *, is_leading: bool) -> Picture:
    title, width = name.replace("_", " "), 700
    ident = "fig-" + re.sub(r"[^A-Za-z0-9_-]", "-", name)
    if (folder / f"{name}.svg").is_file():
        markup, title, width = inline((folder / f"{name}.svg").read_text("utf-8"), ident)
    else:
        content = base64.b64encode((folder / f"{name}.png").read_bytes()).decode()
        markup = f'<img alt="{html.escape(title)}; its numbers are in the table below it" src="data:image/png;base64,{content}">'
    return Picture(ident, title, markup, _behind(study, name, title), width, is_leading)


def _behind(study: StudyFolder, name: str, title: str) -> Grid | None:
    table = study.tables.get(name)
    if table is None:
        return None
    return grid_of(table, name=f"data-{name}", title=f"Data: {title}", csv=f"plots/{name}.csv", most=SHOWN)


def draw_further(folder: Path) -> None:
    """Draw what the tables of the study in a folder allow and it has not drawn itself.

    Nothing is drawn where ``plot.enabled`` is false.
    """
    study = StudyFolder(folder)
    about = study.config.get("plot", {})
    if not about.get("enabled", True):
        return
    budget, formats = study.config.get("bidders", {}).get("budget"), about.get("format", FORMATS)
    own = figures_of(study.summary, study.timeseries, budget=budget, money=study.config.get("money"))
    new = (figure for figure in own if _is_new(folder / "plots", figure, formats))
    draw_all(new, folder / "plots", about.get("style"), formats)


def _is_new(folder: Path, figure: Figure, formats: Sequence[str]) -> bool:
    """Whether a figure has other numbers than the files that are there, or files that are not there."""
    files = [folder / f"{figure.name}.{suffix}" for suffix in ("csv", *formats)]
    if not all(file.is_file() for file in files):
        return True
    return files[0].read_text("utf-8") != figure.table.to_csv(index=False)


def _first(text: str, pattern: str) -> str:
    found = re.search(pattern, text, re.DOTALL)
    return " ".join(found[1].split()) if found else ""
