"""What the simulator says, as a page: every figure from a run that this module has just made, with the command for it.

`python -m tools.findings` writes docs/findings.md; `make findings` does the same. Nothing on the page but headings is written
by hand: the sentences are the studies' own verdicts, which claim no more than their intervals.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from jointbid.experiments.studies.session import StudyResult

PAGE = Path(__file__).parents[1] / "docs" / "findings.md"

INTRODUCTION = """# What the simulator finds

<!-- Made by `make findings`; do not edit. -->

Each section is a command and what it answered: the scenario's question, then the study's own sentences. Intervals are 95 % and hold
simulation error only: they say nothing about whether a scenario is like your market. A sentence holds in the one market of its
command; where worlds were drawn, the share of them stands beside it. "It fails where" names one setting that was tried, and no
border. The scenario `default` is calibrated to
public figures of one campaign (docs/calibration.md); those of the six business sentences are choices with stated
ranges (docs/scenarios), and the others are small worlds with closed forms, made to show one thing each.
"""


@dataclass(frozen=True)
class Finding:
    """A heading, the command behind it, and rows of its summary that are shown too: (estimand, metric, arm or empty).

    With ``choices`` also what the scenario chose, between which ends it might lie, and how the result goes with it.
    """

    heading: str
    verb: str
    overrides: tuple[str, ...]
    rows: tuple[tuple[str, str, str], ...] = ()
    choices: bool = False

    @property
    def command(self) -> str:
        """As a reader runs it."""
        return " ".join(["jointbid", self.verb, *self.overrides])


PLAIN = "plot.enabled=false"
WORLDS = ("study.point.replications=4", "study.point.requests=20000")
FRESH = ("scenario=real_time_optimiser", "study.replications=10", "study.lattice=false", PLAIN)
CREATIVES = ("scenario=present_value_in_context", "study.replications=10", PLAIN)
LONG = ("scenario=b2b_long_cycle", "study.replications=5", PLAIN)
CONTENT = (
    "scenario=content_and_native", "study.replications=6", "study.silo=clicks", "study.lattice=false", PLAIN,
)  # fmt: skip
SMALL_PLANS = ("study.point.requests=10000",)
STAGE_ALONE = ("difference_to_none", "focal_profit", "stage")
LOST = ("value_of_joint_data", "revenue_lost_pct", "")

SECTIONS: dict[str, tuple[Finding, ...]] = {
    "What joining is worth": (
        Finding("The default display campaign", "value", ("scenario=default", PLAIN), (
            ("shapley", "focal_profit", "profile"), ("shapley", "focal_profit", "context"),
            ("shapley", "focal_profit", "history"),
        )),
        Finding("In a month of a billion bid requests, before costs", "value", (
            "scenario=default", "study.range=null", "study.learned_beside=false", "study.lattice=false", PLAIN,
            "money.requests_per_month=1000000000",
        ), (("value_in_units", "per_month", ""), ("value_in_units", "per_thousand_bought", ""))),
        Finding("Where silos cost most", "value", ("scenario=silos_cost_most", PLAIN)),
    ),
    "What these figures rest on": (
        Finding("The choices behind the default scenario", "value", (
            "scenario=default", "study.worlds=60", "study.replications=10", PLAIN,
        ), choices=True),
        Finding("Prices that rise with the context", "value", (
            "scenario=default", "rivals.context_slope=0.34", "rivals.sigma=0.8257", "study.range=null", PLAIN,
        )),
        Finding("The best single source in place of the better silo", "value", (
            "scenario=default", "study.silo=best_single", "study.range=null", "study.learned_beside=false", PLAIN,
        )),
        Finding("No history: two sources alone", "value", (
            "scenario=default", "~source.history", "study.range=null", PLAIN,
        )),
    ),
    "What speaks against joining": (
        Finding("Late answers", "value", ("scenario=late_lookups",), (
            ("break_even_latency", "lookup_latency_ms", "profile"),
        )),
        Finding("Old data taken for the truth", "value", ("scenario=stale_naive", PLAIN)),
        Finding("Too little to learn from", "value", ("scenario=thin_data", PLAIN)),
        Finding("A budget that binds", "value", ("scenario=binding_budget", PLAIN)),
    ),
    "When others join too": (
        Finding("A private edge erodes", "adoption", ("scenario=private_edge", PLAIN)),
        Finding("All bidders see the same facts", "adoption", (
            "scenario=private_edge", "bidders.values=common", PLAIN,
        )),
        Finding("First-price bidders bid anew, or go on as before", "value", ("scenario=first_price_rivals", PLAIN)),
        Finding("A thin market: the seller pays", "value", ("scenario=thin_market", PLAIN)),
        Finding("Identifiers go, three bidders", "value", (
            "scenario=lost_identifiers", "bidders.count=3", PLAIN), (LOST,)),
        Finding("Identifiers go, eight bidders", "value", ("scenario=lost_identifiers", PLAIN), (LOST,)),
        Finding("Identifiers go, forty bidders", "value", (
            "scenario=lost_identifiers", "bidders.count=40", PLAIN), (LOST,)),
    ),
    "Optimise the business through data": (
        Finding("Tonight's copy of prices and stock", "value", (
            *FRESH, "study.point.replications=4", "study.worlds=30")),
        Finding("The prices and the stock of this minute", "value", (
            *FRESH, *(f"source.{name}.{key}=0" for name in ("profile", "stock") for key in ("sync_interval_h", "latency_h")))),
        Finding("It fails where prices drift faster than copies come, and deliveries come soon", "value", (
            *FRESH, "audience.drift.half_life_h=1", "stock.lead_h=12")),
        Finding("It fails where an old copy is taken for fresh", "value", (
            *FRESH, "audience.drift.half_life_h=6", "source.profile.use=naive")),
        Finding("Freshness of prices is worth little where they hardly drift: a night old", "value", (
            *FRESH, "audience.drift.half_life_h=720", "stock=null", "~source.stock", "study.upgrade=null")),
        Finding("Freshness of prices is worth little where they hardly drift: streaming", "value", (
            *FRESH, "audience.drift.half_life_h=720", "stock=null", "~source.stock", "study.upgrade=null",
            "source.profile.sync_interval_h=0", "source.profile.latency_h=0")),
    ),
    "Present value in context": (
        Finding("Which ad to show, and what to bid", "value", (*CREATIVES, *WORLDS, "study.worlds=20")),
        Finding("It fails where no ad is better anywhere than everywhere", "value", (
            *CREATIVES, "creative.matched.interaction=0", "creative.obtrusive.interaction=0")),
        Finding("It fails where the log is short for the number of ads", "value", (
            *CREATIVES, "study.valuation=learned", "study.learner=table", "study.train_requests=30000")),
    ),
    "Engage when interest is highest": (
        Finding("Stage and interest on one bid request", "value", (*LONG, "study.silo=best_single")),
        Finding("What a firm loses that only sees clicks", "value", (
            *LONG, "study.silo=clicks", "journey.believed_win_rate=null")),
        Finding("It fails where the stage is known later than the window lasts", "value", (
            *LONG, "study.silo=best_single", "source.stage.latency_h=8760"), (STAGE_ALONE,)),
        Finding("It fails where no account forgets", "value", (
            *LONG, "study.silo=best_single", "journey.half_life_h=1000000"), (STAGE_ALONE,)),
    ),
    "Value through content": (
        Finding("Content against the spot, and far sight against clicks", "value", (
            *CONTENT, "study.point.replications=3", "study.worlds=20")),
        Finding("It fails where what is left fades fast", "value", (*CONTENT, "journey.half_life_h=40")),
        Finding("It fails where content costs more than it does", "value", (
            *CONTENT, "rivals.by_context=[9,0.5,1,2.5]")),
    ),
    "The bond of two departments": (
        Finding("How closely to work together", "value", ("scenario=two_budgets", *SMALL_PLANS, PLAIN)),
        Finding("It fails where requests are few", "value", (
            "scenario=two_budgets", *SMALL_PLANS, PLAIN, "money.requests_per_month=30000000")),
        Finding("Data of one's own, or an agency's", "value", ("scenario=in_house", *SMALL_PLANS, PLAIN)),
        Finding("They fail where requests are few", "value", (
            "scenario=in_house", *SMALL_PLANS, PLAIN, "money.requests_per_month=100000000")),
        Finding("Two agencies and a team with joined data", "tournament", (
            "scenario=agencies", "study.pairings=false", PLAIN)),
        Finding("The team fails where bad data are taken for the truth", "tournament", (
            "scenario=agencies", "study.pairings=false", PLAIN, "source.profile.use=naive",
            "source.profile.accuracy=0.2")),
        Finding("The team fails where it has data alone", "tournament", (
            "scenario=agencies", "study.pairings=false", PLAIN,
            "study.strategies=[digital,in_house_one_ad,in_house_weekly]")),
    ),
    "What channels are credited with": (
        Finding("It fails against tests that each owner can run: every channel made the sale", "attribution", ("scenario=touchpoints", PLAIN)),
        Finding("Where the firm is small, such tests are not shown to be better", "attribution", (
            "scenario=touchpoints", "study.budgets=[]", "supply.requests=250000", "audience.people=5000",
            *(f"touchpoints.channels.{name}.daily_budget=0.5" for name in ("mail", "retargeting", "social", "video")),
            PLAIN,
        )),
    ),
}  # fmt: skip


def main() -> None:
    """Run everything, and write the page."""
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(page(folder), "utf-8")
    sys.stdout.write(f"{PAGE}\n")


def page(results_dir: str) -> str:
    """The whole page; the studies' folders go to ``results_dir``."""
    parts = [INTRODUCTION]
    for section, findings in SECTIONS.items():
        parts.append(f"\n## {section}\n")
        for finding in findings:
            sys.stderr.write(f"{finding.command}\n")
            question, answer = ask(finding, results_dir)
            parts += markdown(finding, question, answer)
    return "".join(parts)


