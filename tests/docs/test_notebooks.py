"""Runs docs/*.ipynb cell by cell, as a kernel would but in this process; what they print is not kept in them."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebook_runs_as_written(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    namespace = {"__name__": "__main__"}
    for number, cell in enumerate(cells):
        code = compile("".join(cell["source"]), f"{path.name}, cell {number}", "exec", dont_inherit=True)
        exec(code, namespace)
        assert not cell["outputs"], "clear the outputs: figures and numbers go stale"
    assert namespace["figure"].get_suptitle()
    assert (tmp_path / "analysis" / "out" / "estimands.md").is_file()


def test_there_is_a_notebook_and_its_cells_are_python():
    assert NOTEBOOKS
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                ast.parse("".join(cell["source"]))
