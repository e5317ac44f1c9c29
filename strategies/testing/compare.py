"""Bids beside bids."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .failure import expect


def first_difference(a: NDArray[Any], b: NDArray[Any]) -> int | None:
    """The first row in which they differ, bit for bit but that nan equals nan; None where there is none."""
    if a.shape != b.shape:
        return 0
    same = (a == b) | ((a != a) & (b != b))  # noqa: PLR0124 - true of nan alone
    return None if same.all() else int(np.argmin(same))


def expect_same(wanted: NDArray[Any], came: NDArray[Any], expected: str, cause: str) -> None:
    """``CheckFailed`` that shows the first row in which they differ."""
    row = first_difference(wanted, came)
    if row is not None:
        shown = f"row {row}: {wanted[row]} and {came[row]}" if len(came) > row else "another shape"
        count = int((wanted != came).sum()) if wanted.shape == came.shape else len(wanted)
        expect(holds=False, expected=expected, came=f"{shown} ({count} of {len(wanted)} differ)", cause=cause)
