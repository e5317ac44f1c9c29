"""Plots, each drawn from a tidy table that is saved beside it: `save(draw_x(table, ...), table, folder, name)`.

The `draw_` functions return a matplotlib Figure, which a notebook shows; matplotlib itself is imported when drawing.
"""

from __future__ import annotations

from experiments.plots.curve import draw_curve
from experiments.plots.heat import draw_heat
from experiments.plots.ladder import draw_ladder, ladder_points
from experiments.plots.pacing import draw_pacing, pacing_points
from experiments.plots.replay import draw_log_ladder
from experiments.plots.style import save

__all__ = [
    "draw_curve",
    "draw_heat",
    "draw_ladder",
    "draw_log_ladder",
    "draw_pacing",
    "ladder_points",
    "pacing_points",
    "save",
]
