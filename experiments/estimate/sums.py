"""Sums by group in which a missing number stays missing."""

from __future__ import annotations

from typing import Any

import pandas as pd


def group_sums(groups: Any) -> Any:
    """Sum of each group; nan where any of its numbers is nan, which pandas would count as 0.

    Args:
        groups: a column of a grouped table, or several.

    Returns:
        A column, or several.
    """
    sums, has_gaps = groups.sum(), groups.count().ne(groups.size(), axis=0)
    return sums.mask(has_gaps) if has_gaps.to_numpy().any() else sums


def group_means(groups: Any) -> pd.Series:
    """Mean of each group; nan where any of its numbers is nan, which pandas would leave out."""
    return groups.mean().where(groups.count() == groups.size())
