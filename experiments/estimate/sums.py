"""Sums by group in which a missing number stays missing."""

from __future__ import annotations

from typing import Any

import pandas as pd


def group_sums(groups: Any) -> pd.Series:
    """Sum of each group; nan where any of its numbers is nan, which pandas would count as 0.

    Args:
        groups: a column of a grouped table.
    """
    return groups.sum().where(groups.count() == groups.size())


def group_means(groups: Any) -> pd.Series:
    """Mean of each group; nan where any of its numbers is nan, which pandas would leave out."""
    return groups.mean().where(groups.count() == groups.size())
