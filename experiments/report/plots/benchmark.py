"""The benchmark: the score of each strategy in each market, as a map."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...estimate.benchmark import LOWEST
from ..strategy_names import with_short_names
from .matplotlib_types import Figure
from .parts import annotated_map, colour_bar, names_of, room_for
from .style import caption, new_figure, plot

COLUMNS = ("market", "information", "strategy", "estimate")


@plot(*COLUMNS)
def draw_scores(games: pd.DataFrame) -> Figure:
    """Strategies from best to worst by market, with joint data on the left and with the CMO's alone on the right."""
    games = with_short_names(games)
    markets, kinds = names_of(games["market"]), names_of(games["information"])
    counted = games.assign(estimate=games["estimate"].fillna(0.0))  # what it cannot play counts as 0
    order = counted.groupby("strategy")["estimate"].mean().sort_values().index
    width = 2.4 + 0.62 * len(markets) * len(kinds) + room_for(order)
    figure = new_figure(width, 2.6 + 0.3 * len(order))
    panels = figure.subplots(1, len(kinds), squeeze=False, sharey=True)[0]
    for axes, kind in zip(panels, kinds, strict=True):
        own = games[games["information"] == kind]
        wide = own.pivot_table(index="strategy", columns="market", values="estimate", dropna=False)
        wide = wide.reindex(index=order, columns=markets)
        values = wide.to_numpy(dtype=float)
        texts = np.array(["-" if np.isnan(value) else f"{value:.0f}" for value in values.flat])
        image = annotated_map(
            axes,
            wide.clip(lower=LOWEST),
            texts.reshape(values.shape),
            limits=(LOWEST, 100.0),
            colours="RdYlBu",
        )
        axes.set_xticks(
            range(len(markets)), [name.replace("_", " ") for name in markets], rotation=60, ha="right"
        )
        axes.set_title({"joint": "joint data", "silo": "the CMO's data alone"}.get(kind, kind))
    colour_bar(figure, image, panels[-1], "score")
    caption(figure, "Scores by market", "0: the bidder without data. 100: hindsight. -: cannot play there.")
    return figure
