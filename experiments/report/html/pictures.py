"""Figures of a page: each plot of a study's folder, inlined with a text alternative, and those that its tables allow."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import reported
from ..plots.figure import Figure
from ..plots.of_any_study import figures_of
from ..plots.style import FORMATS
from .grid import Grid, grid_of
from .study import Study

FIRST = ("ladder", "log_ladder", "ranking", "adoption", "credit")
"""Of these the first that is there opens the page."""
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
        links: label and address of its files, the table first.
        grid: the table behind it.
        width: in CSS pixels at which it is drawn to be read.
    """

    name: str
    title: str
    markup: str
    links: tuple[tuple[str, str], ...]
    grid: Grid | None
    width: int


def pictures(study: Study) -> list[Picture]:
    """Every plot that the folder has, the study's first picture first."""
    folder = study.folder / "plots"
    names = {file.stem for file in folder.glob("*.*") if file.suffix in {".svg", ".png"}}
    order = sorted(names, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))
    return [_picture(study, folder, name) for name in order]


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
    body = re.sub(r"<metadata>.*?</metadata>|<title>.*?</title>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"<style type=\"text/css\">.*?</style>", "", body, flags=re.DOTALL)  # is for the whole page
    body = re.sub(r'\bid="', f'id="{name}-', body).replace("xlink:href", "href")
    body = body.replace('href="#', f'href="#{name}-').replace("url(#", f"url(#{name}-")
    body = re.sub("|".join(INKS), lambda found: INKS[found[0]], body)
    body = re.sub(r"\s*\n\s*", " ", body)
    described = f'<title id="{name}-title">{title or name}</title><desc id="{name}-desc">{note}</desc>'
    label = f'role="img" aria-labelledby="{name}-title{f" {name}-desc" if note else ""}"'
    return f'<svg viewBox="{box}" {label}>{described}{body}</svg>', html.unescape(title or name), width


def _picture(study: Study, folder: Path, name: str) -> Picture:
    title, width, links = name.replace("_", " "), 700, []
    if name in study.tables:
        links.append(("CSV", f"plots/{name}.csv"))
    links += [
        (suffix.upper(), f"plots/{name}.{suffix}")
        for suffix in ("svg", "png", "pdf")
        if (folder / f"{name}.{suffix}").is_file()
    ]
    ident = "fig-" + re.sub(r"[^A-Za-z0-9_-]", "-", name)
    if (folder / f"{name}.svg").is_file():
        markup, title, width = inline((folder / f"{name}.svg").read_text("utf-8"), ident)
    else:
        content = base64.b64encode((folder / f"{name}.png").read_bytes()).decode()
        markup = f'<img alt="{html.escape(title)}; its numbers are in the table below it" src="data:image/png;base64,{content}">'
    return Picture(ident, title, markup, tuple(links), _behind(study, name, title), width)


def _behind(study: Study, name: str, title: str) -> Grid | None:
    table = study.tables.get(name)
    if table is None:
        return None
    return grid_of(table, name=f"data-{name}", title=f"Data: {title}", csv=f"plots/{name}.csv", most=SHOWN)


def draw_further(folder: Path) -> None:
    """Draw what the tables of the study in a folder allow and it has not drawn itself.

    Nothing is drawn where ``plot.enabled`` is false.
    """
    study = Study(folder)
    about = study.config.get("plot", {})
    if not about.get("enabled", True):
        return
    budget, formats = study.config.get("bidders", {}).get("budget"), about.get("format", FORMATS)
    own = figures_of(
        study.summary,
        study.timeseries,
        budget=budget,
        sides=study.sides,
        money=study.config.get("money"),
    )
    with reported("plots"):
        for figure in own:
            with reported(f"plots/{figure.name}"):
                if _is_new(folder / "plots", figure, formats):
                    figure.write(folder / "plots", about.get("style"), formats)


def _is_new(folder: Path, figure: Figure, formats: Sequence[str]) -> bool:
    """Whether a figure has other numbers than the files that are there, or files that are not there."""
    files = [folder / f"{figure.name}.{suffix}" for suffix in ("csv", *formats)]
    if not all(file.is_file() for file in files):
        return True
    return files[0].read_text("utf-8") != figure.table.to_csv(index=False)


def _first(text: str, pattern: str) -> str:
    found = re.search(pattern, text, re.DOTALL)
    return " ".join(found[1].split()) if found else ""
