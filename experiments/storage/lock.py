"""One command a folder: a file lock that the operating system releases when its owner ends, in any way."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

LOOK_EVERY_S = 0.2


class FolderLocked(Exception):  # noqa: N818 - it names what happened
    """Another command works in the folder; the text names it."""


@contextmanager
def locked(file: Path, *, wait: bool = True) -> Iterator[None]:
    """Lock the folder of this file while the block runs; a line on stderr names the command that is waited for.

    Raises:
        FolderLocked: another command has the lock, and ``wait`` is False.
    """
    lock = FileLock(file)
    try:
        taken = lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise FolderLocked(owner(file)) from None
        sys.stderr.write(
            f"{file.parents[1]}: {owner(file)} works on this study; waiting for it (Ctrl-C leaves it alone)\n"
        )
        taken = lock.acquire(poll_interval=LOOK_EVERY_S)
    with taken:
        if not isinstance(lock, SoftFileLock):  # it becomes one where the file system has no locks
            _sign(file)
        yield


def is_locked(file: Path) -> bool:
    """Return whether a command works in the folder of this file."""
    if not file.exists():
        return False
    try:
        with FileLock(file, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def owner(file: Path) -> str:
    """Return the process that has the lock, as far as that is known."""
    with suppress(OSError):  # Windows lets no other process read it
        return file.read_text("utf-8").strip() or "another command"
    return "another command"


def _sign(file: Path) -> None:
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    with suppress(OSError):  # a full disk, or Windows: a second command then prints less about the first
        file.write_text(f"process {os.getpid()} on {platform.node()}, since {since}\n", "utf-8")
