"""The answer of the study `value` as a sentence that claims no more than its intervals do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import pandas as pd

from ...cells.cell import holders_of
from ...estimate.frozen_rivals import EFFECT, FROZEN
from ...estimate.intervals import Estimate
from ...estimate.ladder import PROFIT, SEEING_CLICKS, VALUE, lookup
from ...estimate.metrics import METRICS
from ...estimate.sides import BEST_SILO, BEST_SINGLE, Sides
from ..numbers import CAVEAT, claim, counted, interval, listed, number

SILOS = {
    "best_silo": "the better silo alone",
    "best_single": "the better of the two alone",
    "stacked": "the two scores stacked",
    "split_budget": "two departments with half the budget each",
    "summed": "the two scores added up",
    "none": "no data",
    "clicks": "bidding by clicks alone",
}
"""How the sentence names the arm that joint data is compared with; a source or set of sources is "<sources> alone"."""

PLURAL_SILOS = {
    "best_single": "the best single source alone",
    "stacked": "the scores stacked",
    "split_budget": "departments with equal parts of the budget",
    "summed": "the scores added up",
}
"""Names of these arms in place of those of `SILOS` where more than two sources are joined."""

STEPS = {"same_request_step": "having {both} on one request", "joint_model_step": "one model of {both}"}
USES = {"bidding_better": "bidding better", "showing_better": "showing better"}


def verdict(summary: pd.DataFrame, sides: Sides, *, holders: str = "", caveat: str | None = None) -> str:
    """One line for people: what joining is worth, how sure that is, over which silo, and by which step.

    Args:
        summary: what `ladder_summary` returns.
        sides: what is joined, and what that was compared with.
        holders: who joins, where it is not one bidder alone, as `holders` says it; what is worth much to the
            only holder may be worth little, or cost something, when all hold it.
        caveat: what the intervals cover, for the last sentence; how many replications, and `CAVEAT`, unless given.

    Raises:
        ValueError: a summary without value of joint data.
    """
    value = lookup(summary, VALUE)
    if value is None:
        raise ValueError("the summary has no value_of_joint_data: were the arms joint and the silo run?")
    joined = listed(sides.sources)
    against = _against(summary, sides)
    joining = f"Joining {joined}" + (f" ({holders}; what one of them gains)" if holders else "")
    if sides.is_same_data:
        said = f"{joining} is worth 0 here: {against} holds the same data" + _seeing_clicks(summary, sides)
    else:
        both = "both" if len(sides.sources) < 3 else "all"
        said = _claim(value, lookup(summary, VALUE, f"{PROFIT}_pct"), _unit(summary), against, joining)
        said += _steps(summary, both) + _uses(summary)
    replications = counted(value.n, "replication")
    return f"{said}. {caveat or f'{replications}; {CAVEAT}'}."


def _unit(summary: pd.DataFrame) -> str:
    """The unit of money in which the value of joint data is stated."""
    return str(summary[(summary["estimand"] == VALUE) & (summary["metric"] == PROFIT)]["unit"].iloc[0])


def _against(summary: pd.DataFrame, sides: Sides) -> str:
    """What joint data are compared with, and whose it is: "the better silo alone (cmo: context and history)"."""
    owner, held = sides.owners.get(sides.arm, ""), listed(sides.arm.split("+"))
    if sides.silo == BEST_SILO:
        held = listed(sides.sources) if sides.arm == "joint" else held
        which = SILOS[BEST_SILO] if len(sides.owners) < 3 else "the best silo alone"
        which = which if _did_best(summary, sides) else "the silo that did best on the pilots"
        which = which if len(sides.owners) > 1 else "the only silo"
        return f"{which} ({f'{owner}: {held}' if owner else held})"
    if sides.silo == BEST_SINGLE:
        names = SILOS | (PLURAL_SILOS if len(sides.sources) > 2 else {})
        which = (
            names[BEST_SINGLE]
            if _did_best(summary, sides)
            else "the single source that did best on the pilots"
        )
        return f"{which} ({sides.arm})"
    names = SILOS | (PLURAL_SILOS if len(sides.sources) > 2 else {})
    return f"{names.get(sides.arm, f'{held} alone')} ({owner or sides.arm})"


def _did_best(summary: pd.DataFrame, sides: Sides) -> bool:
    """Whether none of those that it was chosen among has a higher mean profit here: it was chosen on pilots."""
    profits = {arm: lookup(summary, "utility", arm=arm) for arm in (sides.arm, *sides.others)}
    known = {arm: profit.estimate for arm, profit in profits.items() if profit is not None}
    return sides.arm not in known or known[sides.arm] >= max(known.values())


def _seeing_clicks(summary: pd.DataFrame, sides: Sides) -> str:
    """What two bidders on the same data differ in, under its own name: what they take for the worth of an impression."""
    found, percent = (lookup(summary, SEEING_CLICKS, metric) for metric in (PROFIT, f"{PROFIT}_pct"))
    if sides.silo != "clicks" or found is None:
        return ""
    subject = "On the same data, bidding by all that follows an impression"
    return f". {_claim(found, percent, _unit(summary), SILOS['clicks'], subject)}"


def others(summary: pd.DataFrame) -> str:
    """What joining changes for all others, where rivals are bidders; empty where they are not: gains and losses differ in sign."""
    found = {
        METRICS[metric].change: lookup(summary, VALUE, metric)
        for metric in ("bidder_surplus", "revenue", "welfare")
    }
    if found["welfare"] is None:
        return ""
    rows = summary[(summary["estimand"] == "value_of_joint_data") & (summary["metric"] == "revenue")]
    said = [_change(name, value) for name, value in found.items() if value is not None]
    return f"It changes, in {rows['unit'].iloc[0]}: {'; '.join(said)}."


def frozen_sentence(summary: pd.DataFrame, unit: str) -> Iterator[str]:
    """Yield what joining would change if rivals kept their curves, and what it changes that they re-optimise; nothing without fitted curves."""
    if lookup(summary, EFFECT) is not None:
        yield (
            f"If rivals kept the curves that they bid by before, it would change, in {unit}: "
            f"{_changes(summary, FROZEN + VALUE)}. "
            f"That they re-optimise changes, against that: {_changes(summary, EFFECT)}."
        )


def _changes(summary: pd.DataFrame, estimand: str) -> str:
    names = {
        PROFIT: "the focal bidder's profit",
        "revenue": "the seller's revenue",
        "payments": "its payments",
    }
    found = {name: lookup(summary, estimand, metric) for metric, name in names.items()}
    return "; ".join(_change(name, one) for name, one in found.items() if one is not None)


def _change(name: str, found: Estimate) -> str:
    """What something changes by: "revenue 12 (10 to 14)"."""
    none = "{name}, no difference shown ({interval})"
    return claim(found, "{name} {amount} ({interval})", none=none, unknown=none, name=name)


def holders(who: str | int, bidders: int) -> str:
    """Who holds an arm's data, in words; empty where it is the focal bidder alone."""
    count = holders_of(who, bidders)
    if count == 1:
        return ""
    return f"all {bidders} bidders do" if count == bidders else f"{count} of {bidders} bidders do"


