"""`jointbid run` on a log: one strategy against the logged prices, or the replay of a simulated run from its own log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from jointbid.sim import BidError, Entrant, LogColumns, RunResult, Scenario, simulate
from jointbid.sim.scenario import MICROS
from jointbid.sim.supply import Log
from jointbid.sim.visible import TrialError
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.registry import UnknownStrategyError, make

from ...config.points import Point
from ...config.run_settings import RunSettings
from ...errors import BadInput, RunFailed
from ...logs.formats.registry import joined_tables, open_log
from ...logs.log_table import LogTable
from ...logs.read_log import read_log
from ...logs.replay.own_log import load_own, notes_of, replay_own
from ...logs.replay.plan import ReplayPlan
from ...logs.replay.priced_log import check_prices, check_worth, landscape, price_log, split_rows
from ...logs.replay.streamed_log import StreamedLog, obstacle, open_stream, training_sample
from ...logs.replay.suspects import chosen_on, hidden_words
from ..run import Run, finite
from ..run_folder import RunFiles, write_run


def run_log(point: Point) -> tuple[Run, tuple[str, ...], Scenario]:
    """Replay a log, and write the tables of a run; return the run, the notes and the market.

    Raises:
        BadInput: a log or settings that cannot be used, a strategy that does not bid, a folder that cannot be written to.
    """
    if point.settings.of(RunSettings).study.weekly:
        raise BadInput(
            "study.weekly: a log does not say what its channels added; play a scenario with channels (scenario=touchpoints)"
        )
    plan = ReplayPlan.from_settings(point.settings)
    name, _ = open_log(plan.supply)
    is_own = name == "jointbid" and point.settings.of(RunSettings).study.bids != "strategy"

    def play() -> tuple[tuple[Run, tuple[str, ...], Scenario], RunFiles]:
        played = _replay_own(point, plan) if is_own else _play_strategy(point, plan)
        run, notes, _ = played
        about = {"market": finite(run.market), "notes": notes}
        tables = run.tables
        if joined_tables(plan.supply):  # an hour is of few persons (supply.min_group)
            del tables["timeseries"]
        return played, RunFiles(tables, int(run.market["requests"]), about)

    return write_run(point, play)


def _replay_own(point: Point, plan: ReplayPlan) -> tuple[Run, tuple[str, ...], Scenario]:
    """Replay the run whose log this is."""
    path = Path(plan.supply.path)
    own = load_own(path)
    result = replay_own(own, plan.seed)
    rows = own.rows.num_rows
    notes = (
        f"{path}: {rows:,} rows read, {rows:,} used, dropped: none",
        *notes_of(own),
        "each bidder bids as it did; study.bids=strategy plays bidders.strategy on this log instead",
    )
    identified = own.scenario.audience.people is not None
    return Run.from_result(point.folder, result, identified=identified), notes, own.scenario


def _play_strategy(point: Point, plan: ReplayPlan) -> tuple[Run, tuple[str, ...], Scenario]:
    """Play one strategy on the rows after the training part: on all rows of the log, or on those in memory."""
    log, arm = read_log(plan.supply, plan.seed), point.settings.of(RunSettings).study.arm
    check_prices(log)
    reason = obstacle(plan, log) if log.is_sample else ""
    is_streamed = log.is_sample and not reason
    if is_streamed:
        training, note = training_sample(plan, log), "all rows after the training part are played, each once"
    else:
        log, learned = split_rows(plan, log)
        training = replace(log, frame=log.frame[learned])
        note = f"only the sampled rows are played, for those that they stand for: {reason}" if reason else ""
    _rehearse(point, plan, log, training)
    rows: StreamedLog | LogColumns
    if is_streamed:
        rows = open_stream(plan, log, training, arm)
        last_us = rows.last_us
    else:
        priced = price_log(plan, log, arm)
        rows = priced.select(~priced.training).columns()
        last_us = int(rows.time_us[-1])
    scenario = _market(point, plan, training, last_us / 3.6e9 + 1e-6)
    result = _simulate(point, scenario, rows)
    read = f"learned and tuned on {len(training):,} rows, replayed on {len(rows):,}"
    notes = (*_notes(plan.settings.landscape, log, read, note), *_leaks(plan, training))
    if log.joins is not None:
        notes = (
            *notes,
            f"no table by hour is written: hours may be of fewer than {plan.supply.min_group} persons",
        )
    return Run.from_result(point.folder, result, identified=False), notes, scenario


def _rehearse(point: Point, plan: ReplayPlan, log: LogTable, training: LogTable) -> None:
    """Raise `BadInput` for what would stop the replay after the models are learned.

    That is a strategy that does not bid, a landscape that the log cannot give, clicks of unknown worth.
    """
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
    """Raise `BadInput` for a budget below the cost of the cheapest row, where all rows are in memory."""
    budget = point.settings.scenario.bidders.budget
    cheapest = float((log.frame["price_micros"] * log.frame["weight"]).min()) / MICROS
    if budget is not None and budget < cheapest and not log.is_sample:
        raise BadInput(
            f"bidders.budget = {budget:g}: the cheapest row of {log.path} costs {cheapest:.3g} {log.currency}: nothing can be bought; "
            "give at least as much"
        )


def _market(point: Point, plan: ReplayPlan, training: LogTable, hours: float) -> Scenario:
    """Return the market that policies know: the landscape of the training rows."""
    scenario = point.settings.scenario
    return scenario.model_copy(
        update={
            "supply": scenario.supply.model_copy(update={"horizon_h": hours}),
            "rivals": landscape(training, plan.settings.landscape),
            "currency": training.currency,
        }
    )


def _simulate(point: Point, scenario: Scenario, rows: Log) -> RunResult:
    bidders = scenario.bidders
    try:
        strategy = make(bidders.strategy, MarketFacts.of(scenario), scenario.engine.strategy_timeout_s)
        entrant = Entrant(strategy, ("value",), bidders.budget, strategy_name=bidders.strategy.name)
        return simulate(scenario, {"focal": entrant}, point.settings.seed, log=rows)
    except (TrialError, UnknownStrategyError) as error:
        raise BadInput(f"bidders.strategy: {error}") from None
    except BidError as error:
        raise RunFailed(f"bidders.strategy: {error}") from None


def _notes(kind: str, log: LogTable, read: str, note: str) -> Iterator[str]:
    """Yield what was read and played, and what the figures rest on."""
    yield f"{log.path}: {log.rows}"
    yield read + (
        "; predictions are the log's own (pctr)"
        if "pctr" in log.frame
        else "; predictions were learned on the training rows"
    )
    if note:
        yield note
    yield f"policies know the {kind.replace('_', '-')} landscape of the training rows"
    yield "the log's price is the highest rival bid; rivals do not react"
    yield (
        "full information: the price of every row is known"
        if log.full_information
        else "censored: no price above the logger's own bid is known, so that nothing is said of what higher bids would win"
    )
    yield from (*log.facts, *log.notes)


def _leaks(plan: ReplayPlan, training: LogTable) -> list[str]:
    """Return a note on values that look like leakage in the training rows, and that the predictions rest on."""
    hidden = {} if "pctr" in training.frame else chosen_on(plan.supply, training)
    if not hidden:
        return []
    return [
        f"the predictions rest on what looks like leakage, too: {hidden_words(hidden)}; jointbid log table plays without it"
    ]
