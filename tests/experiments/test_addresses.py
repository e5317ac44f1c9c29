"""What a cell and a summary are kept by: a change of any source that makes them makes them anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jointbid.experiments.cells import cell as module
from jointbid.experiments.cells.cell import CODE, code_version
from jointbid.experiments.studies.session import SUMMARISING


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A copy of the package that stands for the real one."""
    shutil.copytree(module.ROOT, tmp_path / "copy", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "ROOT", tmp_path / "copy")
    code_version.cache_clear()
    yield tmp_path / "copy"
    code_version.cache_clear()


def versions():
    code_version.cache_clear()
    return code_version(CODE), code_version(SUMMARISING)


@pytest.mark.parametrize("folder", [*CODE, *SUMMARISING])
def test_each_file_of_a_folder_counts(sources, folder):
    before = versions()
    for file in sorted((sources / folder).rglob("*.py"))[::7]:
        with file.open("a") as text:
            text.write("# an edit\n")
        after = versions()
        assert [a != b for a, b in zip(before, after, strict=True)] == [folder in CODE, folder in SUMMARISING]
        before = after


def test_what_plays_a_cell_is_in_the_folders_that_count():
    for name in ("sim/simulation.py", "strategies/registry.py", "experiments/cells/attribution_rules.py"):
        assert (module.ROOT / name).is_file()
        assert any(Path(name).is_relative_to(folder) for folder in CODE)


@pytest.mark.parametrize("library", ["numpy", "numba", "scipy", "scikit-learn"])
def test_a_library_that_computes_counts(library, monkeypatch):
    before, real = versions(), module.version
    monkeypatch.setattr(module, "version", lambda name: "other" if name == library else real(name))
    assert versions()[0] != before[0]
    monkeypatch.undo()
    code_version.cache_clear()
