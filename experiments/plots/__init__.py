"""Plots, each drawn from a tidy table that is saved beside it: `save(draw_x(table, ...), table, folder, name)`.

The `draw_` functions return a matplotlib Figure, which a notebook shows; matplotlib itself is imported when drawing.
"""

from __future__ import annotations

from experiments.plots.adoption import adoption_points, draw_adoption
from experiments.plots.compare import draw_map, draw_multiples
from experiments.plots.credit import credit_points, draw_credit
from experiments.plots.curve import draw_curve, draw_lost
from experiments.plots.drawn import draw_worlds
from experiments.plots.forest import draw_forest, draw_shapley, forest_points
from experiments.plots.heat import draw_heat
from experiments.plots.journey import draw_journey, journey_points
from experiments.plots.keys import key_label, key_words
from experiments.plots.ladder import draw_ladder, ladder_points
from experiments.plots.landscape import (
    draw_landscape,
    draw_win_rates,
    landscape_points,
    win_rate_points,
)
from experiments.plots.lattice import draw_lattice, lattice_points
from experiments.plots.levels import draw_levels
from experiments.plots.money import cumulative_points, draw_cumulative
from experiments.plots.own_data import draw_lead, draw_months
from experiments.plots.pacing import arm_pacing, draw_pacing, pacing_points
from experiments.plots.replay import draw_log_ladder
from experiments.plots.standard import figures_of
from experiments.plots.style import FORMATS, look, save
from experiments.plots.tournament import draw_payoffs, draw_ranks

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
