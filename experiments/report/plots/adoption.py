"""Who gains and who loses as more firms hold the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .style import COLOURS, MARKERS, amounts, caption, new_figure, require, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ("x", "line", "estimate", "ci_low", "ci_high", "unit")
ADOPTER, WITHOUT = "an adopter's profit", "profit of one without"
PANELS = {
    ("adopter_profit", "focal_profit"): ADOPTER,
    ("non_adopter_profit", "focal_profit"): WITHOUT,
    ("utility", "revenue"): "seller's revenue",
    ("utility", "welfare"): "welfare",
}
"""What each panel shows, by estimand and metric of the summary."""


def adoption_points(summary: pd.DataFrame) -> pd.DataFrame:
    """What one adopter, one without, the seller and everybody together have, by how many hold the data.

    Args:
        summary: of a study ``adoption``, whose arms are "0 adopt", "1 adopt" ...

    Returns:
        The summary's columns, `x` (the number of adopters) and `line` (whose it is), panel by panel. What an adopter had
        before anybody adopted is in the rows of one without, at x = 0.
    """
    keys = list(zip(summary["estimand"], summary["metric"], strict=True))
    points = summary[[key in PANELS for key in keys]]
    points = points.assign(
        x=points["arm"].str.partition(" ")[0].astype(int),
        line=[PANELS[key] for key in keys if key in PANELS],
    )
    order = {line: number for number, line in enumerate(PANELS.values())}
    return points.sort_values(["line", "x"], key=lambda own: own.map(order) if own.name == "line" else own)


def draw_adoption(
    points: pd.DataFrame, *, subject: str = "Who gains and who loses as more hold the data"
) -> Figure:
    """A panel for each line over the number of adopters, with a dashed line where nobody holds the data.

    Args:
        points: what `adoption_points` returns.
        subject: what the figure shows.
    """
    require(points, *COLUMNS)
    lines = list(dict.fromkeys(points["line"]))
    rows = -(-len(lines) // 2)
    with styled():
        figure = new_figure(8.4, 1.2 + 2.4 * rows)
        panels = figure.subplots(rows, 2, sharex=True, squeeze=False).ravel()
        for number, (axes, line) in enumerate(zip(panels, lines, strict=False)):
            _panel(axes, points[points["line"] == line].sort_values("x"), number)
            start = points[(points["line"] == (WITHOUT if line == ADOPTER else line)) & (points["x"] == 0)]
            for level in start["estimate"]:
                axes.axhline(level, color="#404040", linestyle="--", linewidth=1, zorder=1)
            axes.set_title(f"{line[:1].upper()}{line[1:]}")
        for axes in panels[len(lines) :]:
            axes.set_visible(False)
        for axes in panels[-2:]:
            axes.set_xlabel("bidders that hold the data (count)")
            axes.set_xticks(_whole(points["x"]))
        for axes in panels[::2]:
            axes.set_ylabel(f"money\n({points['unit'].iloc[0]})", fontsize=9)
        caption(figure, subject, _note(points))
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, number: int) -> None:
    x, y, low, high = (rows[name].to_numpy(dtype=float) for name in ("x", "estimate", "ci_low", "ci_high"))
    axes.vlines(x, low, high, color=COLOURS[number], linewidth=1)
    axes.plot(x, y, f"{MARKERS[number]}-", color=COLOURS[number])
    amounts(axes.yaxis)


def _whole(x: pd.Series[int]) -> list[int]:
    """Ticks at numbers of bidders, not at parts of one."""
    last = int(x.max())
    return list(range(0, last + 1, max(1, -(-last // 8))))


def _note(points: pd.DataFrame) -> str:
    bars = (
        "One replication: there are no intervals."
        if points["ci_low"].isna().all()
        else "Bars: 95 % interval of each point, simulation error only; changes are paired in summary.csv."
    )
    return f"Dashed: where nobody holds the data. Before its cost. Scales differ. {bars}"
