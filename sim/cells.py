"""Numbers of cells: the codes of several columns put together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def join_codes(columns: Iterable[tuple[NDArray[Any], int]], out: NDArray[np.int32]) -> None:
    """Write the cell of each row into ``out``, shape (n,): its codes as digits, the last column's the lowest; 0 without columns.

    Each column comes with the number of codes that it can have.
    """
    is_first = True
    for column, codes in columns:
        if is_first:
            out[:] = column
            is_first = False
        else:
            np.multiply(out, np.int32(codes), out=out)
            np.add(out, column, out=out)
    if is_first:
        out[:] = 0
