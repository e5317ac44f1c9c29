"""Which cells are one task of a worker."""

from __future__ import annotations

from collections.abc import Iterable

from ..cells.cell import Cell

MANY_TASKS = 32
"""With fewer tasks each is one replication, so that all workers have some."""
QUICK_CELLS, QUICK_REQUESTS = 16, 5_000_000
"""A task of several replications has no more cells and requests than these."""


def grouped(cells: Iterable[Cell]) -> list[tuple[Cell, ...]]:
    """Tasks: the cells of one point and replication together, so that its market is warm in one place.

    Where there are many, replications of a point that are quick together are one task: what follows from a market alone, as
    exact values do, is then worked out for all of them in one place.
    """
    groups: dict[tuple[str, int], list[Cell]] = {}
    for cell in cells:
        groups.setdefault((cell.study_point, cell.replication), []).append(cell)
    if len(groups) < MANY_TASKS:
        return [tuple(group) for group in groups.values()]
    tasks: list[list[Cell]] = []
    for group in groups.values():
        last = tasks[-1] if tasks else group
        if last[0].study_point == group[0].study_point and last is not group and _is_quick([*last, *group]):
            last += group
        else:
            tasks.append([*group])
    return [tuple(task) for task in tasks]


def _is_quick(cells: list[Cell]) -> bool:
    """Whether cells take a few seconds at most."""
    requests = sum(cell.scenario.supply.requests or QUICK_REQUESTS for cell in cells)
    return len(cells) <= QUICK_CELLS and requests <= QUICK_REQUESTS
