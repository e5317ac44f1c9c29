"""`jointbid log table`: from a point to a folder with the classic table in it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from jointbid.sim.scenario import LogSupply

from ...config.points import Point
from ...execution.progress import say
from ...storage.cell_results import Ledger
from ...storage.study_folder import Folder
from ..session import manifest

if TYPE_CHECKING:
    import pandas as pd

    from ...logs.replay.plan import Plan
    from ...logs.replay.priced_log import PricedLog

SHARES = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
TABLE = "table.csv"


def table(point: Point) -> tuple[pd.DataFrame, tuple[str, ...], Path]:
    """Play the classic strategies on a log; the table, what to know of it, and the folder.

    Raises:
        BadInput: a log or settings that cannot be used, a folder that cannot be written to.
    """
    import pandas as pd

    from ...logs.read_log import read_supply
    from ...logs.replay.ladder_models import ALL, WITHOUT
    from ...logs.replay.plan import Plan, hidden_values
    from ...logs.replay.priced_log import check_landscape, price_log, split_rows
    from ...logs.replay.strategy_table import play_all, playable

    supply = point.settings.scenario.supply
    assert isinstance(supply, LogSupply)  # noqa: S101 - its path says so
    path = point.folder.parent.parent / "table" / point.folder.name
    folder, started = Folder(path), time.time()
    plan = Plan.of(point.settings.tree())
    with folder.held():
        folder.status("running")
        log = read_supply(supply, plan.seed)
        check_landscape(log, plan.settings.landscape)
        campaigns, left_out = playable(plan, *split_rows(plan, log), SHARES)
        priced = price_log(plan, log, "joint")
        variants = {ALL: priced}
        hidden = hidden_values(plan, priced.log) if "pctr" not in log.frame else {}
        if hidden:
            variants[WITHOUT] = price_log(plan, log, "joint", hidden)
        parts: list[pd.DataFrame] = []
        for tags, own in variants.items():
            told = f" ({tags.replace('_', ' ')})" if hidden else ""
            part = play_all(plan, own, campaigns, SHARES, partial(_progress, told))
            parts.append(part.assign(tags=tags))
        found = pd.concat(parts, ignore_index=True)
        notes = (*_notes(priced, plan), _sensitivity(priced, hidden), *left_out)
        folder.write_text("config.yaml", point.yaml)
        folder.write_table(TABLE, found)
        folder.write_table("table.parquet", found)
        runs = len(found) // 4
        ledger = Ledger(ran=runs, auctions=runs * int((~priced.training).sum()))
        command = point.command.replace("jointbid value", "jointbid log table", 1)
        folder.write_json(
            "manifest.json", manifest(point, started, ledger) | {"command": command, "notes": notes}
        )
        folder.status("done")
    return found, notes, path


def _progress(told: str, line: str) -> None:
    say(line + told)


def _sensitivity(priced: PricedLog, hidden: Mapping[str, tuple[str, ...]]) -> str:
    """What was done about values that look like leakage."""
    from ...logs.replay.plan import hidden_words

    if hidden:
        return f"everything was played twice: with all values, and without the suspect {hidden_words(hidden)} (column tags)"
    if "pctr" in priced.log.frame:
        return "the predictions came with the log: what they owe to leaks cannot be told"
    return "no value looks like leakage: there is nothing to leave out"


def _notes(priced: PricedLog, plan: Plan) -> tuple[str, ...]:
    """What was read, how it was divided, and what the figures rest on."""
    log, settings = priced.log, plan.settings
    predicted = (
        "the log's own (pctr)" if "pctr" in log.frame else f"{settings.learner}, learned on the training rows"
    )
    return (
        f"{log.path}: {log.rows}",
        f"tuned on {int(priced.training.sum()):,} rows, played on the other {int((~priced.training).sum()):,}; predictions: {predicted}",
        "intervals: which test rows were logged; models, parameters and won rows stay as they are",
        "rivals do not react"
        + ("" if log.full_information else "; no price above the logger's own bid is known"),
        *log.facts,
        *log.notes,
    )
