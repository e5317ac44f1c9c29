"""`jointbid run` on a log: one strategy against the prices that were logged, or the log of a simulated run once more."""

from __future__ import annotations

import dataclasses
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jointbid.sim.scenario import MICROS, LogSupply

from ...config.points import Point
from ...errors import BadInput, RunFailed
from ...storage.cell_results import Ledger
from ...storage.study_folder import Folder
from ..run import Run, bidder_table, calendar_table
from ..session import manifest

if TYPE_CHECKING:
    import pandas as pd

    from jointbid.sim import RunResult, Scenario
    from jointbid.sim.supply import Log

    from ...logs.read_log import LogTable
    from ...logs.replay.plan import Plan


def run_log(point: Point) -> tuple[Run, tuple[str, ...], Scenario]:
    """Replay and write what came of it; the run, what to know of it, and the market it was in.

    Raises:
        BadInput: a log or settings that cannot be used, a strategy that does not bid, a folder that cannot be written to.
    """
    from ...logs.read_log import open_log, options_of

    supply = point.settings.scenario.supply
    assert isinstance(supply, LogSupply)  # noqa: S101 - the caller has asked
    folder, started = Folder(point.folder), time.time()
    name, _ = open_log(Path(supply.path), supply.format, options_of(supply))
    with folder.held():
        folder.status("running")
        own = name == "jointbid" and point.settings.study.bids != "strategy"
        result, bidders, notes, scenario = _again(point, supply) if own else _played(point, supply)
        done = Run(
            point.folder,
            bidders,
            _frame(result.timeseries),
            calendar_table(result),
            dict(result.market),
        )
        about = {
            "market": {key: value for key, value in done.market.items() if math.isfinite(value)},
            "notes": notes,
        }
        _write(point, folder, done)
        ledger = Ledger(ran=1, auctions=int(result.market["requests"]))
        folder.write_json("manifest.json", manifest(point, started, ledger) | about)
        folder.status("done")
    return done, notes, scenario


def _frame(columns: object) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(dict(columns))  # type: ignore[call-overload]


def _again(point: Point, supply: LogSupply) -> tuple[RunResult, pd.DataFrame, tuple[str, ...], Scenario]:
    """The run that a log of this engine is of."""
    from ...logs.replay.own_log import load_own, notes_of, replay_own

    own = load_own(Path(supply.path))
    result = replay_own(own, point.settings.seed)
    table = bidder_table(result, identified=own.scenario.audience.people is not None)
    notes = (
        f"{supply.path}: {own.rows.num_rows:,} rows read, {own.rows.num_rows:,} used, dropped: none",
        *notes_of(own),
        "each bidder bids as it did; study.bids=strategy plays bidders.strategy on this log instead",
    )
    return result, table, notes, own.scenario


def _played(point: Point, supply: LogSupply) -> tuple[RunResult, pd.DataFrame, tuple[str, ...], Scenario]:
    """One strategy on the part of the log that nothing was learned from."""
    from ...logs.read_log import read_supply
    from ...logs.replay.plan import Plan

    plan, settings = Plan.of(point.settings.tree()), point.settings
    log = read_supply(supply, plan.seed)
    _rehearse(point, plan, log)
    game = _game(plan, log, settings.study.arm)
    scenario = _market(point, plan, game.training, game.last_us / 3.6e9 + 1e-6)
    result = _simulate(point, scenario, game.rows)
    notes = (*_notes(plan.settings.landscape, game), *_leaks(plan, game.log))
    return result, bidder_table(result, identified=False), notes, scenario


def _rehearse(point: Point, plan: Plan, log: LogTable) -> None:
    """Raise `BadInput` for what would stop the replay after the models are learned.

    That is a strategy that does not bid, a landscape that the log cannot give, clicks of unknown worth.
    """
    from jointbid.sim import LogColumns

    from ...logs.replay.priced_log import check_worth, split_rows
    from ...logs.replay.streamed_log import held_training, obstacle

    if log.thinned and not obstacle(plan, log):
        training = held_training(plan, log)
    else:
        log, rows = split_rows(plan, log)
        training = dataclasses.replace(log, frame=log.frame[rows])
    check_worth(plan, training)
    _check_budget(point, log)
    price, floor = (training.frame[name].to_numpy()[:1] for name in ("price_micros", "floor_micros"))
    one, nothing = np.ones(1), np.zeros(1)
    columns = LogColumns(np.zeros(1, np.int64), price, floor, one, nothing, nothing, {"value": nothing})
    try:
        _simulate(point, _market(point, plan, training, log.frame["time_us"].max() / 3.6e9 + 1), columns)
    except RunFailed as error:
        raise BadInput(str(error)) from None


