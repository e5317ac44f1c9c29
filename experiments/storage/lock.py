"""One driver a folder: a lock that the operating system lets go when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOOK_EVERY_S = 0.2


class Held(Exception):  # noqa: N818 - it names what happened
    """Another command works in the folder; the text says which."""


@contextmanager
def lock(file: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the folder of this file while the block runs; say who has it where there is a wait.

    Where the file system knows no locks, nothing is held: results are then still kept apart, in a file a driver.

    Raises:
        Held: another has it, and we are not to wait.
    """
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        told = False
        while not _taken(handle):
            if not wait:
                raise Held(holder(file))
            if not told:
                sys.stderr.write(
                    f"{file.parents[1]}: {holder(file)} works on this study; waiting for it (Ctrl-C leaves it alone)\n"
                )
                told = True
            time.sleep(LOOK_EVERY_S)
        _sign(handle)
        yield
    finally:
        os.close(handle)


def is_held(file: Path) -> bool:
    """Whether a command works in the folder of this file."""
    try:
        handle = os.open(file, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _taken(handle)
    finally:
        os.close(handle)


def holder(file: Path) -> str:
    """Who has it, as far as that is known."""
    try:
        return file.read_text("utf-8").strip() or "another command"
    except OSError:
        return "another command"


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks here
        return True
    return True


def _sign(handle: int) -> None:
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    text = f"process {os.getpid()} on {platform.node()}, since {since}\n".encode()
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, text, 0)
    except OSError:  # a full disk: who waits is told less
        return
