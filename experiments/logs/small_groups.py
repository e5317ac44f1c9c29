"""Groups of rows that stand for too few persons to be shown (`supply.min_group`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jointbid.sim.scenario import LogSupply

from ..errors import BadInput
from .log_table import LogTable

USER = "user"


def small_groups(supply: LogSupply, log: LogTable, group: NDArray[Any]) -> set[Any]:
    """Return the groups of rows with fewer than `supply.min_group` persons, 0 among them; none of a log without tables.

    Args:
        supply: the settings.
        log: its rows.
        group: of each row, shape (rows,).
    """
    if log.joins is None or USER not in log.frame:
        return set()
    pairs = pd.DataFrame({"group": group, "user": log.frame[USER].astype(str).to_numpy(dtype=object)})
    persons = pairs[pairs["user"] != ""].drop_duplicates().groupby("group").size()
    return {name for name in np.unique(group) if persons.get(name, 0) < supply.min_group}


def check_persons(supply: LogSupply, log: LogTable) -> None:
    """Raise `BadInput` for a log with tables that is of fewer than `supply.min_group` persons as a whole."""
    if small_groups(supply, log, np.zeros(len(log), dtype=np.int64)):
        raise BadInput(
            f"{log.path}: is of fewer than {supply.min_group} persons (supply.min_group): no result may be of that few; give a longer log"
        )
