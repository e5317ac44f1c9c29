"""The settings of a replay, and the log that it replays, checked and prepared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from jointbid.sim.scenario import MICROS, LogSupply, Rivals
from jointbid.sim.scenario.source import OWNERS

from ...config.run_settings import RunSettings
from ...config.settings import Settings
from ...config.value_settings import Replay, ValueSettings
from ...errors import BadInput
from ...estimate.sides import BEST_SILO
from ..formats.registry import joined_tables
from ..log_table import SOURCES, UNSEEN, LogTable, Roles, RowCount
from ..read_log import check_sources, read_log
from .bids import click_values, costs
from .folds import Blocks, assign_folds, blocks_of, fold_without_classes, person_draws, time_folds
from .suspects import Hidden, Suspects, union

CLICKS_PER_FOLD = 5
"""With fewer clicks in a fold there is nothing to learn from."""
PER = 1e6
"""Money and clicks are stated for this number of rows of the full log."""


@dataclass(frozen=True)
class ReplayPlan:
    """The settings that a replay uses."""

    supply: LogSupply
    settings: Replay
    silo: str
    seed: int
    jobs: int
    rivals: Rivals = field(default_factory=Rivals)

    @property
    def splits(self) -> int:
        """How often rows are dealt out to folds: time has one split."""
        return 1 if self.settings.split == "time" else self.settings.splits

    @classmethod
    def from_settings(cls, settings: Settings) -> ReplayPlan:
        """Take what a replay uses of the settings of a study on a log."""
        supply, study, executor = settings.scenario.supply, settings.study, settings.executor
        assert isinstance(supply, LogSupply)  # noqa: S101 - callers have a log
        assert isinstance(study, RunSettings | ValueSettings)  # noqa: S101 - verbs that take one
        jobs = 1 if executor.name == "serial" else executor.jobs or -1
        silo = getattr(study, "silo", BEST_SILO)  # a run has none
        replay = _by_person(supply, study.replay)
        return cls(supply, replay, silo, settings.seed, jobs, settings.scenario.rivals)


def _by_person(supply: LogSupply, replay: Replay) -> Replay:
    """Return the settings, by person where tables are joined by persons' keys and nothing else was asked for."""
    mapping = joined_tables(supply)
    if mapping is None or not mapping.person:
        return replay
    own = {name: "person" for name in ("split", "blocks") if name not in replay.model_fields_set}
    return replay.model_copy(update=own)


@dataclass(frozen=True)
class Requests:
    """A log with what the replay needs of it, every array of shape (rows,).

    Attributes:
        log: in order of time.
        folds: the fold of each row.
        values: worth of a click to the row's campaign, micros.
        hidden: the suspect values of each column, left out in the second variant: those of all splits.
        suspects: those to leave out for each fold, chosen on the rows outside it.
        blocks: what intervals resample.
        whole: the log with the rows whose outcome was not seen.
    """

    log: LogTable
    folds: NDArray[np.int64]
    values: NDArray[np.float64]
    hidden: Hidden
    suspects: Suspects
    blocks: Blocks
    whole: LogTable | None = None

    @cached_property
    def clicks(self) -> NDArray[np.int64]:
        """Return 0 or 1 for each row."""
        return self.log.frame["click"].to_numpy()

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """Return the impressions of the full log that a row stands for."""
        return self.log.frame["weight"].to_numpy()

    @cached_property
    def prices(self) -> NDArray[np.int64]:
        """Return market prices, micros per impression."""
        return self.log.frame["price_micros"].to_numpy()

    @cached_property
    def cost(self) -> NDArray[np.int64]:
        """Return what each row costs, bought whole, micros."""
        return costs(self.log)

    @cached_property
    def profit(self) -> NDArray[np.float64]:
        """Return what winning a row brings, as it turned out, micros."""
        return self.weights * self.clicks * self.values - self.cost

    def dealt(self, settings: Replay, seed: int, split: int) -> Requests:
        """Return the same rows, dealt out to folds anew."""
        folds = _folds(self.log, settings, [seed, split])
        return replace(self, folds=folds, suspects=self.suspects.dealt(self.log, folds))


def load(plan: ReplayPlan) -> Requests:
    """Read the log and prepare it.

    Raises:
        BadInput: a file that cannot be used, too few clicks to learn from, a budget that buys nothing.
    """
    if plan.supply.test_path is not None:
        raise BadInput(
            "supply.test_path: is for jointbid run and jointbid log table; the study value learns on each part of a log and prices the "
            "others: give a folder with both files as supply.path"
        )
    whole = read_log(plan.supply, plan.seed, with_lost=True)
    log = seen_rows(whole)
    check_sources(log)
    if not log.has_prices:
        log = replace(log, currency=_unit(plan, log))
    silo, owners = silo_arm(plan, log.roles), log.roles.silos
    if set(silo.split("+")) <= {*SOURCES, *OWNERS.values()} and silo not in log.roles.models:
        there = ", ".join((*log.roles.sources, *owners.values()))
        raise BadInput(f"study.silo = {plan.silo}: {log.path} has no columns of it, only {there}")
    requests = prepare(plan, log, blocks_of(log, plan.settings.blocks, plan.settings.block_h))
    hidden = [requests.hidden]
    for split in range(1, plan.splits):
        dealt = requests.dealt(plan.settings, plan.seed, split)
        check_folds(plan, log, requests.clicks, dealt.folds)
        hidden.append(dealt.suspects.all_of_them)
    if log.has_prices:
        _check_budgets(plan, requests)
    return replace(requests, whole=whole, hidden=union(hidden))


