"""Which cells are one task of a worker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, groupby, islice

from ..cells.cell import Cell

MANY_TASKS = 32
"""With fewer tasks each is one replication, so that all workers have some."""
QUICK_CELLS, QUICK_REQUESTS = 16, 5_000_000
"""A task of several replications has no more cells and requests than these."""


def grouped(cells: Iterable[Cell]) -> Iterator[tuple[Cell, ...]]:
    """Tasks: the cells of one point and replication that stand together, so that its market is warm in one place.

    Where there are many, replications of a point that are quick together are one task: what follows from a market alone, as
    exact values do, is then worked out for all of them in one place.
    """
    groups = (
        tuple(group) for _, group in groupby(cells, key=lambda cell: (cell.study_point, cell.replication))
    )
    begin = list(islice(groups, MANY_TASKS))
    if len(begin) < MANY_TASKS:
        yield from begin
        return
    task: tuple[Cell, ...] = ()
    for group in chain(begin, groups):
        if task and not (task[0].study_point == group[0].study_point and _is_quick([*task, *group])):
            yield task
            task = ()
        task += group
    yield task


def _is_quick(cells: list[Cell]) -> bool:
    """Whether cells take a few seconds at most."""
    requests = sum(cell.scenario.supply.requests or QUICK_REQUESTS for cell in cells)
    return len(cells) <= QUICK_CELLS and requests <= QUICK_REQUESTS
