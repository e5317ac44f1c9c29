"""`jointbid log table`: from a point to a folder with the table of classic strategies in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ...config.points import Point
from ...logs.read_log import read_log
from ...logs.replay.episodes import LOG, check_episodes
from ...logs.replay.ladder_models import ALL, WITHOUT
from ...logs.replay.plan import ReplayPlan
from ...logs.replay.priced_log import PricedLog, check_landscape, check_prices, price_log, split_rows
from ...logs.replay.strategy_table import play_all, playable
from ...logs.replay.suspects import chosen_on, hidden_words
from ..run_folder import RunFiles, write_run

SHARES = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)


def table(point: Point) -> tuple[pd.DataFrame, tuple[str, ...], Path]:
    """Play the classic strategies on a log; return the table, the notes and the folder.

    Raises:
        BadInput: a log or settings that cannot be used, a folder that cannot be written to.
    """
    plan = ReplayPlan.from_settings(point.settings)
    path = point.folder.parent.parent / "table" / point.folder.name

    def play() -> tuple[tuple[pd.DataFrame, tuple[str, ...], Path], RunFiles]:
        found, notes, test_rows = _play(plan)
        runs = len(found) // 4
        command = point.command.replace("jointbid value", "jointbid log table", 1)
        about = {"command": command, "notes": notes}
        return (found, notes, path), RunFiles({"table": found}, runs * test_rows, about, runs)

    return write_run(point, play, path)


def _play(plan: ReplayPlan) -> tuple[pd.DataFrame, tuple[str, ...], int]:
    """Return the table, the notes and the number of rows that are played."""
    log = read_log(plan.supply, plan.seed)
    check_prices(log)
    check_landscape(log, plan.settings.landscape)
    check_episodes(log, plan.settings.budget_per)
    campaigns, left_out = playable(plan, *split_rows(plan, log), SHARES)
    priced = price_log(plan, log, "joint")
    variants = {ALL: priced}
    learned = replace(priced.log, frame=priced.log.frame[priced.training].reset_index(drop=True))
    hidden = chosen_on(plan.supply, learned) if "pctr" not in log.frame else {}
    if hidden:
        variants[WITHOUT] = price_log(plan, log, "joint", hidden)
    parts: list[pd.DataFrame] = []
    for tags, own in variants.items():
        suffix = f" ({tags.replace('_', ' ')})" if hidden else ""
        part = play_all(plan, own, campaigns, SHARES, suffix)
        parts.append(part.assign(tags=tags))
    notes = (*_notes(priced, plan), _sensitivity(priced, hidden), *left_out)
    return pd.concat(parts, ignore_index=True), notes, int((~priced.training).sum())


def _sensitivity(priced: PricedLog, hidden: Mapping[str, tuple[str, ...]]) -> str:
    """Return a note on values that look like leakage, and whether they were left out."""
    if hidden:
        return f"everything was played twice: with all values, and without the suspect {hidden_words(hidden)} (column tags)"
    if "pctr" in priced.log.frame:
        return "the predictions came with the log: what they owe to leaks is not known"
    return "no value looks like leakage: there is nothing to leave out"


def _episodes(budget_per: str | int) -> tuple[str, ...]:
    """Return a note on budgets of episodes."""
    if budget_per == LOG:
        return ()
    of = "episode of the log" if budget_per == "episode" else f"{budget_per:,} rows"
    return (f"each {of} has its part of the budget by its rows, and strategies begin anew in it",)


def _notes(priced: PricedLog, plan: ReplayPlan) -> tuple[str, ...]:
    """Return notes on the rows read, how they were divided, and what the figures rest on."""
    log, settings = priced.log, plan.settings
    predicted = (
        "the log's own (pctr)" if "pctr" in log.frame else f"{settings.learner}, learned on the training rows"
    )
    censored = "" if log.full_information else "; no price above the logger's own bid is known"
    return (
        f"{log.path}: {log.rows}",
        f"tuned on {int(priced.training.sum()):,} rows, played on the other {int((~priced.training).sum()):,}; predictions: {predicted}",
        *_episodes(settings.budget_per),
        "intervals: which test rows were logged; models, parameters and won rows stay as they are",
        f"rivals do not react{censored}",
        *log.facts,
        *log.notes,
    )
