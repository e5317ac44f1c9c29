"""Long names in plots: rows and columns get room, and texts do not cover each other."""

from __future__ import annotations

from itertools import combinations

import pandas as pd
import pytest

from jointbid.experiments.estimate.sides import Sides
from jointbid.experiments.report.plots.ladder import draw_ladder
from jointbid.experiments.report.plots.lattice import draw_lattice
from jointbid.experiments.report.plots.parts import in_lines
from jointbid.experiments.report.plots.tournament import draw_payoffs, draw_ranks

STRATEGIES = ("a/mine.py:Mine", "truthful", "linear(gain=0.123456789, and_a_long_parameter=0.5)")
SOURCES = ("customer_relationship_profile", "web_analytics_page_context", "history_of_touchpoints_seen")
SETS = ["none", *("+".join(some) for size in (1, 2) for some in combinations(SOURCES, size)), "joint"]


def estimates(**columns):
    table = pd.DataFrame(columns)
    return table.assign(unit="EUR per million", estimate=12.3, ci_low=11.0, ci_high=13.0, n_replications=4)


def payoffs():
    rows = [(a, b, 10.0 * i + j) for i, a in enumerate(STRATEGIES) for j, b in enumerate(STRATEGIES)]
    table = pd.DataFrame(rows, columns=["strategy", "opponent", "estimate"])
    return table.assign(
        best_response=STRATEGIES[0],
        ci_low=0.0,
        ci_high=1.0,
        regret=0.0,
        regret_low=0.0,
        regret_high=0.0,
        metric="profit",
        n_replications=4,
        unit="EUR per million",
    )


def ranking():
    table = pd.DataFrame({"strategy": STRATEGIES, "rank": [1, 2, 3], "estimate": [3.0, 2.0, 1.0]})
    return table.assign(
        format="together", rank_best=table["rank"], rank_worst=table["rank"], unit="EUR", n_replications=4,
        ci_low=0.0, ci_high=1.0, tied_with="", metric="profit",
    )  # fmt: skip


def ladder():
    arms = estimates(arm=SETS)
    both = pd.concat([arms.assign(quantity="utility"), arms.assign(quantity="difference_to_silo")])
    return draw_ladder(both, sides=Sides(silo=SETS[1]))


def has_room(panel, figure, inches):
    extent = panel.get_window_extent()
    return extent.width > inches * figure.dpi and extent.height > 0.8 * figure.dpi


@pytest.mark.parametrize(
    ("drawn", "inches"),
    [(lambda: draw_payoffs(payoffs()), 1.5), (lambda: draw_ranks(ranking()), 1.5), (ladder, 3.0)],
)
def test_a_plot_has_room_beside_long_names(drawn, inches):
    figure = drawn()
    figure.canvas.draw()
    assert has_room(figure.axes[0], figure, inches)
    shown = {label.get_text() for label in figure.axes[0].get_yticklabels()}
    assert shown in ({"mine.py:Mine", *STRATEGIES[1:]}, set(SETS))


def test_boxes_and_edges_of_a_lattice_do_not_cover_each_other():
    edges = [(low, source) for low in SETS[:-1] for source in SOURCES if source not in low.split("+")]
    nodes = estimates(kind="node", arm=SETS, source="")
    lines = estimates(kind="edge", arm=[low for low, _ in edges], source=[source for _, source in edges])
    figure = draw_lattice(pd.concat([nodes, lines], ignore_index=True))
    figure.canvas.draw()
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    assert len(texts) == len(SETS) + len(edges)
    for one, other in combinations(texts, 2):
        assert not one.get_window_extent().overlaps(other.get_window_extent()), (one, other)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("profile", "profile"),
        ("web_analytics_context", "web_\nanalytics_\ncontext"),
        ("profile + context", "profile +\ncontext"),
        ("unbreakableandlong", "unbreakableandlong"),
        ("", ""),
    ],
)
def test_names_break_after_their_parts(text, lines):
    assert in_lines(text, 12) == lines
