"""The cache of compiled kernels: any edit of any source starts a new one."""

from __future__ import annotations

import re
import shutil

import pytest

from jointbid.sim import kernel_cache as compiled
from jointbid.sim.auction.ranking import affordable
from jointbid.sim.kernel_cache import cache_folder

SOURCES = sorted(path.relative_to(compiled.PACKAGE).as_posix() for path in compiled.PACKAGE.rglob("*.py"))


@pytest.mark.few(20)
@pytest.mark.parametrize("name", SOURCES)
def test_an_edit_of_any_source_starts_a_new_cache(name, tmp_path, monkeypatch):
    """Numba's own cache misses an edited callee in another file."""
    package = tmp_path / "sim"
    shutil.copytree(compiled.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("JOINTBID_CACHE_DIR", str(tmp_path / "cache"))
    before = cache_folder()
    monkeypatch.setattr(compiled, "PACKAGE", package)
    assert cache_folder() == before
    with (package / name).open("a") as source:
        source.write("# an edit\n")
    assert cache_folder() != before
    assert cache_folder().is_dir()


def test_an_edit_of_a_kernel_elsewhere_starts_a_new_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JOINTBID_CACHE_DIR", str(tmp_path / "cache"))
    own = tmp_path / "own.py"
    own.write_text("# a kernel\n")
    before = cache_folder(own)
    assert before not in {None, cache_folder()}
    own.write_text("# an edit\n")
    assert cache_folder(own) != before


def test_the_sources_are_all_that_compiled_code_comes_from():
    """Of ours, or of its own file: a kernel elsewhere takes nothing compiled from a third one."""
    rooms = [compiled.PACKAGE.parent / room for room in ("sim", "strategies", "experiments")]
    users = {
        path: path.read_text()
        for room in rooms
        for path in room.rglob("*.py")
        if any(mark in path.read_text() for mark in ("@kernel", "@inlined", "njit"))
    }
    assert len(users) > 10
    elsewhere = [path for path in users if not path.is_relative_to(compiled.PACKAGE)]
    names = {path.stem for path in elsewhere}
    for path in elsewhere:
        taken = re.findall(
            r"^from (?:jointbid\.strategies|\.)[\w.]*?\.?(\w+) import", users[path], re.MULTILINE
        )
        assert names.isdisjoint(taken), path
    inside = {path.relative_to(compiled.PACKAGE).as_posix() for path in users if path not in elsewhere}
    assert inside <= set(SOURCES)
    assert {"auction/kernel.py", "auction/mechanisms/vcg.py", "streams.py"} <= set(SOURCES)


def test_without_a_writable_place_kernels_are_compiled_anew(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JOINTBID_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "file"))
    assert cache_folder() is None


def test_a_part_of_kernels_says_that_python_cannot_call_it():
    with pytest.raises(TypeError, match=r"affordable: only kernels may call it; in Python call its py_func"):
        affordable(1, 1, 1.0)
    assert affordable.py_func(2_000_000, 1_500_000, 1.0) == 1_500_000
