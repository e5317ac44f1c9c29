"""Readers of real logs, one family a file, chosen by `supply.format`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from experiments.errors import BadInput, closest
from experiments.logs.ipinyou import read_ipinyou_csv
from experiments.logs.table import LogTable, Roles, RowCount

__all__ = ["FORMATS", "LogTable", "Roles", "RowCount", "read_log"]

FORMATS: dict[str, Callable[..., LogTable]] = {"ipinyou_csv": read_ipinyou_csv}
"""Reader of each format: `reader(path, **options) -> LogTable`."""


def read_log(path: str | Path, log_format: str, **options: object) -> LogTable:
    """Read a log in the named format.

    Raises:
        BadInput: an unknown format, or a file that cannot be used.
    """
    if log_format not in FORMATS:
        known = ", ".join(FORMATS)
        raise BadInput(f"supply.format: {log_format!r} is not one of {known}{closest(log_format, FORMATS)}")
    return FORMATS[log_format](Path(path).expanduser(), **options)