def ask(finding: Finding, results_dir: str) -> tuple[str, StudyResult]:
    """The scenario's question, and what the study answers.

    Raises:
        RuntimeError: cells failed.
    """
    from jointbid.experiments.config.points import load
    from jointbid.experiments.studies.registry import study_class
    from jointbid.experiments.studies.session import run_study

    (point,) = load(finding.verb, [*finding.overrides, f"results_dir={results_dir}"])
    found = run_study(point, study_class(finding.verb))
    if found.failures or found.summary is None:
        raise RuntimeError(f"{finding.command}: {len(found.failures)} cells failed")
    return point.settings.scenario.question, found


def markdown(finding: Finding, question: str, answer: StudyResult) -> Iterator[str]:
    """Yield the parts of one finding as Markdown."""
    yield f"\n### {finding.heading}\n\n`{finding.command}`\n\n*{question}*\n\n"
    yield "\n".join(wrapped(sentence) for sentence in answer.findings.verdict) + "\n"
    if finding.rows and answer.summary is not None:
        yield "\n| figure | estimate | 95 % interval | unit |\n|---|---|---|---|\n"
        yield "".join(row(answer.summary, *wanted) for wanted in finding.rows)
    if finding.choices and answer.summary is not None:
        yield "\n| choice | here | may lie between | rank correlation with the value | source |\n|---|---|---|---|---|\n"
        yield from choice_rows(finding, answer.summary)


