"""The study `value` on a real log: what joining profile and context is worth when its own auctions are replayed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ...estimate.sides import BEST_SILO, BEST_SINGLE, Sides
from ...logs.log_table import LogTable
from ...logs.replay.bids import BROUGHT
from ...logs.replay.ladder_models import ALL, WITHOUT, fit_ladders, model_rows
from ...logs.replay.outcomes import UNLIMITED, Outcome, budget_label, cells, play
from ...logs.replay.plan import Plan, Requests, hidden_words, load, silo_arm
from ...logs.replay.summary import summarise
from ...report.verdict import verdict
from .joined_tables import Costs, study_tables

FOOTING = "interval: which rows were logged and how they were dealt to folds, no refitting on other logs"


@dataclass(frozen=True)
class ReplayResult:
    """The result of a replay.

    Attributes:
        summary: the columns of `summary.csv`, and `tags` ("all" or "without_suspects") and `budget_share` (of the
            log's cost; inf without a limit). `n_replications` counts resamples of the log.
        models: one row a rung, variant of the tags and split (`replication`): AUC overall and within campaigns, log loss, calibration.
        cells: one row an arm, budget, variant and split (`replication`), totals over the log.
        verdict: a sentence for each variant of the tags.
        notes: what was read, and what the figures rest on.
        joins: the worth of joining tables over match rate, age and false matches, and by campaign; None without tables.
    """

    summary: pd.DataFrame
    models: pd.DataFrame
    cells: pd.DataFrame
    verdict: tuple[str, ...]
    notes: tuple[str, ...]
    joins: pd.DataFrame | None = None


def run_replay(
    plan: Plan, progress: Callable[[str], None] = lambda _: None, costs: Costs | None = None
) -> ReplayResult:
    """Replay a log's auctions on every rung of the ladder, with and without the suspect tags.

    Args:
        plan: the settings, and the log.
        progress: receives a line for each step.
        costs: of joining tables.

    Raises:
        BadInput: settings or a log that cannot be used.
    """
    requests = load(plan)
    progress(
        f"read {len(requests.log):,} rows of {requests.log.path}, {int(requests.clicks.sum()):,} with a click"
    )
    models: list[dict[str, Any]] = []
    outcomes: list[Outcome] = []
    ballots: dict[tuple[str, float], dict[str, Counter[str]]] = {}
    splits = plan.splits
    for split in range(splits):
        dealt = requests.dealt(plan.settings, plan.seed, split)
        for tags, ladder in fit_ladders(plan, dealt).items():
            models += [{**row, "replication": split} for row in model_rows(tags, ladder, dealt)]
            for share in (*plan.settings.budgets, UNLIMITED):
                played, ballot = play(plan, dealt, tags, ladder, share, split)
                outcomes += played
                for name, votes in ballot.items():
                    ballots.setdefault((tags, share), {}).setdefault(name, Counter()).update(votes)
        progress(f"split {split + 1} of {splits}: ladder learned and replayed under every budget")
    roles = requests.log.roles
    sides = {
        point: Sides(
            silo_arm(plan, roles),
            {name: votes.most_common(1)[0][0] for name, votes in ballot.items()},
            roles.silos,
            roles.sources,
        )
        for point, ballot in ballots.items()
    }
    summary = summarise(plan, requests, outcomes, sides)
    progress(f"resampled the rows {plan.settings.bootstrap:,} times")
    head = sides[ALL, UNLIMITED]
    silo = head.chosen.get(head.silo, head.silo)
    added = set(roles.sources) - set(silo.split("+"))
    costs = replace(costs or Costs(), added=added)
    joins = study_tables(plan, requests, outcomes, silo, costs, progress)
    return ReplayResult(
        summary,
        pd.DataFrame(models),
        cells(plan, requests, outcomes),
        tuple(
            _verdict(plan, requests, summary, tags, sides[tags, UNLIMITED])
            for tags in summary["tags"].unique()
        ),
        (*_notes(plan, requests), *_elections(ballots, plan.silo), *(joins.sentences if joins else ())),
        joins.table if joins else None,
    )


def _verdict(plan: Plan, requests: Requests, summary: pd.DataFrame, tags: str, sides: Sides) -> str:
    """Return the sentence for one variant of the features, for the run without a limit."""
    heads = {ALL: "All values", WITHOUT: f"Without the suspect {hidden_words(requests.hidden)}"}
    rows = summary[(summary["tags"] == tags) & (summary["budget_share"] == UNLIMITED)]
    settings = plan.settings
    kinds = {"time": f"stretches of {settings.block_h:g} h", "person": "people"}
    of = "rows" if requests.blocks.numbers is None else kinds[settings.blocks]
    splits = plan.splits
    caveat = f"{settings.bootstrap:,} resamples of {of}, {splits} split{'s' if splits > 1 else ''} by {settings.split}; {FOOTING}"
    return f"{heads[tags]}: {verdict(rows, sides, caveat=caveat)}"


def _elections(ballots: Mapping[tuple[str, float], Mapping[str, Counter[str]]], silo: str) -> list[str]:
    """Say where the views did not agree on what joint data are compared with."""
    what = {BEST_SILO: "silo", BEST_SINGLE: "single source"}.get(silo)
    return [
        f"the better {what} was close (tags {tags}, budget {budget_label(share)}): "
        + ", ".join(f"{arm} {count}" for arm, count in ballot[silo].most_common())
        for (tags, share), ballot in ballots.items()
        if silo in ballot and len(ballot[silo]) > 1
    ]


def _notes(plan: Plan, requests: Requests) -> tuple[str, ...]:
    """Return what was read, what a row stands for, and what the figures rest on."""
    log, rows = requests.log, requests.log.rows
    full, clicks = requests.weights.sum(), (requests.weights * requests.clicks).sum()
    cost = requests.cost.sum() / 1e6
    notes = [
        f"{log.path}: {rows}",
        (
            f"they stand for {full:,.0f} impressions with {clicks:,.0f} clicks (CTR {clicks / full:.4%}) that cost "
            f"{cost:,.2f} {log.currency}, {1e3 * cost / full:.3f} CPM"
            + (f", {cost / clicks:.3f} a click" if clicks else "")
        ),
        f"a click is worth {_worth(plan, log)}; all campaigns share one budget and one bid gain",
        *log.facts,
        *log.notes,
        *([requests.blocks.note] if requests.blocks.note else []),
    ]
    if not requests.hidden:
        notes.append("no value looks like leakage: there is nothing to leave out")
    if plan.supply.suspect_tags:
        known = {tag for name in log.roles.lists for cell in log.frame[name] for tag in cell.split(",")}
        notes += [
            f"suspect tag {tag!r} occurs in no row" for tag in plan.supply.suspect_tags if tag not in known
        ]
    return tuple(notes)


def _worth(plan: Plan, log: LogTable) -> str:
    value = plan.settings.value_per_click
    if value is None and BROUGHT in log.frame:
        return "what the campaign's outcomes brought (the value of the joined tables), a click"
    return "the campaign's eCPC in the log" if value is None else f"{value:g} in the log's currency"
