"""The kernel cache saves time only: damage, a full disk and a lost folder cost one line and a compilation."""

from __future__ import annotations

import errno
import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jointbid.experiments.cli import doctor
from jointbid.sim import kernel_cache
from jointbid.sim.kernel_cache import cache_folder
from jointbid.sim.paths import cache_places, expand, home

ROOT = Path(__file__).parents[2]
SOURCE = "from jointbid.sim.compiled import kernel\n\n@kernel\ndef add(a, b):\n    return a + b\n"
numbers = itertools.count()


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("JOINTBID_CACHE_DIR", str(tmp_path / "cache"))
    file = tmp_path / "own.py"
    file.write_text(SOURCE)
    return file


def start(file, monkeypatch):
    """The kernel as a new process would have it."""
    monkeypatch.setattr(kernel_cache, "_reported", False)
    spec = importlib.util.spec_from_file_location(f"own_{next(numbers)}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.add


def hits(kernel):
    return sum(kernel.stats.cache_hits.values())


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes(content)


DAMAGE = {
    "empty": lambda file: file.write_bytes(b""),
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-40]),
    "changed": flip,
    "something else": lambda file: file.write_text("no cache"),
}


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_compiled_anew_once_with_one_line(own, monkeypatch, capfd, suffix, damage):
    assert start(own, monkeypatch)(1, 2) == 3
    kept = start(own, monkeypatch)
    assert (kept(1, 2), hits(kept)) == (3, 1)
    (file,) = (file for file in cache_folder(own).rglob(f"*.{suffix}"))
    DAMAGE[damage](file)
    assert list(kernel_cache.problems(cache_folder(own)))
    assert capfd.readouterr().err == ""
    anew = start(own, monkeypatch)
    assert (anew(1, 2), hits(anew)) == (3, 0)
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("jointbid: kernel cache ")
    assert said.endswith("kernels are compiled anew\n")
    mended = start(own, monkeypatch)
    assert (mended(1, 2), hits(mended)) == (3, 1)
    assert capfd.readouterr().err == ""
    assert not list(kernel_cache.problems(cache_folder(own)))


def test_the_kernel_of_another_signature_in_a_file_is_not_called(own, monkeypatch):
    """Two processes that compile at once may both take the first free name."""
    both = start(own, monkeypatch)
    assert (both(1, 2), both(0.5, 0.25)) == (3, 0.75)
    first, second = sorted(cache_folder(own).rglob("*.nbc"))
    shutil.copy(first, second)
    again = start(own, monkeypatch)
    assert (again(1, 2), again(0.5, 0.25)) == (3, 0.75)


def test_on_a_full_disk_kernels_are_compiled_with_one_line(own, monkeypatch, capfd):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(kernel_cache._Files, "_open_for_write", full)
    kernel = start(own, monkeypatch)
    assert (kernel(1, 2), kernel(0.5, 1.0)) == (3, 1.5)
    said = capfd.readouterr().err
    assert (said.count("\n"), os.strerror(errno.ENOSPC) in said) == (1, True)


def test_a_cache_that_vanishes_under_a_process_is_no_error(own, monkeypatch, tmp_path):
    kernel = start(own, monkeypatch)
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("a file in its place")
    assert kernel(1, 2) == 3


def test_doctor_reports_a_cache_that_cannot_be_used(own, monkeypatch):
    start(own, monkeypatch)(1, 2)
    monkeypatch.setattr("jointbid.sim.kernel_cache.cache_folder", lambda: cache_folder(own))
    assert doctor._kernel_cache()[1]
    (file,) = cache_folder(own).rglob("*.nbi")
    file.write_bytes(b"")
    _, fine, text = doctor._kernel_cache()
    assert not fine
    assert file.name in text

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    _, fine, text = doctor._kernel_cache()
    assert not fine
    assert os.strerror(errno.ENOSPC) in text


# -- where it is ------------------------------------------------------------------------------------------------------


def unknown_user(monkeypatch):
    import pwd

    def no_user(number):
        raise KeyError(number)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", no_user)


def test_without_a_home_the_temporary_folder_is_used(tmp_path, monkeypatch):
    for name in ("JOINTBID_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    unknown_user(monkeypatch)
    assert home() is None
    assert cache_folder().is_relative_to(tmp_path)
    with pytest.raises(ValueError, match="give the path in full"):
        expand("~/out")


@pytest.mark.parametrize("given", ["", "relative", "/nonexistent/home"])
def test_a_home_that_cannot_be_used_leads_to_the_temporary_folder(tmp_path, monkeypatch, given):
    for name in ("JOINTBID_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("HOME", given.replace("/nonexistent", str(tmp_path / "file")))
    assert cache_folder().is_relative_to(tmp_path / f"cache-{os.getuid()}")


def test_a_relative_xdg_cache_home_is_ignored(tmp_path, monkeypatch):
    monkeypatch.delenv("JOINTBID_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "caches")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert next(cache_places()) == tmp_path / ".cache"


def test_a_system_without_user_numbers_has_a_cache(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "getuid")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert list(cache_places())[-1] == tmp_path / "cache"


def test_kernels_of_another_user_are_not_run(tmp_path, monkeypatch):
    monkeypatch.setenv("JOINTBID_CACHE_DIR", str(tmp_path / "own"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    own = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: own + 1)
    assert cache_folder() is None


def test_an_unknown_user_imports_jointbid(tmp_path):
    code = (
        "import pwd\ndef unknown(number): raise KeyError(number)\npwd.getpwuid = unknown\n"
        "import jointbid, jointbid.sim.kernel_cache as cache\nprint(cache.cache_folder())"
    )
    environment = {"TMPDIR": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path))


def test_home_is_expanded_once_and_names_of_files_stay(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand("~/out (1)=#$é/") == tmp_path / "out (1)=#$é"
    assert expand("~") == tmp_path
    assert expand("~no-such-user-here/x") == Path("~no-such-user-here/x")
    assert expand("a/~") == Path("a/~")
