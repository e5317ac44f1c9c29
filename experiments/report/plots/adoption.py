"""Who gains and who loses as more firms hold the data."""

from __future__ import annotations

import pandas as pd

from .matplotlib_types import Figure
from .parts import band_line, interval_note, names_of, panel_grid
from .style import MARKERS, amounts, caption, new_figure, plot

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
    """Return the profit of an adopter and of a bidder without, revenue and welfare, by the number of adopters.

    Args:
        summary: of a study ``adoption``, whose arms are "0 adopt", "1 adopt" ...

    Returns:
        The summary's columns, `x` (the number of adopters) and `line` (whose it is), panel by panel. What an adopter had
        before any adoption is in the rows of one without, at x = 0.
    """
    keys = list(zip(summary["estimand"], summary["metric"], strict=True))
    points = summary[[key in PANELS for key in keys]]
    points = points.assign(
        x=points["arm"].str.partition(" ")[0].astype(int), line=[PANELS[key] for key in keys if key in PANELS]
    )
    order = {line: number for number, line in enumerate(PANELS.values())}
    return points.sort_values(["line", "x"], key=lambda own: own.map(order) if own.name == "line" else own)


@plot(*COLUMNS)
def draw_adoption(points: pd.DataFrame) -> Figure:
    """A panel for each line over the number of adopters, with a dashed line where no bidder holds the data."""
    lines, last = names_of(points["line"]), int(points["x"].max())
    figure = new_figure(8.4, 1.2 + 2.4 * -(-len(lines) // 2))
    panels = panel_grid(figure, len(lines), 2, sharex=True).flat
    for number, (axes, line) in enumerate(zip(panels, lines, strict=False)):
        own = points[points["line"] == line].sort_values("x")
        band_line(axes, own, "x", line=number, style=f"{MARKERS[number]}-", band=(), has_bars=True)
        amounts(axes.yaxis)
        start = points[(points["line"] == (WITHOUT if line == ADOPTER else line)) & (points["x"] == 0)]
        for level in start["estimate"]:
            axes.axhline(level, color="#404040", linestyle="--", linewidth=1, zorder=1)
        axes.set_title(f"{line[:1].upper()}{line[1:]}")
    for axes in panels[-2:]:
        axes.set_xlabel("bidders that hold the data (count)")
        axes.set_xticks(range(0, last + 1, max(1, -(-last // 8))))
    for axes in panels[::2]:
        axes.set_ylabel(f"money\n({points['unit'].iloc[0]})", fontsize=9)
    bars = f"{interval_note(points, 'Bars')} Changes are paired in summary.csv."
    caption(
        figure,
        "Who gains and who loses as more hold the data",
        f"Dashed: where no bidder holds the data. Before its cost. Scales differ. {bars}",
    )
    return figure