def choice_rows(finding: Finding, summary: pd.DataFrame) -> Iterator[str]:
    """Yield a row of Markdown for each of ``study.ranges``: the scenario's own value, both ends, and its part in the result."""
    from jointbid.experiments.config.points import load
    from jointbid.experiments.config.value_settings import ValueSettings
    from jointbid.experiments.estimate.ladder import lookup
    from jointbid.experiments.report.numbers import shown

    (point,) = load(finding.verb, list(finding.overrides))
    for one in point.settings.of(ValueSettings).study.ranges:
        here: Any = point.settings.scenario.model_dump()
        for step in one.key.split("."):
            here = here[int(step)] if step.isdecimal() else here[step]
        found = lookup(summary, "decided_by", "rank_correlation", one.key)
        if found is None:
            raise LookupError(f"no decided_by {one.key}")
        ends = f"{shown(found.estimate)} ({shown(found.ci_low)} to {shown(found.ci_high)})"
        source = " ".join(one.source.split())
        yield f"| `{one.key}` | {here:g} | {one.low:g} to {one.high:g} | {ends} | {source} |\n"


def row(summary: pd.DataFrame, estimand: str, metric: str, arm: str) -> str:
    """One row of a summary as Markdown.

    Raises:
        LookupError: there is no such row.
    """
    from jointbid.experiments.report.numbers import shown

    mask = (summary["estimand"] == estimand) & (summary["metric"] == metric)
    rows = summary[mask & (summary["arm"] == arm)] if arm else summary[mask]
    if rows.empty:
        raise LookupError(f"no {estimand} {metric} {arm}")
    found = rows.iloc[0]
    name = f"{estimand} ({metric}), {found['arm']}" if estimand != metric else f"{estimand}, {found['arm']}"
    low, middle, high = (shown(float(found[end])) for end in ("ci_low", "estimate", "ci_high"))
    return f"| {name} | {middle} | {low} to {high} | {found['unit']} |\n"


def wrapped(sentence: str) -> str:
    """A sentence on lines that an editor shows whole."""
    import textwrap

    return "\n".join(textwrap.wrap(sentence, 125, break_long_words=False, break_on_hyphens=False))


if __name__ == "__main__":
    main()
