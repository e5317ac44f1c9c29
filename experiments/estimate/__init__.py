"""From the table of cells to estimates with intervals: the ladder, its steps, curves and heat maps."""

from __future__ import annotations

from .curves import CURVE_COLUMNS, HEAT_COLUMNS, curve_table, heat_table
from .intervals import (
    LEVEL,
    Estimate,
    contrast,
    mean_interval,
    paired_difference,
    percent_difference,
    percent_values,
    required_replications,
)
from .ladder import (
    ESTIMANDS,
    P_HOLM,
    SUMMARY_COLUMNS,
    ladder_summary,
    lookup,
)
from .metrics import METRICS, Metric, outcomes, unit_of
from .sides import BEST_SILO, BEST_SINGLE, Sides

__all__ = [
    "BEST_SILO",
    "BEST_SINGLE",
    "CURVE_COLUMNS",
    "ESTIMANDS",
    "HEAT_COLUMNS",
    "LEVEL",
    "METRICS",
    "P_HOLM",
    "SUMMARY_COLUMNS",
    "Estimate",
    "Metric",
    "Sides",
    "contrast",
    "curve_table",
    "heat_table",
    "ladder_summary",
    "lookup",
    "mean_interval",
    "outcomes",
    "paired_difference",
    "percent_difference",
    "percent_values",
    "required_replications",
    "unit_of",
]
