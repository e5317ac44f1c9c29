"""`jointbid run` on a log: one strategy against the logged prices, or the replay of a simulated run from its own log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from jointbid.sim import BidError, Entrant, LogColumns, RunResult, Scenario, simulate
from jointbid.sim.scenario import MICROS
from jointbid.sim.supply import Log
from jointbid.sim.visible import TrialError
from jointbid.strategies.market import Market
from jointbid.strategies.registry import UnknownStrategyError, make

from ...config.points import Point
from ...errors import BadInput, RunFailed
from ...logs.formats.registry import open_log
from ...logs.log_table import LogTable
from ...logs.read_log import options_of, read_supply
from ...logs.replay.own_log import load_own, notes_of, replay_own
from ...logs.replay.plan import Plan, hidden_values, hidden_words
from ...logs.replay.priced_log import check_worth, landscape, price_log, split_rows
from ...logs.replay.streamed_log import obstacle, open_stream, training_sample
from ..run import Run, finite
from ..run_folder import RunFiles, write_run


def run_log(point: Point) -> tuple[Run, tuple[str, ...], Scenario]:
    """Replay a log, and write the tables of a run; return the run, the notes and the market.

    Raises:
        BadInput: a log or settings that cannot be used, a strategy that does not bid, a folder that cannot be written to.
    """
    plan, done = Plan.from_settings(point.settings), list[tuple[Run, tuple[str, ...], Scenario]]()
    name, _ = open_log(Path(plan.supply.path), plan.supply.format, options_of(plan.supply))
    is_own = name == "jointbid" and point.settings.study.bids != "strategy"

    def play() -> RunFiles:
        done.append(_replay_own(point, plan) if is_own else _play_strategy(point, plan))
        run, notes, _ = done[0]
        about = {"market": finite(run.market), "notes": notes}
        return RunFiles(run.tables, int(run.market["requests"]), about)

    write_run(point, play)
    return done[0]


def _replay_own(point: Point, plan: Plan) -> tuple[Run, tuple[str, ...], Scenario]:
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


def _play_strategy(point: Point, plan: Plan) -> tuple[Run, tuple[str, ...], Scenario]:
    """Play one strategy on the rows after the training part."""
    log = read_supply(plan.supply, plan.seed)
    _rehearse(point, plan, log)
    playback = _playback(plan, log, point.settings.study.arm)
    scenario = _market(point, plan, playback.training, playback.last_us / 3.6e9 + 1e-6)
    result = _simulate(point, scenario, playback.rows)
    notes = (*_notes(plan.settings.landscape, playback), *_leaks(plan, playback.log))
    return Run.from_result(point.folder, result, identified=False), notes, scenario


def _rehearse(point: Point, plan: Plan, log: LogTable) -> None:
    """Raise `BadInput` for what would stop the replay after the models are learned.

    That is a strategy that does not bid, a landscape that the log cannot give, clicks of unknown worth.
    """
    if log.is_sample and not obstacle(plan, log):
        training = training_sample(plan, log)
    else:
        log, rows = split_rows(plan, log)
        training = replace(log, frame=log.frame[rows])
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


def _market(point: Point, plan: Plan, training: LogTable, hours: float) -> Scenario:
    """Return the market that policies are told: the landscape of the training rows."""
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
        strategy = make(bidders.strategy, Market.of(scenario), scenario.engine.strategy_timeout_s)
        entrant = Entrant(strategy, ("value",), bidders.budget, strategy_name=bidders.strategy.name)
        return simulate(scenario, {"focal": entrant}, point.settings.seed, log=rows)
    except (TrialError, UnknownStrategyError) as error:
        raise BadInput(f"bidders.strategy: {error}") from None
    except BidError as error:
        raise RunFailed(f"bidders.strategy: {error}") from None


@dataclass(frozen=True)
class _Playback:
    """The log, the rows to learn and tune on, the rows to play, the time of the last one, and a note on them."""

    log: LogTable
    training: LogTable
    rows: Log
    last_us: int
    note: str = ""


def _playback(plan: Plan, log: LogTable, arm: str) -> _Playback:
    """Price the rows after the training part: all rows of the log, or those in memory."""
    note = ""
    if log.is_sample:
        reason = obstacle(plan, log)
        if not reason:
            training, rows = open_stream(plan, log, arm)
            note = "all rows after the training part are played, each once"
            return _Playback(log, training, rows, rows.last_us, note)
        note = f"only the sampled rows are played, for those that they stand for: {reason}"
    priced = price_log(plan, log, arm)
    columns = priced.select(~priced.training).columns()
    return _Playback(priced.log, priced.select(priced.training).log, columns, int(columns.time_us[-1]), note)


def _notes(kind: str, playback: _Playback) -> tuple[str, ...]:
    log = playback.log
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
        f"learned and tuned on {len(playback.training):,} rows, replayed on {len(playback.rows):,}; {brought}",
        *([playback.note] if playback.note else []),
        f"policies are told the {kind.replace('_', '-')} landscape of the training rows",
        "the log's price is the highest rival bid; rivals do not react",
        censored,
        *log.facts,
        *log.notes,
    )


def _leaks(plan: Plan, log: LogTable) -> list[str]:
    """Return a note on values that look like leakage and that the predictions rest on."""
    hidden = {} if "pctr" in log.frame else hidden_values(plan, log)
    if not hidden:
        return []
    return [
        f"the predictions rest on what looks like leakage, too: {hidden_words(hidden)}; jointbid log table plays without it"
    ]
