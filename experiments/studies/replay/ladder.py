"""The study `value` on a real log: what joining profile and context is worth when its own auctions are replayed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ...estimate.sides import BEST_SILO, BEST_SINGLE, Sides
from ...logs.log_table import LogTable
from ...logs.replay.bids import BROUGHT
from ...logs.replay.ladder_models import ALL, WITHOUT, fit_ladders, model_rows
from ...logs.replay.outcomes import UNLIMITED, budget_label, cells, play
from ...logs.replay.plan import ReplayPlan, Requests, load
from ...logs.replay.prices import LoggedPrices
from ...logs.replay.stand_in_prices import Landscape, landscapes_of
from ...logs.replay.summary import Variant, summarise
from ...logs.replay.suspects import hidden_words
from ...report.wording.joined_tables import LookupCosts
from ...report.wording.landscape_band import band_notes, band_rows, band_sentence, middle_of
from ...report.wording.value import verdict
from .beyond_log import beyond_the_log
from .joined_tables import other_joins
from .played import Played

NO_COSTS = LookupCosts()
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
        more: further tables by file name; `joins` has the worth of joined tables over match rate, age and false matches.
    """

    summary: pd.DataFrame
    models: pd.DataFrame
    cells: pd.DataFrame
    verdict: tuple[str, ...]
    notes: tuple[str, ...]
    more: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def run_replay(
    plan: ReplayPlan, progress: Callable[[str], None] = lambda _: None, costs: LookupCosts = NO_COSTS
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
    if not requests.log.has_prices:
        return _in_landscapes(plan, requests, progress, costs)
    models: list[dict[str, Any]] = []
    played, prices = Played(), LoggedPrices(plan.seed)
    for split in range(plan.splits):
        dealt = requests.dealt(plan.settings, plan.seed, split)
        for tags, ladder in fit_ladders(plan, dealt).items():
            played.views.setdefault(tags, ladder.odds)
            models += [{**row, "replication": split} for row in model_rows(tags, ladder, dealt)]
            for share in (*plan.settings.budgets, UNLIMITED):
                played.add(tags, share, *play(prices, dealt, tags, ladder, share, split))
        progress(f"split {split + 1} of {plan.splits}: ladder learned and replayed under every budget")
    sides = played.sides(plan, requests.log.roles)
    summary = summarise(plan, requests, played.outcomes, sides)
    progress(f"resampled the rows {plan.settings.bootstrap:,} times")
    verdicts = {
        tags: _verdict(plan, requests, summary, tags, sides[tags, UNLIMITED])
        for tags in summary["tags"].unique()
    }
    notes, more = [*_notes(plan, requests), *_elections(played.ballots, plan.silo)], dict[str, pd.DataFrame]()
    beyond = beyond_the_log(plan, requests, played, sides, progress)
    for tags, sentence in beyond.sentences:
        verdicts[tags] += f" {sentence}"
    notes += beyond.notes
    more |= beyond.tables
    if joins := other_joins(
        plan, requests, played.outcomes, sides[ALL, UNLIMITED], costs, [prices], progress
    ):
        notes += joins.sentences
        more["joins"] = joins.table
    return ReplayResult(
        summary,
        pd.DataFrame(models),
        cells(plan, requests, played.outcomes),
        tuple(verdicts.values()),
        tuple(notes),
        more,
    )


def _in_landscapes(
    plan: ReplayPlan, requests: Requests, progress: Callable[[str], None], costs: LookupCosts
) -> ReplayResult:
    """Play every arm against each landscape that stands in for the log's prices.

    The tables are of the landscape whose value of joint data is the middle one; the others are in `landscapes`.
    """
    prices = landscapes_of(plan, requests)
    dealt = [requests.dealt(plan.settings, plan.seed, split) for split in range(plan.splits)]
    ladders = [fit_ladders(plan, one) for one in dealt]
    progress(f"ladder learned in {plan.splits} splits; {len(prices)} landscapes stand in for prices")
    models = [
        {**row, "replication": split}
        for split, variants in enumerate(ladders)
        for tags, ladder in variants.items()
        for row in model_rows(tags, ladder, dealt[split])
    ]

    def played_in(
        law: Landscape, shares: Sequence[float]
    ) -> tuple[Played, dict[Variant, Sides], pd.DataFrame]:
        played = Played()
        for split, variants in enumerate(ladders):
            for tags, ladder in variants.items():
                for share in shares:
                    played.add(tags, share, *play(law, dealt[split], tags, ladder, share, split))
        sides = played.sides(plan, requests.log.roles)
        return played, sides, summarise(plan, requests, played.outcomes, sides)

    band = pd.concat(
        [band_rows(law.name, played_in(law, [UNLIMITED])[2]) for law in prices], ignore_index=True
    )
    progress(f"played in every landscape, and resampled the rows {plan.settings.bootstrap:,} times in each")
    middle = prices[middle_of(band)]
    played, sides, summary = played_in(middle, (*plan.settings.budgets, UNLIMITED))
    verdicts = tuple(
        f"{_verdict(plan, requests, summary, tags, sides[tags, UNLIMITED])} {band_sentence(band, tags, middle.name)}"
        for tags in summary["tags"].unique()
    )
    notes = [*_notes(plan, requests), *band_notes(plan, middle.name), *_elections(played.ballots, plan.silo)]
    more = {"landscapes": band}
    in_order = [middle, *(law for law in prices if law is not middle)]
    if joins := other_joins(
        plan, requests, played.outcomes, sides[ALL, UNLIMITED], costs, in_order, progress
    ):
        notes += joins.sentences
        more["joins"] = joins.table
    return ReplayResult(
        summary, pd.DataFrame(models), cells(plan, requests, played.outcomes), verdicts, tuple(notes), more
    )


def _verdict(plan: ReplayPlan, requests: Requests, summary: pd.DataFrame, tags: str, sides: Sides) -> str:
    """Return the sentence for one variant of the features, for the run without a limit."""
    heads = {ALL: "All values", WITHOUT: f"Without the suspect {hidden_words(requests.hidden)}"}
    rows = summary[(summary["tags"] == tags) & (summary["budget_share"] == UNLIMITED)]
    settings = plan.settings
    kinds = {"time": f"stretches of {settings.block_h:g} h", "person": "people", "day": "days"}
    of = (
        "rows"
        if requests.blocks.numbers is None
        else kinds.get(settings.blocks, f"rows with one {settings.blocks}")
    )
    splits = plan.splits
    caveat = f"{settings.bootstrap:,} resamples of {of}, {splits} split{'s' if splits > 1 else ''} by {settings.split}; {FOOTING}"
    return f"{heads[tags]}: {verdict(rows, sides, caveat=caveat)}"


def _elections(ballots: Mapping[Variant, Mapping[str, Counter[str]]], silo: str) -> list[str]:
    """Say where the views did not agree on what joint data are compared with."""
    what = {BEST_SILO: "silo", BEST_SINGLE: "single source"}.get(silo)
    return [
        f"the better {what} was close (tags {tags}, budget {budget_label(share)}): "
        + ", ".join(f"{arm} {count}" for arm, count in ballot[silo].most_common())
        for (tags, share), ballot in ballots.items()
        if silo in ballot and len(ballot[silo]) > 1
    ]


def _notes(plan: ReplayPlan, requests: Requests) -> tuple[str, ...]:
    """Return what was read, what a row stands for, and what the figures rest on."""
    log, rows = requests.log, requests.log.rows
    full, clicks = requests.weights.sum(), (requests.weights * requests.clicks).sum()
    cost = requests.cost.sum() / 1e6
    paid = f" that cost {cost:,.2f} {log.currency}, {1e3 * cost / full:.3f} CPM" if log.has_prices else ""
    each = f", {cost / clicks:.3f} a click" if log.has_prices and clicks else ""
    worth = (
        _worth(plan, log) if log.has_prices or plan.settings.value_per_click else "1: the unit of all money"
    )
    notes = [
        f"{log.path}: {rows}",
        f"they stand for {full:,.0f} impressions with {clicks:,.0f} clicks (CTR {clicks / full:.4%}){paid}{each}",
        f"a click is worth {worth}; all campaigns share one budget and one bid gain",
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


def _worth(plan: ReplayPlan, log: LogTable) -> str:
    value = plan.settings.value_per_click
    if value is None and BROUGHT in log.frame:
        return "what the campaign's outcomes brought (the value of the joined tables), a click"
    return "the campaign's eCPC in the log" if value is None else f"{value:g} in the log's currency"
