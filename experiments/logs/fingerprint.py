"""What a log's content is, in a few hex digits."""

from __future__ import annotations

import hashlib
from pathlib import Path

from experiments.errors import BadInput
from experiments.logs.packed import files_of
from sim.scenario import LogSupply


def fingerprint(supply: LogSupply) -> list[str]:
    """A digest of every file that has a part in the log.

    Raises:
        BadInput: a file that cannot be read.
    """
    named = [path for path in (supply.path, supply.clicks, supply.mapping) if path is not None]
    return [_digest(file) for name in named for file in files_of(Path(name))]


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "blake2b").hexdigest()
    except OSError as error:
        raise BadInput(f"supply.path = {file}: {error.strerror}") from None
