"""Both steps of the value of joint data over redundancy and interaction of the sources."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...estimate.curves import HEAT_COLUMNS
from .matplotlib_types import Figure
from .parts import annotated_map, bracketed, colour_bar
from .style import caption, new_figure, plot

PANELS = {
    "same_request": "Same-request step: stacked - silo",
    "joint_model": "Joint-model step: joint - stacked",
}


@plot(*HEAT_COLUMNS)
def draw_heat(
    table: pd.DataFrame,
    *,
    unit: str,
    silo: str = "the better silo at each point",
    interaction_unit: str = "log-odds",
) -> Figure:
    """Two maps on one colour scale that is white at zero; every cell is annotated.

    Args:
        table: columns `jointbid.experiments.estimate.curves.HEAT_COLUMNS`, a row each redundancy and interaction.
        unit: of the steps, such as "CNY per million bid requests".
        silo: the siloed arm as it is to be printed.
        interaction_unit: of the horizontal axis, which the family of the response decides.

    Raises:
        ValueError: missing columns, no rows, or a point that occurs twice.
    """
    if table.duplicated(["redundancy", "interaction"]).any():
        raise ValueError("a point of redundancy and interaction occurs twice")
    steps = table[["same_request_step", "joint_model_step"]].to_numpy(dtype=float)
    limit = float(np.nanmax(np.abs(steps), initial=0.0)) or 1.0
    rows, columns = table["redundancy"].nunique(), table["interaction"].nunique()
    figure = new_figure(max(8.0, 3.2 + 1.35 * columns), max(3.6, 2.4 + 0.5 * rows))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (step, title) in zip(panels, PANELS.items(), strict=True):
        values, low, high = (
            table.pivot_table(index="redundancy", columns="interaction", values=name, dropna=False).astype(
                float
            )
            for name in (f"{step}_step", f"{step}_low", f"{step}_high")
        )
        written = bracketed(values, ((low > 0) | (high < 0)).to_numpy())
        image = annotated_map(axes, values, written, limits=(-limit, limit))
        axes.set(title=title, xlabel=f"interaction ({interaction_unit})")
    panels[0].set_ylabel("redundancy (correlation of the sources)")
    colour_bar(figure, image, list(panels), unit)
    note = (
        f"Siloed: {silo}. In brackets: no difference shown (the 95 % interval spans zero, or there is "
        "none). Intervals: simulation error only."
    )
    caption(figure, "Value of joint data in its two steps, by redundancy and interaction", note)
    return figure
