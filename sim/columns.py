"""The columns of each chunk of requests, made before its auctions are held."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .auction.arrays import Effects, Requests
from .latency import ChunkDeadline, Deadline
from .supply import Chunk
from .tables import BidTables
from .world import World


class Columns(NamedTuple):
    """What is known of a chunk's requests ahead of their auctions.

    ``world`` is the world at these requests. ``requests.cells`` holds the visible cells, as far as they are settled, then ``truths``.
    """

    chunk: Chunk
    world: World
    answers: ChunkDeadline
    requests: Requests
    truths: NDArray[np.int32]
    effects: Effects


def columns_of(
    chunk: Chunk,
    world: World,
    tables: BidTables,
    deadline: Deadline,
    owners: list[str],
    rotation_key: NDArray[np.uint64],
) -> Columns:
    """Return the columns of a chunk; nothing but them is changed."""
    world, answers = world.at(chunk), ChunkDeadline(deadline, chunk)
    truth_cells, truth_column = world.truth_cells(owners)
    visible = len(tables.columns)
    cells = np.empty((visible + len(truth_cells), len(chunk)), dtype=np.int32)
    cells[visible:] = truth_cells
    tables.fill_settled(world, cells)
    requests = Requests(
        start=chunk.start,
        time_us=chunk.time_us,
        mechanism=chunk.mechanism,
        floor=chunk.floor_micros,
        price=chunk.price_micros,
        weight=chunk.logged.weight,
        person=chunk.visits.person,
        absent=answers.absent,
        cells=cells,
    )
    looked_up = np.where(truth_column >= 0, truth_column + visible, truth_column)
    effects = world.effects(owners, looked_up)._replace(rotation_key=rotation_key)
    return Columns(chunk, world, answers, requests, cells[visible:], effects)
