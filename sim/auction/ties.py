"""Who wins a tie: the highest priority, a hash of (bidder, position), so that permuting bidders permutes outcomes."""

from __future__ import annotations

import numpy as np

from sim.auction.compiled import inlined


@inlined
def priority(key: np.uint64, position: int) -> np.uint64:
    """A pseudo-random 64-bit priority (splitmix64's finaliser, Steele, Lea & Flood 2014)."""
    z = np.uint64(key) + (np.uint64(position) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
