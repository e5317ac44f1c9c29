"""What joining tables is worth at lower and higher match rates than theirs, the extrapolated part drawn apart."""

from __future__ import annotations

import pandas as pd

from .matplotlib_types import Figure
from .style import COLOURS, amounts, caption, one_panel, plot, zero_line

COLUMNS = ("match_rate", "estimate", "ci_low", "ci_high", "extrapolated")


@plot(*COLUMNS)
def draw_match_rate(table: pd.DataFrame, *, unit: str) -> Figure:
    """A line over the match rate with its 95 % interval; dashed and grey from the tables' own rate on, where it is a straight line through the others.

    Args:
        table: columns `COLUMNS`; with `band_low` and `band_high` the range over price landscapes is drawn, too.
        unit: of the estimates.
    """
    from matplotlib.ticker import PercentFormatter

    rows = table.sort_values("match_rate")
    measured, beyond = (rows[rows["extrapolated"] == is_beyond] for is_beyond in (False, True))
    figure, axes = one_panel(6.5, 4.2)
    zero_line(axes)
    if "band_low" in rows and rows["band_low"].notna().any():
        axes.plot(
            rows["match_rate"], rows["band_low"], ":", color="0.4", label="least and most over landscapes"
        )
        axes.plot(rows["match_rate"], rows["band_high"], ":", color="0.4")
    own = measured.tail(1)
    for part, colour, style, label in (
        (measured, COLOURS[0], "o-", "keys left out at random"),
        (
            pd.concat([own, beyond]) if len(beyond) else beyond,
            "0.5",
            "s--",
            "extrapolated by a straight line",
        ),
    ):
        if len(part):
            axes.plot(part["match_rate"], part["estimate"], style, color=colour, label=label)
            axes.fill_between(
                part["match_rate"], part["ci_low"], part["ci_high"], color=colour, alpha=0.15, linewidth=0
            )
    axes.axvline(float(own["match_rate"].iloc[0]), color="0.7", linewidth=0.8)
    axes.set_xlim(-0.02, 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    amounts(axes.yaxis)
    axes.set_xlabel("share of the log's rows with a record (upright line: the tables as they are)")
    axes.set_ylabel(f"value of joint data\n({unit})")
    axes.legend(loc="upper left")
    caption(
        figure, "What joining is worth, by match rate", "Shaded: 95 % intervals, learned anew at each point."
    )
    return figure
