"""The information lattice: what each set of sources earns, and on each edge what one source adds to it."""

from __future__ import annotations

from itertools import combinations

import pandas as pd

from ...cells.lattice import AND, JOINT, NONE
from ..numbers import number
from .matplotlib_types import Axes, Figure
from .parts import in_lines, is_shown, names_of
from .style import COLOURS, QUIET, caption, one_panel, plot

COLUMNS = ("kind", "arm", "source", "unit", "estimate", "ci_low", "ci_high")
MOST = 4
"""Sources beyond which the edges cannot be distinguished."""
NODE, EDGE = 34, 18
"""Characters of a line in a box, and on an edge."""


def lattice_points(summary: pd.DataFrame) -> pd.DataFrame:
    """Nodes and edges of the lattice.

    Args:
        summary: the rows of ``summary.csv``, with estimands ``utility`` and ``marginal_value``; the arm of the latter reads
            "history | profile+context", what a holder of the right gains by the left.

    Returns:
        Columns `COLUMNS`: a row with kind ``node`` an information set, whose profit it is; a row with kind ``edge`` a source
        that joins a set (in ``arm``).
    """
    rows = summary[summary["metric"] == "focal_profit"]
    edges = rows[rows["estimand"] == "marginal_value"]
    sides = [str(arm).partition(" | ") for arm in edges["arm"]]
    edges = edges.assign(kind="edge", source=[side[0] for side in sides], arm=[side[2] for side in sides])
    sources = list(dict.fromkeys(edges["source"]))
    named = [NONE, JOINT, *sources]
    nodes = rows[
        (rows["estimand"] == "utility")
        & (rows["arm"].isin(named) | rows["arm"].str.contains(AND, regex=False))
    ]
    return pd.concat([nodes.assign(kind="node", source=""), edges])[list(COLUMNS)].reset_index(drop=True)


def is_whole(points: pd.DataFrame) -> bool:
    """Return whether every set of two to four sources is a node: without its inner levels a lattice shows nothing."""
    sources = names_of(points.loc[points["kind"] == "edge", "source"])
    nodes = points.loc[points["kind"] == "node", "arm"]
    there = {_members(str(arm), sources) for arm in nodes}
    return 2 <= len(sources) <= MOST and set(_places(sources)) <= there


@plot(*COLUMNS)
def draw_lattice(points: pd.DataFrame) -> Figure:
    """Sets of sources from none at the bottom to all at the top; edges carry what the source that joins adds.

    Args:
        points: what `lattice_points` returns, of at most four sources.

    Raises:
        ValueError: columns, nodes or edges are missing, or there are more sources than can be drawn.
    """
    nodes, edges = points[points["kind"] == "node"], points[points["kind"] == "edge"]
    sources = names_of(edges["source"])
    if nodes.empty or edges.empty or len(sources) > MOST:
        raise ValueError(
            f"a lattice has nodes and edges, over at most {MOST} sources; here are {len(sources)}"
        )
    place = _places(sources)
    widest = max(sum(y == row for _, y in place.values()) for row in range(len(sources) + 1))
    figure, axes = one_panel(max(7.5, 3.4 * widest), 2.2 + 1.55 * len(sources))
    axes.set_axis_off()
    for row, shown in zip(edges.to_dict("records"), is_shown(edges), strict=True):
        _edge(axes, row, place, sources, is_shown=bool(shown))
    for row in nodes.to_dict("records"):
        if (members := _members(row["arm"], sources)) in place:
            _node(axes, row, place[members])
    axes.set_xlim(-widest / 2 - 0.05, widest / 2 + 0.05)
    axes.set_ylim(-0.35, len(sources) + 0.35)
    note = (
        f"{points['unit'].iloc[0]}. Boxes: profit of the focal advertiser; edges: what the source that joins adds, pair by pair. "
        "In brackets: no difference shown. Intervals are in the table."
    )
    caption(figure, "What each set of sources earns, and what each source adds", note)
    return figure


def _members(arm: str, sources: list[str]) -> frozenset[str]:
    if arm == NONE:
        return frozenset()
    return frozenset(sources) if arm == JOINT else frozenset(arm.split(AND))


def _places(sources: list[str]) -> dict[frozenset[str], tuple[float, int]]:
    """Return each set's place: its size is its height, and sets of one size stand beside each other."""
    levels = [list(combinations(sources, size)) for size in range(len(sources) + 1)]
    return {
        frozenset(members): (i - (len(level) - 1) / 2, size)
        for size, level in enumerate(levels)
        for i, members in enumerate(level)
    }


def _node(axes: Axes, row: dict, at: tuple[float, int]) -> None:
    text = f"{in_lines(str(row['arm']).replace(AND, ' + '), NODE)}\n{number(row['estimate'])}"
    box = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": COLOURS[0], "linewidth": 1.5}
    axes.text(*at, text, ha="center", va="center", bbox=box, zorder=3, size=9.5)


def _edge(
    axes: Axes,
    row: dict,
    place: dict[frozenset[str], tuple[float, int]],
    sources: list[str],
    *,
    is_shown: bool,
) -> None:
    low = _members(row["arm"], sources)
    start, end = place[low], place[low | {row["source"]}]
    axes.plot([start[0], end[0]], [start[1], end[1]], color=QUIET, linewidth=1, zorder=1)
    at = 0.36 if len(sources) > 2 else 0.5  # off the middle, where edges cross
    x, y = (start[i] + at * (end[i] - start[i]) for i in (0, 1))
    amount = f"{'+' if row['estimate'] > 0 else ''}{number(row['estimate'])}"
    text = f"{in_lines(row['source'], EDGE)}\n{amount if is_shown else f'({amount})'}"
    box = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
    ink = "black" if is_shown else QUIET
    axes.text(x, y, text, ha="center", va="center", size=8, bbox=box, zorder=2, color=ink)
