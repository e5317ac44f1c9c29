"""The columns of each chunk of requests, made before its auctions are held: by a second core, where a large run has one."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from .auction.arrays import Effects, Requests
from .latency import ChunkDeadline, Deadline
from .supply import Chunk
from .tables import BidTables
from .world import World

Item = TypeVar("Item")
Made = TypeVar("Made")


class Columns(NamedTuple):
    """What is known of a chunk's requests ahead of their auctions.

    ``world`` is the world at these requests. ``requests.cells`` holds the visible cells, as far as they are settled, then ``truths``.
    ``effects`` have no keys of rotation yet.
    """

    chunk: Chunk
    world: World
    answers: ChunkDeadline
    requests: Requests
    truths: NDArray[np.int32]
    effects: Effects


def columns_of(
    chunk: Chunk, world: World, tables: BidTables, deadline: Deadline, owners: list[str]
) -> Columns:
    """Return the columns of a chunk. Nothing but them is changed, so that another thread may do it."""
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
    return Columns(chunk, world, answers, requests, cells[visible:], world.effects(owners, looked_up))


def has_second_core() -> bool:
    """Return whether a core is idle while this process uses one; workers of a study share the cores among them."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores > 1 and multiprocessing.parent_process() is None


def ahead(make: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
    """Yield ``make(item)`` for each item, the next made in a second thread while one is in use."""
    made = map(make, items)
    with ThreadPoolExecutor(1, thread_name_prefix="columns") as second:
        coming = second.submit(next, made, None)
        while (one := coming.result()) is not None:
            coming = second.submit(next, made, None)
            yield one
