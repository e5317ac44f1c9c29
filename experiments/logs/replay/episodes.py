"""Episodes of a log: stretches of rows with a budget each, as published tables of bidding by reinforcement learning have them.

Source: Cai et al. (2017), "Real-time bidding by reinforcement learning in display advertising": a budget for every 1,000 auctions.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import BadInput
from ..log_table import LogTable

LOG, EPISODE = "log", "episode"


def check_episodes(log: LogTable, budget_per: str | int) -> None:
    """Raise `BadInput` where budgets are per episode and the log has none."""
    if budget_per == EPISODE and ("episode" not in log.frame or log.frame["episode"].nunique() < 2):
        raise BadInput(
            f"study.replay.budget_per = episode: {log.path} has no episodes (lines with one number, or mapping: episode); say a number "
            "of rows, as in study.replay.budget_per=1000"
        )


def episodes_of(log: LogTable, budget_per: str | int) -> NDArray[np.int64]:
    """Return the number of each row's episode, counted from 0 in order of their first rows; shape (rows,).

    Args:
        log: rows in order of time.
        budget_per: `log` (all rows are one episode), `episode` (the log's own), or a number of rows.
    """
    if budget_per == LOG:
        return np.zeros(len(log), dtype=np.int64)
    if budget_per == EPISODE:
        return np.asarray(pd.factorize(log.frame["episode"])[0], dtype=np.int64)
    return np.arange(len(log), dtype=np.int64) // int(budget_per)


def budgets_of(episodes: NDArray[np.int64], budget: float) -> NDArray[np.float64]:
    """Return the budget of each episode: its share of the whole by its rows; shape (episodes,)."""
    rows = np.bincount(episodes)
    return budget * rows / rows.sum()
