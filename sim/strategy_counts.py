"""Columns that strategies add to the table of bidders: what one counts by its method ``counts``."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from .bidder_session import BidderSession
from .visible import BidError


def counted(sessions: Sequence[BidderSession], taken: Collection[str]) -> dict[str, NDArray[np.float64]]:
    """Return what the strategies counted, a column a name, shape (bidders,); 0 for bidders that count nothing of that name.

    Args:
        sessions: the bidders at the end of their run; a strategy may have a method ``counts() -> Mapping[str, float]``.
        taken: columns that the table has already.

    Raises:
        BidError: a strategy counts under a name that is taken.
    """
    each = [dict(counts()) if (counts := getattr(one.strategy, "counts", None)) else {} for one in sessions]
    names = dict.fromkeys(name for found in each for name in found)
    for session, found in zip(sessions, each, strict=True):
        if double := [name for name in found if name in taken]:
            raise BidError(
                f"{session.who}: counts() has a name that the table of bidders has: {double[0]}; take another"
            )
    return {name: np.array([float(found.get(name, 0)) for found in each]) for name in names}
