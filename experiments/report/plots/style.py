"""One look for all plots, and how a figure is written: the same bytes whenever the table is the same."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import inspect
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ParamSpec

import pandas as pd

from jointbid.sim.paths import expand

from .letters import give_letters
from .matplotlib_types import Axes, Axis, Figure
from .values import with_marks

COLOURS = tuple(f"C{i}" for i in range(8))
"""The style sheet's colours, in their order."""

MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")
QUIET = "#6E6E6E"
DARK, LIGHT = "#010101", "#FEFEFE"
"""Ink on coloured ground: the report turns black and white round for dark screens, and must leave these alone."""
FORMATS = ("svg", "png")

TEXT_IS_TEXT: Any = {"text.parse_math": False, "text.usetex": False, "axes.formatter.use_mathtext": False}
"""Names that users give may hold ``$``, ``_`` and ``^``: no style makes markup of them."""

_Draw = ParamSpec("_Draw")
SHEET = Path(__file__).with_name("jointbid.mplstyle")
_OVER: contextvars.ContextVar[str | None] = contextvars.ContextVar("style", default=None)


@contextlib.contextmanager
def look(style: str | None) -> Iterator[None]:
    """Lay a style over ours for all that is drawn and saved inside: a path to an mplstyle file, or a style's name."""
    token = _OVER.set(style)
    try:
        yield
    finally:
        _OVER.reset(token)


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """Everything drawn inside looks as all plots do; what the caller's session has set comes back afterwards."""
    import matplotlib as mpl
    import matplotlib.style

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.style.use([SHEET, *filter(None, [_OVER.get()])])
        mpl.rcParams.update(TEXT_IS_TEXT)
        yield


def plot(*columns: str) -> Callable[[Callable[_Draw, Figure]], Callable[_Draw, Figure]]:
    """Make a plot of a function that draws a table, its first argument.

    The plot refuses a table without these columns or rows (ValueError), and is drawn in the style.
    """

    def decorate(draw: Callable[_Draw, Figure]) -> Callable[_Draw, Figure]:
        @functools.wraps(draw)
        def drawn(*args: _Draw.args, **kwargs: _Draw.kwargs) -> Figure:
            bound = inspect.signature(draw).bind(*args, **kwargs).arguments
            require(next(iter(bound.values())), *columns)
            with styled():
                return draw(*args, **kwargs)

        return drawn

    return decorate


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure, in inches, that belongs to no window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def one_panel(width: float, height: float) -> tuple[Figure, Axes]:
    """Return an empty figure with one panel, and that panel."""
    figure = new_figure(width, height)
    return figure, figure.subplots()


def save(
    figure: Figure, table: pd.DataFrame, folder: Path | str, name: str, formats: Sequence[str] = FORMATS
) -> tuple[Path, ...]:
    """Write a figure and the tidy table behind it.

    Args:
        figure: what one of the `draw_` functions returned.
        table: the table that it was drawn from.
        folder: made where it is missing.
        name: of the files, without ending.
        formats: of the figure: svg, png, pdf.

    Returns:
        Paths of `<name>.<format>` and of `<name>.csv`. No date and no version of any library is written, so that
        the same table gives the same bytes.
    """
    folder = expand(folder)
    folder.mkdir(parents=True, exist_ok=True)
    title, note = (" ".join(text.split()) for text in (figure.get_suptitle(), figure.get_supxlabel()))
    metadata: dict[str, dict[str, Any]] = {
        "svg": {"Date": None, "Creator": None, "Title": title, "Description": note},
        "png": {"Software": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }
    paths = []
    give_letters(figure)
    with styled(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # `report_missing` says it, once
        for ending in formats:
            path = folder / f"{name}.{ending}"
            figure.savefig(path, format=ending, metadata=metadata.get(ending))
            figure.set_layout_engine("none")  # it is laid out, once for all formats
            if ending == "svg":
                path.write_text(with_marks(path.read_text("utf-8"), figure), "utf-8")
            paths.append(path)
    path = folder / f"{name}.csv"
    table.to_csv(path, index=False)
    return (*paths, path)


def caption(figure: Figure, subject: str, note: str) -> None:
    """The figure's subject in bold above it; below it, small, what the reader must know to read it."""
    width = int(figure.get_figwidth() * 17)  # characters of the small font in the figure's width
    title = textwrap.fill(subject, int(figure.get_figwidth() * 9.5))
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    figure.supxlabel("\n".join(textwrap.wrap(note, width)), x=0.01, ha="left", fontsize=8, color=QUIET)


def zero_line(axes: Axes, *, vertical: bool = False) -> None:
    """A line where nothing is gained or lost."""
    (axes.axvline if vertical else axes.axhline)(0, color="#404040", linewidth=1, zorder=1)


def amounts(axis: Axis) -> None:
    """Few ticks with plain numbers, 25,000 and 0.0025, so that long ones stay apart."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(lambda value, _: f"{value:,.10g}" if abs(value) < 1e7 else f"{value:.3g}")


def require(table: pd.DataFrame, *columns: str) -> None:
    """Refuse a table that cannot be drawn.

    Raises:
        ValueError: columns are missing, or there is no row.
    """
    missing = [column for column in columns if column not in table]
    if missing:
        raise ValueError(f"the table to draw lacks the columns {', '.join(missing)}")
    if table.empty:
        raise ValueError("the table to draw has no rows")