def _unit(plan: ReplayPlan, log: LogTable) -> str:
    """Return the unit of money on a log without prices: a click's value, unless that is given in currency."""
    return "click values" if plan.settings.value_per_click is None else log.currency


def silo_arm(plan: ReplayPlan, roles: Roles) -> str:
    """The arm that joint is compared with, where ``study.silo`` names an owner; else what it names."""
    return next((arm for arm, owner in roles.silos.items() if owner == plan.silo), plan.silo)


def _check_budgets(plan: ReplayPlan, requests: Requests) -> None:
    """Raise `BadInput` for budgets that are less than the cheapest row costs."""
    total, cheapest = requests.cost.sum() / MICROS, requests.cost.min() / MICROS
    problems = [
        f"study.replay.budgets = {share:g}: that is {share * total:.3g} {requests.log.currency} of the {total:,.6g} that all rows of "
        f"{requests.log.path} cost, and its cheapest row costs {cheapest:.3g}: nothing can be bought; allowed: "
        f"{cheapest / total:.2g} to 1"
        for share in plan.settings.budgets
        if share * total < cheapest
    ]
    if problems:
        raise BadInput(problems)


def check_folds(plan: ReplayPlan, log: LogTable, clicks: NDArray[np.int64], folds: NDArray[np.int64]) -> None:
    """Raise `BadInput` where a fold is empty, or nothing can be learned without one fold or without two of them."""
    number = plan.settings.folds
    empty = np.flatnonzero(np.bincount(folds, minlength=number) == 0)
    if len(empty):
        raise BadInput(
            f"{log.path}: part {empty[0] + 1} of {number} (study.replay.split = {plan.settings.split}) has no rows; "
            "make study.replay.folds smaller"
        )
    lost = fold_without_classes(clicks, folds, out=2)
    if lost:
        parts = " and ".join(str(fold + 1) for fold in lost)
        raise BadInput(
            f"{log.path}: without part {parts} of {number} (study.replay.split = {plan.settings.split}) there are no clicks, "
            "or nothing else, to learn from; study.replay.split=random deals clicks out evenly"
        )


def prepare(plan: ReplayPlan, log: LogTable, blocks: Blocks | None = None) -> Requests:
    """Return what learning and replaying need of a log; intervals resample its rows, or blocks of them.

    Raises:
        BadInput: too few clicks to learn from, in the log or in one of its parts.
    """
    clicks, folds = log.frame["click"].to_numpy(), _folds(log, plan.settings, [plan.seed, 0])
    check_clicks(log.path, clicks, plan.settings.folds)
    check_folds(plan, log, clicks, folds)
    unit = None if log.has_prices else 1.0
    values = click_values(log, plan.settings.value_per_click or unit)
    suspects = Suspects(plan.supply).dealt(log, folds)
    return Requests(log, folds, values, suspects.all_of_them, suspects, blocks or Blocks(None))


def check_clicks(path: str, clicks: NDArray[np.int64], folds: int, what: str = "rows") -> None:
    """Raise `BadInput` where rows have too few clicks, or too few without, to learn from."""
    needed = CLICKS_PER_FOLD * folds
    if min(clicks.sum(), (1 - clicks).sum()) < needed:
        raise BadInput(
            f"{path}: {clicks.sum()} clicks among {len(clicks)} {what}; {folds} folds need at least {needed} rows with a "
            f"click and {needed} without"
        )


def odds_shift(log: LogTable) -> float:
    """Return what to add to log-odds fitted on the rows to get log-odds in the full log: the log of the weights' ratio."""
    weight, click = log.frame["weight"].to_numpy(), log.frame["click"].to_numpy()
    return float(np.log(weight[click == 1].mean() / weight[click == 0].mean()))


def seen_rows(log: LogTable) -> LogTable:
    """Return the rows whose outcome was seen, the others counted as dropped."""
    if "known" not in log.frame or log.frame["known"].all():
        return log
    frame = log.frame[log.frame["known"]].reset_index(drop=True)
    dropped = {**log.rows.dropped, UNSEEN: len(log) - len(frame)}
    return replace(log, frame=frame, rows=RowCount(log.rows.read, len(frame), dropped))


def _folds(log: LogTable, settings: Replay, seed: Sequence[int]) -> NDArray[np.int64]:
    if settings.split == "time":
        return time_folds(len(log), settings.folds)
    if settings.split == "person":
        return (person_draws(log, seed) * settings.folds).astype(np.int64)
    # Every fold gets its share of each campaign's clicks.
    strata = log.frame["campaign"].astype(str) + "|" + log.frame["click"].astype(str)
    return assign_folds(strata, settings.folds, seed)
