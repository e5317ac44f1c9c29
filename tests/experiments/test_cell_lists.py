"""Cells that are made when they are needed, where they stand on the disk, and tables that come in parts."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jointbid.experiments.cells.cell import Cell, CellResult
from jointbid.experiments.cells.cell_lists import (
    Cells,
    are_first,
    chosen,
    estimated_from,
    joined,
    keyed,
    keys_of,
)
from jointbid.experiments.cells.replications import PILOTS
from jointbid.experiments.execution.grouping import MANY_TASKS, QUICK_CELLS, grouped
from jointbid.experiments.storage.cell_results import Rows, StudyState, table
from jointbid.experiments.storage.journal import Segments
from jointbid.experiments.storage.study_folder import Folder
from jointbid.sim.scenario import Scenario

MARKET = Scenario(supply={"requests": 1_000})
ARMS = ("none", "joint")


def grid(replications, study_point=""):
    def make():
        return (
            Cell(MARKET, arm, replication=number, study_point=study_point)
            for number in replications
            for arm in ARMS
        )

    return Cells(make, len(replications) * len(ARMS))


def test_each_iteration_makes_the_same_cells_with_the_keys_of_before():
    cells = grid(range(3))
    known = keyed(cells)
    assert list(known) == list(cells) == list(known)
    assert [cell.key for cell in known] == [cell.key for cell in cells] == keys_of(known).astype(str).tolist()
    kept = Cells(cells.__iter__, len(cells), np.full(len(cells), b"f" * 20))
    assert {cell.key for cell in kept} == {"f" * 20}, "worked out once, whatever a file has become since"


def test_pilots_are_not_estimated_from_and_of_two_alike_the_first_is():
    pilots, own, again = grid(range(PILOTS, PILOTS + 2)), grid(range(2)), grid(range(3), "a point")
    found = list(estimated_from([keyed(joined([pilots, own])), keyed(again)]))
    assert [(cell.study_point, cell.replication, cell.arm) for cell in found] == [
        *(("", number, arm) for number in range(2) for arm in ARMS),
        *(("a point", 2, arm) for arm in ARMS),
    ]
    assert are_first(np.array([b"b", b"a", b"b"])).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("replications", "most"), [(MANY_TASKS - 1, 2), (MANY_TASKS, QUICK_CELLS), (50, QUICK_CELLS)]
)
def test_tasks_are_all_cells_in_order(replications, most):
    cells = [*grid(range(replications)), *grid(range(replications), "a point")][: replications * 2]
    tasks = list(grouped(cells))
    assert [cell for task in tasks for cell in task] == cells
    assert max(map(len, tasks)) == most


def test_the_last_line_of_a_key_counts_and_is_all_that_is_kept(tmp_path):
    segments, keys = Segments(tmp_path), [letter * 20 for letter in "abc"]
    assert not segments.has(keys).any()
    for number in range(3):
        segments.add({key: CellResult([], [], number) for key in keys[number:]})
    segments.scan()
    for _ in range(2):
        assert [(key, result.auctions) for key, result in segments.read([*reversed(keys), "d" * 20])] == [
            (key, number) for number, key in reversed(list(enumerate(keys)))
        ]
        segments.compact()
        segments.scan()
    segments.close()
    (file,) = tmp_path.iterdir()
    assert len(file.read_text().splitlines()) == len(keys)


def test_parts_that_are_not_alike_become_the_table_that_they_are_together(tmp_path):
    parts = [
        pd.DataFrame({"arm": ["a", "b"], "wins": [1, 2], "focal": [True, False]}),
        pd.DataFrame({"arm": ["c"], "wins": [3], "focal": [True], "credit": [0.5]}),
    ]
    folder = Folder(tmp_path)
    for name, some in (("alike.parquet", [parts[0]] * 3), ("unlike.parquet", parts)):
        folder.write_parts(name, some)
        pd.testing.assert_frame_equal(folder.read_table(name), pd.read_parquet(tmp_path / name))
        pd.testing.assert_frame_equal(folder.read_table(name), pd.concat(some, ignore_index=True))


def test_columns_that_some_cells_lack_are_empty_there(tmp_path):
    state, cells = StudyState(Segments(tmp_path)), grid(range(2))
    results = {
        cell.key: CellResult(
            [{"bidder": "focal", "wins": 1, **({"credit": 2} if cell.arm == "joint" else {})}]
        )
        for cell in cells
    }
    state.finished.add(results)
    rows = table(state.of(cells))
    assert rows["wins"].tolist() == [1] * 4
    assert rows["credit"].fillna(0).tolist() == [0, 2, 0, 2]
    (series,) = Rows(state.of(cells), "timeseries")
    assert series.empty
    state.finished.close()


def test_the_cells_of_a_large_study_take_little_memory():
    """Without their keys and places on the disk they take none; a list of them took 245 bytes a cell."""
    count = 2_000
    segments = Segments(Path())
    keys_of(grid(range(1)))  # what the first key needs
    tracemalloc.start()
    cells = keyed(grid(range(count // 2)))
    for key in cells.keys:
        segments._index.add(key, 0)
    missing = chosen(cells, ~segments.has(keys_of(cells)))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(cells) == count
    assert not missing
    assert taken < 120 * count
