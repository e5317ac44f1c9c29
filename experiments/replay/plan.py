"""What one replay study is a function of, read from the configuration; and the log it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ValidationError

from experiments.errors import BadInput
from experiments.logs import LogTable, check_houses, read_supply
from experiments.replay.bidding import click_values, costs
from experiments.replay.crossfit import assign_folds
from experiments.replay.settings import Replay
from sim.scenario import LogSupply

SILOS = ("best_single", "none", "profile", "context", "stacked", "summed")
CLICKS_PER_FOLD = 5
"""With fewer clicks in a fold there is nothing to learn from."""


@dataclass(frozen=True)
class Plan:
    """The settings that a replay uses."""

    supply: LogSupply
    settings: Replay
    silo: str
    seed: int
    jobs: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Plan:
        """Read `seed`, `supply`, `study.silo`, `study.replay` and `executor` of a resolved configuration.

        Raises:
            BadInput: with every problem.
        """
        study = config.get("study") or {}
        executor = config.get("executor") or {}
        supply, problems = _checked(LogSupply, config.get("supply") or {}, "supply")
        settings, more = _checked(Replay, study.get("replay") or {}, "study.replay")
        problems += more
        silo = study.get("silo", "best_single")
        if silo not in SILOS:
            problems.append(f"study.silo = {silo}: the replay of a log knows {', '.join(SILOS)}")
        if problems:
            raise BadInput(problems)
        jobs = 1 if executor.get("name") == "serial" else executor.get("jobs") or -1
        return cls(supply, settings, silo, int(config.get("seed", 1)), int(jobs))


@dataclass(frozen=True)
class Requests:
    """A log with what the replay needs of it, every array of shape (rows,).

    Attributes:
        log: in order of time.
        folds: the fold of each row.
        clicks: 0 or 1.
        weights: impressions of the full log that a row stands for.
        prices: market price, micros per impression.
        cost: of the row bought whole, micros.
        values: worth of a click to the row's campaign, micros.
        odds_shift: to be added to log-odds in the sample to get log-odds in the full log.
    """

    log: LogTable
    folds: NDArray[np.int64]
    clicks: NDArray[np.int64]
    weights: NDArray[np.float64]
    prices: NDArray[np.int64]
    cost: NDArray[np.int64]
    values: NDArray[np.float64]
    odds_shift: float

    @property
    def profit(self) -> NDArray[np.float64]:
        """What winning a row brings, as it turned out, micros."""
        return self.weights * self.clicks * self.values - self.cost

    def dealt(self, folds: int, seed: int, split: int) -> Requests:
        """Return the same rows, dealt out to folds anew."""
        return replace(self, folds=assign_folds(_strata(self.log.frame), folds, [seed, split]))


def load(plan: Plan) -> Requests:
    """Read the log and prepare it.

    Raises:
        BadInput: a file that cannot be used, or too few clicks to learn from.
    """
    log = read_supply(plan.supply)
    check_houses(log)
    frame = log.frame
    clicks, needed = frame["click"].to_numpy(), CLICKS_PER_FOLD * plan.settings.folds
    if min(clicks.sum(), (1 - clicks).sum()) < needed:
        raise BadInput(
            f"{log.path}: {clicks.sum()} clicks among {len(log)} rows; {plan.settings.folds} folds need at least "
            f"{needed} rows with a click and {needed} without"
        )
    return Requests(
        log=log,
        folds=assign_folds(_strata(frame), plan.settings.folds, [plan.seed, 0]),
        clicks=clicks,
        weights=frame["weight"].to_numpy(),
        prices=frame["price_micros"].to_numpy(),
        cost=costs(log),
        values=click_values(log),
        # Kept non-clicks stand for `nonclick_weight` each: the odds of a click are that much smaller in the full log.
        odds_shift=-float(np.log(plan.supply.nonclick_weight)),
    )


def _strata(frame: pd.DataFrame) -> pd.Series:
    """Campaign and outcome: every fold gets its share of each campaign's clicks."""
    return frame["campaign"].astype(str) + "|" + frame["click"].astype(str)


def _checked(model: type[Any], tree: Mapping[str, Any], place: str) -> tuple[Any, list[str]]:
    """Return the validated settings, or what is wrong with them."""
    try:
        return model.model_validate(dict(tree)), []
    except ValidationError as error:
        return None, [
            f"{place}.{'.'.join(map(str, detail['loc']))}: {detail['msg']}"
            for detail in error.errors(include_url=False)
        ]
