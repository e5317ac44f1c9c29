"""What the auction log shows: the price to beat, and on which requests a bidder wins."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...cells.arms import FOCAL
from .matplotlib_types import Figure
from .parts import annotated_map, colour_bar
from .style import COLOURS, caption, one_panel, plot, require

LANDSCAPE_COLUMNS = ("price_cpm", "share_below")
WIN_RATE_COLUMNS = ("profile", "context", "requests", "wins", "win_rate")
POINTS = 200


def landscape_points(auctions: pd.DataFrame) -> pd.DataFrame:
    """The bid landscape of the focal bidder: on which share of the requests the price to beat lies at or below a bid.

    The price to beat is the higher of the floor and the best bid of others; on an unsold request it is the floor.

    Args:
        auctions: the rows of ``auctions.parquet``, of one slot (docs/auction-log.md).

    Returns:
        Columns `LANDSCAPE_COLUMNS`: CPM, share of requests; at most 200 rows.
    """
    require(auctions, "seat", "sold_to", "bid", "other_bid", "bidfloor", "slot")
    first = auctions[auctions["slot"] == 0]
    own = (first["seat"] == FOCAL).to_numpy()
    others = np.where(own, first["other_bid"].fillna(0.0), first["bid"].fillna(0.0))
    price = np.sort(np.maximum(others, first["bidfloor"].to_numpy(float)))
    at = np.unique(np.linspace(0, len(price) - 1, min(POINTS, len(price))).round().astype(int))
    below = np.searchsorted(price, price[at], side="right") / len(price)
    return pd.DataFrame({"price_cpm": price[at], "share_below": below}).drop_duplicates(
        "price_cpm", ignore_index=True
    )


@plot(*LANDSCAPE_COLUMNS)
def draw_landscape(points: pd.DataFrame, *, currency: str) -> Figure:
    """How often a bid of so much would have won, prices on a logarithmic axis.

    Args:
        points: what `landscape_points` returns.
        currency: of the prices.
    """
    shown = points[points["price_cpm"] > 0]
    figure, axes = one_panel(7, 4.2)
    price, share = shown["price_cpm"].to_numpy(), shown["share_below"].to_numpy()
    axes.step(price, share, where="post", color=COLOURS[0])
    if len(shown) > 1:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter("")
    axes.set(xlabel=f"bid (CPM in {currency})", ylabel="price to beat at or below it\n(share of requests)")
    axes.set_ylim(0, 1.02)
    note = "The higher of the floor and the best bid of others. Where others win, their bid is known, as in a simulation."
    caption(figure, "Bid landscape: the price to beat", note)
    return figure


def win_rate_points(requests: pd.DataFrame) -> pd.DataFrame:
    """How often a bidder wins, by the profile type of the person and the context type of the request.

    Args:
        requests: columns profile, context (codes of the true types), won (bool); a row a request.

    Returns:
        Columns `WIN_RATE_COLUMNS`, sorted by profile, then context.
    """
    require(requests, "profile", "context", "won")
    groups = requests.groupby(["profile", "context"])["won"].agg(["size", "sum"]).reset_index()
    found = groups.rename(columns={"size": "requests", "sum": "wins"})
    return found.assign(win_rate=found["wins"] / found["requests"])[list(WIN_RATE_COLUMNS)]


@plot(*WIN_RATE_COLUMNS)
def draw_win_rates(points: pd.DataFrame) -> Figure:
    """A cell for each pair of types, darker where more is won; in figures where there is room."""
    wide = points.pivot_table(index="profile", columns="context", values="win_rate", dropna=False).astype(
        float
    )
    most = float(np.nanmax(wide.to_numpy(), initial=0.0)) or 1.0
    rows, columns = wide.shape
    figure, axes = one_panel(max(6.0, min(11.0, 2.6 + 0.55 * columns)), max(3.4, min(8.0, 2.0 + 0.33 * rows)))
    written = (100 * wide).map(lambda value: "" if columns > 20 or np.isnan(value) else f"{value:.0f}")
    image = annotated_map(axes, wide, written.to_numpy(dtype=str), limits=(0.0, most), colours="Blues")
    axes.set(xlabel="context (type, by number)", ylabel="profile (type, by number)")
    colour_bar(figure, image, axes, "win rate (share of requests)")
    note = "In the cells: percent of the requests of that pair that were won. True types, whether the bidder saw them or not."
    caption(figure, "Win rate by profile and context", note)
    return figure
