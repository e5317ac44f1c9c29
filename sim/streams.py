"""Named random streams: a draw belongs to (seed, replication, stream name, position), never to the order of calls.

Counter-based (Philox4x64, Salmon et al. 2011): position i of a stream is word i of a keyed sequence, so any slice can be
made alone, in any order, on any machine. One uniform a position; other laws by inverse transform.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WORDS = 4  # 64-bit words that one step of Philox's counter yields


@dataclass(frozen=True, slots=True)
class Streams:
    """The randomness of one replication.

    >>> whole, part = Streams(1, 0).uniform("price", 0, 7), Streams(1, 0).uniform("price", 5, 2)
    >>> bool((whole[5:] == part).all())
    True
    """

    seed: int
    replication: int

    def uniform(self, name: str, start: int, n: int) -> NDArray[np.float64]:
        """Uniforms in [0, 1) at positions ``start`` to ``start + n - 1`` of the stream ``name``; shape (n,)."""
        skip = start % WORDS
        bits = np.random.Philox(key=self._key(name), counter=start // WORDS)
        return np.random.Generator(bits).random(skip + n)[skip:]

    def key64(self, name: str) -> np.uint64:
        """A 64-bit key of the stream, for hashes inside compiled kernels (tie priorities)."""
        return np.uint64(self._key(name) & 0xFFFF_FFFF_FFFF_FFFF)

    def _key(self, name: str) -> int:
        text = f"{self.seed}/{self.replication}/{name}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "little")
