"""The disk cache of compiled kernels. It saves time only: where it fails, kernels are compiled anew."""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba import config
from numba.core.caching import FunctionCache, IndexDataCacheFile

from .paths import cache_places

PACKAGE = Path(__file__).parent
PROBE = bytes(range(256)) * 4096
"""1 MiB, the size of the larger kernels."""

_reported = False


def cache_folder(*others: Path) -> Path | None:
    """Return the folder of kernels that are made of this package and these ``others``.

    None where no place can be written to (kernels are then compiled in each process).
    """
    digest = hashlib.blake2b(numba.__version__.encode(), digest_size=6)
    for path in (*sorted(PACKAGE.rglob("*.py")), *others):
        digest.update(path.read_bytes())
    for place in cache_places():
        folder = place / "jointbid" / f"kernels-{digest.hexdigest()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK) and _is_own(folder):
            return folder
    return None


def enable_cache(compiled: Any, function: Callable[..., Any], folder: Path) -> None:
    """Let a compiled function be read from and kept in a folder."""
    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder)
    try:
        compiled._cache = _KernelCache(function)  # noqa: SLF001 - numba has no public way to give a cache of one's own
    except (OSError, RuntimeError) as error:  # numba: "cannot cache function: no locator available"
        _report(folder, error)
    finally:
        config.CACHE_DIR = before


def problems(folder: Path) -> Iterator[str]:
    """Yield what is wrong with a cache folder: it cannot be written and read, or files in it are damaged."""
    probe = folder / f".probe.{uuid.uuid4().hex[:16]}"
    try:
        probe.write_bytes(PROBE)
        if probe.read_bytes() != PROBE:
            yield "what is written to it is read back changed"
    except OSError as error:
        yield f"cannot be written to and read ({error.strerror or error})"
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    for file in sorted(folder.rglob("*.nb[ic]")):
        try:
            (_read_index if file.suffix == ".nbi" else _read_data)(file)
        except Exception as error:  # noqa: BLE001 - a damaged pickle raises any kind
            yield f"{file.name}: damaged ({type(error).__name__})"


class _Files(IndexDataCacheFile):  # type: ignore[misc] # numba has no types here
    """Numba's files of one kernel, with a checksum of each kernel's machine code."""

    def _save_data(self, name: str, data: Any) -> None:
        content = self._dump(data)
        super()._save_data(name, (_checksum(content), content))

    def _load_data(self, name: str) -> Any:
        return pickle.loads(_read_data(Path(self._data_path(name))))  # noqa: S301 - the user's own cache


class _KernelCache(FunctionCache):  # type: ignore[misc] # numba has no types here
    """Numba's cache, where damage, a full disk and a lost folder mean one line on stderr and a compilation."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = _Files(self._cache_path, self._impl.filename_base, stamp)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            found = super().load_overload(sig, target_context)
            # Two processes that compile at once may give two signatures the same file.
            if found is None or found.signature.args == tuple(getattr(sig, "args", sig)):
                return found
            raise ValueError(f"a kernel for {found.signature.args} in the place of one for {sig}")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - a damaged pickle raises any kind
            _report(Path(self._cache_path), error)
            with suppress(Exception):
                self.flush()  # or the damaged index stays
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception as error:  # noqa: BLE001 - the kernel is compiled and can be used
            _report(Path(self._cache_path), error)


def _read_index(file: Path) -> Any:
    with file.open("rb") as content:
        pickle.load(content)  # noqa: S301 - the user's own cache; numba's version
        return pickle.load(content)  # noqa: S301 - and its index


def _read_data(file: Path) -> bytes:
    checksum, content = pickle.loads(file.read_bytes())  # noqa: S301 - the user's own cache
    if checksum != _checksum(content):
        raise ValueError("its checksum does not match")
    return bytes(content)


def _checksum(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _is_own(folder: Path) -> bool:
    """Whether the folder is this user's: what is read from it is executed, and anybody may write to the temporary folder."""
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()


def _report(folder: Path, error: Exception) -> None:
    """Say once a process that the cache cannot be used."""
    global _reported  # noqa: PLW0603 - a process says it once
    if not _reported:
        _reported = True
        text = " ".join(str(error).split()) or "damaged"
        with suppress(OSError, ValueError):
            sys.stderr.write(
                f"jointbid: kernel cache {folder}: {type(error).__name__}: {text}; kernels are compiled anew\n"
            )
