"""`jointbid doctor`: what this installation is, and what could be in its way."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from jointbid.sim import kernel_cache

from ..cells.versions import version
from ..execution.pool import cores
from ..studies.manifest import PACKAGES
from .output import put
from .parser import Options


def main(_: Options) -> int:
    """Print every check; 1 where one of them is in the way of a run."""
    good = True
    for name, fine, text in checks():
        good &= fine
        put(f"{'ok ' if fine else 'BAD'}  {name:15}  {text}")
    return 0 if good else 1


def checks() -> Iterator[tuple[str, bool, str]]:
    """Yield the name of each check, whether it passed, and its finding."""
    yield "python", sys.version_info >= (3, 11), f"{platform.python_version()} on {platform.platform()}"
    for package in PACKAGES:
        found = version(package)
        yield package, found is not None, found or "not installed"
    yield "cores", True, f"{cores()} usable of {os.cpu_count()}"
    ray = version("ray")
    yield "ray", True, ray or "not installed (pip install 'jointbid[ray]' for executor=ray)"
    yield _kernel_cache()
    yield _folder("results", Path("results"))


def _kernel_cache() -> tuple[str, bool, str]:
    """Check that kernels can be kept and read: a probe is written and read back, and each kept file is read."""
    name, folder = "kernel cache", kernel_cache.cache_folder()
    if folder is None:
        return name, True, "no folder for it can be written to: kernels are compiled in each process"
    if found := list(kernel_cache.problems(folder)):
        return name, False, f"{folder}: {'; '.join(found)}: kernels are compiled anew"
    return _folder(name, folder)


def _folder(name: str, path: Path) -> tuple[str, bool, str]:
    """Check that files can be written below a folder, or in the folder that would hold it."""
    there = path
    while not there.exists() and there != there.parent:
        there = there.parent if there.parent != there else Path.cwd()
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        return name, False, f"{path.absolute()}: cannot be written to ({error.strerror})"
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.exists() else 0
    return name, True, f"{path.absolute()} ({size / 1e6:.1f} MB)"
