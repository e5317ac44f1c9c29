"""What a log's content is, in a few hex digits."""

from __future__ import annotations

import hashlib
from pathlib import Path

from jointbid.sim.scenario import LogSupply

from ..errors import BadInput
from .formats.registry import FEATURE_INDEX
from .rows.compression import files_of, raw_kind


def fingerprint(supply: LogSupply) -> list[str]:
    """A digest of every file that has a part in the log.

    Raises:
        BadInput: a file that cannot be read.
    """
    named = [path for path in (supply.path, supply.clicks, supply.mapping) if path is not None]
    files = [file for name in named for file in files_of(Path(name))]
    return [_digest(file) for file in [*files, *_beside(Path(supply.path))]]


def _beside(path: Path) -> list[Path]:
    """Files that a reader of this one file finds beside it: what the features are, clicks and conversions of impressions."""
    if path.is_dir():
        return []
    there = [path.parent / FEATURE_INDEX] if (path.parent / FEATURE_INDEX).is_file() else []
    if raw_kind(path) == "imp":
        there += [file for file in files_of(path.parent) if raw_kind(file) in {"clk", "conv"}]
    return there


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "blake2b").hexdigest()
    except OSError as error:
        raise BadInput(f"supply.path = {file}: {error.strerror}") from None
