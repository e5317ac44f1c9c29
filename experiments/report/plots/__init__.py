"""Plots, each drawn from a tidy table that is saved beside it: `save(draw_x(table, ...), table, folder, name)`.

The `draw_` functions return a matplotlib Figure, which a notebook shows; matplotlib itself is imported when drawing.
"""

from __future__ import annotations

from .adoption import adoption_points, draw_adoption
from .by_month import draw_lead, draw_months
from .comparison import draw_map, draw_multiples
from .credit import credit_points, draw_credit
from .curve import draw_curve, draw_lost
from .forest import draw_forest, draw_shapley, forest_points
from .heat import draw_heat
from .journey import draw_journey, journey_points
from .key_labels import key_label, key_words
from .ladder import draw_ladder, ladder_points
from .landscape import (
    draw_landscape,
    draw_win_rates,
    landscape_points,
    win_rate_points,
)
from .lattice import draw_lattice, lattice_points
from .levels import draw_levels
from .log_ladder import draw_log_ladder
from .money import cumulative_points, draw_cumulative
from .of_any_study import figures_of
from .pacing import arm_pacing, draw_pacing, pacing_points
from .style import FORMATS, look, save
from .tournament import draw_payoffs, draw_ranks
from .worlds import draw_worlds

__all__ = [
    "FORMATS",
    "adoption_points",
    "arm_pacing",
    "credit_points",
    "cumulative_points",
    "draw_adoption",
    "draw_credit",
    "draw_cumulative",
    "draw_curve",
    "draw_forest",
    "draw_heat",
    "draw_journey",
    "draw_ladder",
    "draw_landscape",
    "draw_lattice",
    "draw_lead",
    "draw_levels",
    "draw_log_ladder",
    "draw_lost",
    "draw_map",
    "draw_months",
    "draw_multiples",
    "draw_pacing",
    "draw_payoffs",
    "draw_ranks",
    "draw_shapley",
    "draw_win_rates",
    "draw_worlds",
    "figures_of",
    "forest_points",
    "journey_points",
    "key_label",
    "key_words",
    "ladder_points",
    "landscape_points",
    "lattice_points",
    "look",
    "pacing_points",
    "save",
    "win_rate_points",
]
