"""How often a person has been shown an advertiser's ads: the column ``exposures``, for strategies that declare it.

It is exact at each request, as the kernel remembers it: a block of requests then holds no person twice, so that what one auction
changes is there before the person comes again. The size of blocks changes no result.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

EXPOSURE_CODES = 64
"""Its codes: the number of impressions that the person has seen of the advertiser; more than 63 count as 63."""


class Exposures:
    """What the people of one block have seen so far.

    Args:
        seen: the kernel's memory, shape (people, advertisers).
        owners: each bidder's advertiser.
    """

    def __init__(self, seen: NDArray[np.uint8] | NDArray[np.uint16], owners: Sequence[str]) -> None:
        self._seen = seen
        self._houses = {owner: number for number, owner in enumerate(dict.fromkeys(owners))}
        self._now: NDArray[np.int32] = np.empty((0, len(self._houses)), dtype=np.int32)

    def look(self, person: NDArray[np.int64]) -> None:
        """Turn to the people of a block, before its auctions; shape (n,)."""
        self._now = np.minimum(self._seen[person], EXPOSURE_CODES - 1).astype(np.int32)

    def of(self, advertiser: str) -> NDArray[np.int32]:
        """Return the column for the block, shape (n,)."""
        return self._now[:, self._houses[advertiser]]
