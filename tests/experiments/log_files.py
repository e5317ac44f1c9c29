"""Logs opened and read by their path, the settings of `LogSupply` as keywords."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jointbid.experiments.logs import read_log as reading
from jointbid.experiments.logs.formats import registry
from jointbid.experiments.logs.log_table import LogTable, Reader
from jointbid.sim.scenario import LogSupply


def supply(path: str | Path, log_format: str = "auto", **settings: Any) -> LogSupply:
    most_rows = settings.pop("most_rows", None)
    made = LogSupply.model_validate({"path": str(path), "format": log_format, **settings})
    return made if most_rows is None else made.model_copy(update={"most_rows": most_rows})


def open_log(path: str | Path, log_format: str = "auto", **settings: Any) -> tuple[str, Reader]:
    return registry.open_log(supply(path, log_format, **settings))


def read_log(path: str | Path, log_format: str = "auto", *, seed: int = 1, **settings: Any) -> LogTable:
    return reading.read_log(supply(path, log_format, **settings), seed)