def _check_budget(point: Point, log: LogTable) -> None:
    """Raise `BadInput` for a budget that is less than the cheapest row of a log that is held whole costs."""
    budget = point.settings.scenario.bidders.budget
    cheapest = float((log.frame["price_micros"] * log.frame["weight"]).min()) / MICROS
    if budget is not None and budget < cheapest and not log.thinned:
        raise BadInput(
            f"bidders.budget = {budget:g}: the cheapest row of {log.path} costs {cheapest:.3g} {log.currency}: nothing can be bought; "
            "give at least as much"
        )


def _market(point: Point, plan: Plan, training: LogTable, hours: float) -> Scenario:
    """The market that a log is, as policies are told it: the landscape of its training rows."""
    from ...logs.replay.priced_log import landscape

    scenario = point.settings.scenario
    told = {"rivals": landscape(training, plan.settings.landscape), "currency": training.currency}
    return scenario.model_copy(
        update={"supply": scenario.supply.model_copy(update={"horizon_h": hours}), **told}
    )


def _simulate(point: Point, scenario: Scenario, rows: Log) -> RunResult:
    from jointbid.sim import BidError, Entrant, simulate
    from jointbid.sim.visible import TrialError
    from jointbid.strategies.market import Market
    from jointbid.strategies.registry import UnknownStrategyError, make

    bidders = scenario.bidders
    try:
        strategy = make(bidders.strategy, Market.of(scenario), scenario.engine.strategy_timeout_s)
        entrant = Entrant(strategy, ("value",), bidders.budget, strategy_name=bidders.strategy.name)
        return simulate(scenario, {"focal": entrant}, point.settings.seed, log=rows)
    except (TrialError, UnknownStrategyError) as error:
        raise BadInput(f"bidders.strategy: {error}") from None
    except BidError as error:
        raise RunFailed(f"bidders.strategy: {error}") from None


@dataclasses.dataclass(frozen=True)
class _Game:
    """What is played: the log, the rows to learn and tune on, those to be played, the time of the last one, and a word on them."""

    log: LogTable
    training: LogTable
    rows: Log
    last_us: int
    word: str = ""


def _game(plan: Plan, log: LogTable, arm: str) -> _Game:
    """Price the part of a log that nothing is learned from: all its rows, or those that are held of them."""
    from ...logs.replay.priced_log import price_log
    from ...logs.replay.streamed_log import obstacle, open_stream

    word = ""
    if log.thinned:
        reason = obstacle(plan, log)
        if not reason:
            training, rows = open_stream(plan, log, arm)
            return _Game(
                log, training, rows, rows.last_us, "all rows after the training part are played, each once"
            )
        word = f"only the rows that are held are played, for those that they stand for: {reason}"
    priced = price_log(plan, log, arm)
    columns = priced.select(~priced.training).columns()
    return _Game(priced.log, priced.select(priced.training).log, columns, int(columns.time_us[-1]), word)


def _notes(kind: str, game: _Game) -> tuple[str, ...]:
    log = game.log
    brought = (
        "predictions are the log's own (pctr)"
        if "pctr" in log.frame
        else "predictions were learned on the training rows"
    )
    censored = (
        "full information: the price of every row is known"
        if log.full_information
        else "censored: no price above the logger's own bid is known, so that nothing is said of what higher bids would win"
    )
    return (
        f"{log.path}: {log.rows}",
        f"learned and tuned on {len(game.training):,} rows, replayed on {len(game.rows):,}; {brought}",
        *([game.word] if game.word else []),
        f"policies are told the {kind.replace('_', '-')} landscape of the training rows",
        "the log's price is the highest rival bid; rivals do not react",
        censored,
        *log.facts,
        *log.notes,
    )


def _leaks(plan: Plan, log: LogTable) -> list[str]:
    """What looks like leakage among the values that the predictions rest on."""
    from ...logs.replay.plan import hidden_values, hidden_words

    hidden = {} if "pctr" in log.frame else hidden_values(plan, log)
    if not hidden:
        return []
    named = hidden_words(hidden)
    return [
        f"the predictions rest on what looks like leakage, too: {named}; jointbid log table plays without it"
    ]


def _write(point: Point, folder: Folder, done: Run) -> None:
    folder.write_text("config.yaml", point.yaml)
    for name, table in (("bidders", done.bidders), ("timeseries", done.timeseries)):
        folder.write_table(f"{name}.csv", table)
        folder.write_table(f"{name}.parquet", table)
    folder.write_table("calendar.csv", done.calendar)
