"""Plots, each drawn from a tidy table that is saved beside it: `save(draw_x(table, ...), table, folder, name)`.

The `draw_` functions return a matplotlib Figure, which a notebook shows; matplotlib itself is imported when drawing.
Each plot is one file here; `HOMES` lists what notebooks call.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

HOMES = {
    "adoption": "adoption_points draw_adoption",
    "benchmark": "draw_scores",
    "comparison": "draw_map draw_multiples",
    "credit": "credit_points draw_credit",
    "curve": "draw_curve draw_lost",
    "forest": "draw_forest draw_shapley forest_points",
    "heat": "draw_heat",
    "journey": "draw_journey journey_points",
    "key_labels": "key_label key_words",
    "ladder": "draw_ladder ladder_points",
    "landscape": "draw_landscape draw_win_rates landscape_points win_rate_points",
    "lattice": "draw_lattice lattice_points",
    "log_ladder": "draw_log_ladder",
    "match_rate": "draw_match_rate",
    "money": "cumulative_points draw_cumulative draw_lead draw_levels draw_months",
    "of_any_study": "figures_of",
    "pacing": "arm_pacing draw_pacing pacing_points",
    "style": "FORMATS look save",
    "tornado": "draw_tornado",
    "tournament": "draw_payoffs draw_ranks draw_worlds",
}
"""File -> its public names, imported when first used."""

__all__ = [name for names in HOMES.values() for name in names.split()]


def __getattr__(name: str) -> Any:
    for home, names in HOMES.items():
        if name in names.split():
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
