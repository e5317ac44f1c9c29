"""Both steps of the value of joint data over redundancy and interaction of the sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...estimate.curves import HEAT_COLUMNS
from ..verdict import number
from .style import DARK, LIGHT, amounts, caption, new_figure, require, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

PANELS = {
    "same_request": "Same-request step: stacked - best single",
    "joint_model": "Joint-model step: joint - stacked",
}
DIVERGING = "PuOr_r"
"""Orange gains, purple losses, white at zero; safe for colour-blind readers."""


def draw_heat(
    table: pd.DataFrame,
    *,
    unit: str,
    interaction_label: str = "interaction (log-odds)",
    redundancy_label: str = "redundancy (correlation of the sources)",
) -> Figure:
    """Two maps on one colour scale that is white at zero; every cell is annotated.

    Args:
        table: columns `jointbid.experiments.estimate.HEAT_COLUMNS`, a row each redundancy and interaction.
        unit: of the steps, such as "CNY per million bid requests".
        interaction_label: the horizontal axis with its unit, which the family of the response decides.
        redundancy_label: the vertical axis with its unit.

    Raises:
        ValueError: missing columns, no rows, or a point that occurs twice.
    """
    require(table, *HEAT_COLUMNS)
    if table.duplicated(["redundancy", "interaction"]).any():
        raise ValueError("a point of redundancy and interaction occurs twice")
    steps = table[["same_request_step", "joint_model_step"]].to_numpy(dtype=float)
    limit = float(np.nanmax(np.abs(steps), initial=0.0)) or 1.0
    rows, columns = table["redundancy"].nunique(), table["interaction"].nunique()
    with styled():
        figure = new_figure(max(8.0, 3.2 + 1.35 * columns), max(3.6, 2.4 + 0.5 * rows))
        panels = figure.subplots(1, 2, sharey=True)
        for axes, (step, name) in zip(panels, PANELS.items(), strict=True):
            image = _panel(axes, table, step, limit)
            axes.set_title(name)
            axes.set_xlabel(interaction_label)
        panels[0].set_ylabel(redundancy_label)
        bar = figure.colorbar(image, ax=list(panels), pad=0.02, aspect=25)
        amounts(bar.ax.yaxis)
        bar.set_label(unit, fontsize=9)
        bar.outline.set_visible(False)
        caption(figure, "Value of joint data in its two steps, by redundancy and interaction", _note())
    return figure


def _panel(axes: Axes, table: pd.DataFrame, step: str, limit: float) -> AxesImage:
    """One step: the map, its numbers, and brackets round those whose interval shows no sign."""
    values, low, high = (_grid(table, f"{step}_{part}") for part in ("step", "low", "high"))
    image = axes.imshow(
        values.to_numpy(), cmap=DIVERGING, vmin=-limit, vmax=limit, origin="lower", aspect="auto"
    )
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.set_xticks(range(values.shape[1]), [f"{x:g}" for x in values.columns])
    axes.set_yticks(range(values.shape[0]), [f"{y:g}" for y in values.index])
    shown: NDArray[np.bool_] = (low.to_numpy() > 0) | (high.to_numpy() < 0)
    for (i, j), value in np.ndenumerate(values.to_numpy()):
        if np.isnan(value):
            continue
        axes.text(
            j,
            i,
            number(value) if shown[i, j] else f"({number(value)})",
            ha="center",
            va="center",
            fontsize=8.5,
            style="normal" if shown[i, j] else "italic",
            color=LIGHT if abs(value) > 0.72 * limit else DARK,
        )
    return image


def _grid(table: pd.DataFrame, column: str) -> pd.DataFrame:
    return table.pivot_table(index="redundancy", columns="interaction", values=column, dropna=False).astype(
        float
    )


def _note() -> str:
    return (
        "Siloed: best single source. In brackets: no difference shown (the 95 % interval spans zero, or there is "
        "none). Intervals: simulation error only."
    )
