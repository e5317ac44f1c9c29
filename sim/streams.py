"""Named random streams: a draw belongs to (seed, replication, stream name, position), never to the order of calls.

A stream is a hash of its key and the position, so any part of it can be made alone, in any order, on any machine, and by
the kernels where they need it. One uniform a position; other laws by inverse transform.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .compiled import inlined, kernel


@inlined
def word(key: np.uint64, position: int) -> np.uint64:
    """64 random bits: splitmix64's finaliser (Steele, Lea & Flood 2014) over a counter.

    The key enters twice, so that no stream is another one shifted.
    """
    return mixed(key, counter(key, position))


STEP = np.uint64(0x9E3779B97F4A7C15)
"""How far the counters of two neighbouring positions are apart: loops over positions add it, which costs less than to multiply."""


@inlined
def counter(key: np.uint64, position: int) -> np.uint64:
    """What ``mixed`` makes the bits of a position from."""
    return np.uint64(key) + (np.uint64(position) + np.uint64(1)) * STEP


@inlined
def mixed(key: np.uint64, z: np.uint64) -> np.uint64:
    """The bits of the stream ``key`` at a ``counter``."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z ^= np.uint64(key) * np.uint64(0xD1342543DE82EF95)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inlined
def unit(key: np.uint64, position: int) -> float:
    """A uniform in [0, 1) of 53 bits."""
    return float(np.float64(np.int64(word(key, position) >> np.uint64(11))) * (1.0 / (1 << 53)))


@inlined
def unit_in_row(key: np.uint64, z: np.uint64) -> float:
    """``unit`` at a ``counter``, for loops over positions: put together from halves, which processors do for several numbers at a time."""
    bits = mixed(key, z) >> np.uint64(11)
    low = np.uint64((bits & np.uint64(0xFFFFFFFF)) | np.uint64(0x4330000000000000)).view(np.float64)
    high = np.uint64((bits >> np.uint64(32)) | np.uint64(0x4530000000000000)).view(np.float64)
    return float(((high - (2.0**52 + 2.0**84)) + low) * (1.0 / (1 << 53)))


@kernel
def _fill(key: np.uint64, start: int, out: NDArray[np.float64]) -> None:
    z = counter(key, start)
    for i in range(len(out)):
        out[i] = unit_in_row(key, z)
        z += STEP


@kernel
def _gather(key: np.uint64, positions: NDArray[np.int64], out: NDArray[np.float64]) -> None:
    for i in range(len(out)):
        out[i] = unit(key, positions[i])


@kernel
def _fill_whole(key: np.uint64, start: int, numbers: int, bits: int, out: NDArray[np.int32]) -> None:
    """``bits`` of a power of two say where a uniform falls; 0 of any other number."""
    z = counter(key, start)
    if bits > 0:
        shift = np.uint64(64 - bits)
        for i in range(len(out)):
            out[i] = np.int32(mixed(key, z) >> shift)
            z += STEP
        return
    for i in range(len(out)):
        out[i] = min(np.int32(unit_in_row(key, z) * numbers), np.int32(numbers - 1))
        z += STEP


@kernel
def _gather_whole(
    key: np.uint64, positions: NDArray[np.int64], group: int, numbers: int, out: NDArray[np.int32]
) -> None:
    for i in range(len(out)):
        position = positions[i] if group == 1 else positions[i] // group * group
        out[i] = min(np.int32(unit(key, position) * numbers), np.int32(numbers - 1))


@kernel
def _fill_copied(
    leader: np.uint64, is_copied: np.uint64, own: np.uint64, start: int, numbers: int, q: float, out: NDArray[np.int32]
) -> None:  # fmt: skip
    for i in range(len(out)):
        u, copied = unit_in_row(own, counter(own, start + i)), unit_in_row(leader, counter(leader, start + i))
        copied = copied if q > 0.0 else 1.0 - copied
        u = copied if unit_in_row(is_copied, counter(is_copied, start + i)) < abs(q) else u
        out[i] = min(np.int32(u * numbers), np.int32(numbers - 1))


@lru_cache(maxsize=4096)
def _key(text: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))


@dataclass(frozen=True, slots=True)
class Streams:
    """The randomness of one replication.

    >>> whole, part = Streams(1, 0).uniform("price", 0, 7), Streams(1, 0).uniform("price", 5, 2)
    >>> bool((whole[5:] == part).all())
    True
    """

    seed: int
    replication: int

    def __post_init__(self) -> None:
        """Refuse what is no whole number, of which text would be made all the same."""
        for name, number in (("seed", self.seed), ("replication", self.replication)):
            if not isinstance(number, int | np.integer) or number < 0:
                raise ValueError(f"{name} = {number!r}: allowed: a whole number, 0 or more")

    def uniform(self, name: str, start: int, n: int) -> NDArray[np.float64]:
        """Uniforms in [0, 1) at positions ``start`` to ``start + n - 1`` of the stream ``name``; shape (n,)."""
        out = np.empty(n)
        _fill(self.key64(name), start, out)
        return out

    def whole(self, name: str, start: int, n: int, numbers: int) -> NDArray[np.int32]:
        """Whole numbers from 0 to ``numbers - 1``, equally likely: where the uniforms of these positions fall; shape (n,)."""
        out = np.empty(n, dtype=np.int32)
        bits = numbers.bit_length() - 1 if numbers & (numbers - 1) == 0 else 0
        _fill_whole(self.key64(name), start, numbers, bits, out)
        return out

    def copied(
        self, names: tuple[str, str, str], start: int, n: int, numbers: int, q: float
    ) -> NDArray[np.int32]:
        """Whole numbers as ``whole``, but with probability ``|q|`` those of another stream, counted from the other end where q < 0; shape (n,).

        ``names``: the other stream, the one that says where it counts, and the numbers' own.
        """
        out = np.empty(n, dtype=np.int32)
        leader, is_copied, own = map(self.key64, names)
        _fill_copied(leader, is_copied, own, start, numbers, q, out)
        return out

    def at(self, name: str, positions: NDArray[np.int64]) -> NDArray[np.float64]:
        """Uniforms in [0, 1) at any positions of the stream ``name``; shape as ``positions``."""
        out = np.empty(len(positions))
        _gather(self.key64(name), positions, out)
        return out

    def whole_at(
        self, name: str, positions: NDArray[np.int64], numbers: int, group: int = 1
    ) -> NDArray[np.int32]:
        """Whole numbers as ``whole``, at any positions, those of a ``group`` being the first of it; shape as ``positions``."""
        out = np.empty(len(positions), dtype=np.int32)
        _gather_whole(self.key64(name), positions, group, numbers, out)
        return out

    def key64(self, name: str) -> np.uint64:
        """The stream's key, for kernels that draw for themselves (``word``, ``unit``)."""
        return _key(f"{self.seed}/{self.replication}/{name}")
