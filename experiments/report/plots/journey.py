"""Where the accounts of a market are on their journey, over time."""

from __future__ import annotations

import pandas as pd

from jointbid.sim.journey.process import STAGES

from .matplotlib_types import Figure
from .parts import names_of
from .style import COLOURS, LIGHT, amounts, caption, one_panel, plot, require

COLUMNS = ("day", "stage", "accounts", "share")
DAY_H = 24.0
PALETTE = tuple(colour for colour in COLOURS if colour != "C6")
"""Not black, which would hide the grid's and the neighbour's edge."""


def journey_points(journey: pd.DataFrame) -> pd.DataFrame:
    """The accounts in each stage from each step on.

    Args:
        journey: columns hour, and one for each stage with its accounts; of one run, such as its ``journey.csv``.

    Returns:
        Columns `COLUMNS`, a row a step and stage, the stages in their order; `day` is hours / 24 since the start, `share` of
        all accounts.

    Raises:
        ValueError: missing columns, or no rows.
    """
    require(journey, "hour", *STAGES)
    points = journey.melt("hour", list(STAGES), var_name="stage", value_name="accounts")
    whole = journey[list(STAGES)].sum(axis=1).iloc[0]
    return points.assign(day=points["hour"] / DAY_H, share=points["accounts"] / whole)[list(COLUMNS)]


@plot(*COLUMNS)
def draw_journey(points: pd.DataFrame) -> Figure:
    """An area a stage, one upon the other in their order, as high as the accounts in it."""
    stages = names_of(points["stage"])
    wide = points.pivot_table(index="day", columns="stage", values="accounts")[stages].astype(float)
    share = points.groupby("stage", sort=False)["share"].agg(["first", "last"])
    labels = [f"{stage}, {share['first'][stage]:.1%} to {share['last'][stage]:.1%}" for stage in stages]
    colours = [PALETTE[number % len(PALETTE)] for number in range(len(stages))]
    figure, axes = one_panel(8.4, 4.4)
    day, accounts = wide.index.to_numpy(dtype=float), wide.to_numpy().T
    axes.stackplot(day, accounts, labels=labels, colors=colours, edgecolor=LIGHT, linewidth=0.5)
    axes.margins(0)
    amounts(axes.xaxis)
    amounts(axes.yaxis)
    axes.set(xlabel="time (days)", ylabel="accounts (count)")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), reverse=True)
    note = "With each stage: its share of all accounts after the first and the last step."
    caption(figure, "Journeys: accounts by stage over time", note)
    return figure