def _claim(value: Estimate, percent: Estimate | None, unit: str, against: str, subject: str) -> str:
    """The headline, by what the interval allows to say."""
    amount = f"{number(value.estimate)} {unit}"
    if math.isnan(value.estimate):
        return f"{subject}: not known against {against}, no replication completed both arms"
    if value.finding == "no interval":
        return f"{subject}: {amount} against {against}, with no interval, so nothing is shown yet"
    if value.finding == "no difference shown":
        return f"{subject}: no difference shown against {against}, {amount} (95 % interval {interval(value)})"
    sign = 1.0 if value.finding == "positive" else -1.0
    verb, side = ("is worth", "over") if sign > 0 else ("costs", "below")
    cost = f"{number(sign * value.estimate)} {unit}"
    start = f"{subject} {verb} {cost} (95 % interval {interval(value, sign=sign)})"
    if percent is None or math.isnan(percent.estimate):
        return f"{start} {side} {against}, whose profit is not positive, so no percentage"
    if percent.finding == "no difference shown":
        return f"{start} {side} {against}; no percentage, as its interval spans zero"
    share = f"{number(sign * percent.estimate)} % ({interval(percent, sign=sign)})"
    return f"{start}, {share} {side} {against}"


def _steps(summary: pd.DataFrame, both: str) -> str:
    """What each step gives, after a colon."""
    phrases = _phrases(summary, {name: words.format(both=both) for name, words in STEPS.items()})
    return f": {phrases}" if phrases else ""


def _uses(summary: pd.DataFrame) -> str:
    """The value by what is done better, where creatives are chosen."""
    phrases = _phrases(summary, USES)
    return f". Of it {phrases}" if phrases else ""


def _phrases(summary: pd.DataFrame, names: Mapping[str, str]) -> str:
    """Each of these estimands that the summary has, with its source."""
    found = {words: lookup(summary, name) for name, words in names.items()}
    return ", ".join(_step(step, words) for words, step in found.items() if step is not None)


def _step(step: Estimate, source: str) -> str:
    return claim(
        step,
        "{amount} ({interval}) from {source}",
        loss="a loss of {amount} ({interval}) from {source}",
        none="no difference shown from {source} ({amount}, {interval})",
        unknown="{amount} from {source} (no interval)",
        source=source,
    )
