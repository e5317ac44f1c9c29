"""What is worth a second look before a study is quoted: each check passes, asks for a review, or fails, and says what helps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ...estimate.intervals import Estimate
from ...estimate.ladder import PROFIT, lookup
from ...estimate.learning import COST
from ...estimate.metrics import USED_UP
from ..verdict import interval, number
from .closed_form import closed_form
from .study import Study

Status = Literal["PASS", "REVIEW", "FAIL"]

ENOUGH = 30
"""Replications that a study has by default."""
WIDE = 0.5
"""Half-width of an interval, as a share of the estimate, above which the size is hardly known."""
WIN_RATES = (0.02, 0.25)
"""What bidders report from the field."""
FAR = 4.0
"""Standard errors from the closed form that chance does not explain."""
FEW_FAILED = 0.05
"""Above this share of failed cells what is left may be a selection."""
SLOPES = (0.8, 1.25)
"""Of a learned score's calibration: 1 is right, below it the score is too bold."""
DEAR = 0.05
"""Of the profit with exact values: where learning costs more, the learner has not learned enough."""


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: what was looked at.
        status: ``PASS``, ``REVIEW`` or ``FAIL``.
        found: what was seen, with its numbers.
        advice: what to do; empty where nothing is to be done.
    """

    name: str
    status: Status
    found: str
    advice: str = ""


def checks(study: Study) -> list[Check]:
    """Every check that this study can be put to, what fails first."""
    found = [check for look in LOOKS for check in look(study)]
    order = {"FAIL": 0, "REVIEW": 1, "PASS": 2}
    return sorted(found, key=lambda check: order[check.status])


def headline(study: Study) -> pd.DataFrame:
    """The rows that stand for a study: all of them; of a log those with all tags and no budget limit."""
    summary = study.summary
    if "budget_share" not in summary:
        return summary
    return summary[(summary["tags"] == "all") & (summary["budget_share"] == math.inf)]


def _cells(study: Study) -> Iterator[Check]:
    if study.status == "running":
        yield Check("finished", "REVIEW", "the study has not come to its end", "run the same command again")
    failed, name = len(study.failures), "failed cells"
    if not failed:
        if not study.summary.empty:
            yield Check(name, "PASS", "none")
        return
    per_cell = study.cells.drop_duplicates(
        [c for c in ("study_point", "arm", "replication") if c in study.cells]
    )
    whole = failed + len(per_cell)
    few = failed <= FEW_FAILED * whole
    yield Check(
        name,
        "REVIEW" if few else "FAIL",
        f"{failed:,} of {whole:,}; the first: {str(study.failures[0].get('error', '')).splitlines()[0]}",
        "mend the cause (failures.jsonl has the command of each), then the same command finishes what is missing",
    )


def _replications(study: Study) -> Iterator[Check]:
    if study.summary.empty or study.is_log:  # a log is resampled, not replicated
        return
    compared = (study.summary["estimand"] != "utility") & (study.summary["metric"] == PROFIT)
    rows = study.summary[compared]  # break-evens rest on the fewer replications of their curve
    fewest = int((rows if len(rows) else study.summary)["n_replications"].min())
    name, found = "replications", f"{fewest}" + (f"; {ENOUGH} are usual" if fewest < ENOUGH else "")
    if fewest >= ENOUGH:
        yield Check(name, "PASS", found)
    else:
        yield Check(
            name,
            "FAIL" if fewest < 2 else "REVIEW",
            found,
            f"study.replications={ENOUGH}: what has been computed is kept",
        )


def _width(study: Study) -> Iterator[Check]:
    value = lookup(headline(study), "value_of_joint_data")
    if value is None:
        return
    name = "width of the interval"
    if not value.has_interval:
        yield Check(
            name, "FAIL", "there is no interval, so nothing is shown", "more than one replication is needed"
        )
        return
    half = (value.ci_high - value.ci_low) / 2
    found = f"{number(value.estimate)} ± {number(half)}"
    relative = half / abs(value.estimate) if value.estimate else math.inf if half else 0.0
    if relative <= WIDE:
        yield Check(name, "PASS", found)
        return
    spans = " (it spans zero)" if value.finding == "no difference shown" else ""
    yield Check(name, "REVIEW", found + spans, _narrower(study, value, relative))


def _narrower(study: Study, value: Estimate, relative: float) -> str:
    if study.is_log:
        return "a larger log narrows it; more resamples do not"
    if not math.isfinite(relative):
        return "study.half_width=… finds how many replications a wanted width needs"
    needed = math.ceil(value.n * (relative / WIDE) ** 2)
    return f"some {needed:,} replications would bring it to half the estimate, if that stays as it is"


def _budget(study: Study) -> Iterator[Check]:
    if study.cells.empty or not {"focal", "budget_left"} <= set(study.cells):
        return
    focal = study.cells["focal"].astype(bool)
    cells, by = (study.cells[focal], "arm") if focal.any() else (study.cells, "strategy")
    if by not in cells:
        return
    keys = [name for name in ("study_point", "arm", "replication", "advertiser", "strategy") if name in cells]
    sums = cells.groupby(keys)[["spend", "budget_left"]].sum()
    budget = sums.sum(axis=1)  # of the run, or of all its days
    if not np.isfinite(budget).all() or not (budget > 0).all():
        return
    spent = sums["spend"] / budget
    points = spent.groupby([name for name in ("study_point", by) if name in keys]).mean()
    shares = points.groupby(by).max()
    name, used = "budget", [str(who) for who in shares.index[shares >= USED_UP]]
    if used:
        yield Check(name, "PASS", f"used up (at least {100 * USED_UP:g} % on average) by {', '.join(used)}")
    else:
        found = f"not used up: at most {number(100 * float(shares.max()))} % of {number(float(budget.max()))} was spent on average"
        yield Check(name, "REVIEW", f"{found} ({shares.idxmax()})", "a smaller budget, where it is to bind")


def _win_rate(study: Study) -> Iterator[Check]:
    rows = headline(study)
    rows = rows[(rows["estimand"] == "utility") & (rows["metric"] == "win_rate")].dropna(subset=["estimate"])
    if rows.empty or closed_form(study.config):
        return
    low, high = float(rows["estimate"].min()), float(rows["estimate"].max())
    name, found = "win rate", f"{number(100 * low)} % to {number(100 * high)} % over the arms"
    if low >= WIN_RATES[0] and high <= WIN_RATES[1]:
        yield Check(name, "PASS", found)
        return
    yield Check(
        name,
        "REVIEW",
        f"{found}; 2 to 25 % are usual",
        "another value per click"
        if study.is_log
        else "weaker or stronger rivals (rivals.mu, bidders.count), or another value per click",
    )


def _learner(study: Study) -> Iterator[Check]:
    name = "learner"
    models = study.tables.get("models")
    if models is not None and "calibration_slope" in models:
        slopes = models.groupby("rung")["calibration_slope"].mean().drop("none", errors="ignore")
        off = slopes[(slopes < SLOPES[0]) | (slopes > SLOPES[1])]
        found = f"calibration slopes {number(float(slopes.min()))} to {number(float(slopes.max()))}"
        advice = f"{', '.join(map(str, off.index))}: a larger log, or larger study.replay.penalties"
        yield Check(name, "REVIEW" if len(off) else "PASS", found, advice if len(off) else "")
        return
    cost, exact = (lookup(study.summary, estimand, PROFIT, "joint") for estimand in (COST, "utility"))
    if cost is not None and exact is not None and exact.estimate > 0:
        share = cost.estimate / exact.estimate
        yield Check(
            name,
            "PASS" if share <= DEAR else "REVIEW",
            f"joint earns {number(100 * abs(share))} % {'more' if share < 0 else 'less'} than with exact values: "
            f"exact - learned {number(cost.estimate)}, {interval(cost)}",
            ""
            if share <= DEAR
            else "more of study.train_requests; the curve cost_of_learning shows how much more",
        )
        return
    if study.config.get("study", {}).get("valuation") != "learned":
        return
    step = lookup(headline(study), "joint_model_step")
    requests = study.config["study"].get("train_requests")
    if step is not None and step.finding == "negative":
        yield Check(
            name,
            "REVIEW",
            f"one model of both does worse than the two scores ({interval(step)}): it may not have converged",
            f"more than study.train_requests={requests}, or study.learner=table",
        )
    elif step is not None:
        yield Check(
            name,
            "PASS",
            f"one model of both is not shown to do worse than the two scores ({interval(step)}), from {requests:,} impressions",
        )


def _near_tie(study: Study) -> Iterator[Check]:
    near = [note for note in study.notes if "near thing" in note]
    if near:
        advice = "study.silo=SOURCE, to name the silo beforehand"
        yield Check("better single source", "REVIEW", near[0], advice)
        return
    others = [source for source in study.config.get("source", {}) if source != study.best_single]
    gaps = {other: lookup(headline(study), "difference_to_silo", arm=other) for other in others}
    known = {other: gap for other, gap in gaps.items() if gap is not None and gap.has_interval}
    if study.silo != "best_single" or not known:
        return
    other, gap = max(known.items(), key=lambda item: item[1].estimate)
    name, found = "better single source", f"{study.best_single}; {other} earns {number(-gap.estimate)} less"
    if gap.finding == "negative":
        yield Check(name, "PASS", found)
    else:
        yield Check(
            name,
            "REVIEW",
            f"{study.best_single} and {other} are close: {number(-gap.estimate)}, {interval(gap, sign=-1)}",
            f"quote the value over each of them: study.silo={study.best_single}, study.silo={other}",
        )


def _oracle(study: Study) -> Iterator[Check]:
    known = closed_form(study.config)
    rows = {arm: lookup(study.summary, "utility", PROFIT, arm) for arm in known}
    compared = {arm: row for arm, row in rows.items() if row is not None and row.has_interval}
    if not compared:
        return
    from scipy.special import stdtrit

    worst, far = 0.0, []
    for arm, row in compared.items():
        error = (row.ci_high - row.ci_low) / 2 / float(stdtrit(row.n - 1, 0.975))
        right = known[arm] * study.per
        distance = abs(row.estimate - right)
        z = distance / error if error else 0.0 if distance <= 1e-9 * max(1.0, abs(right)) else math.inf
        worst = max(worst, z)
        if z > FAR:
            far.append(f"{arm} {number(row.estimate)}, should be {number(right)}")
    name = "closed form"
    if far:
        yield Check(
            name, "FAIL", "; ".join(far), "do not use these numbers: the engine or its installation is wrong"
        )
    else:
        arms = ", ".join(compared)
        yield Check(name, "PASS", f"{arms} lie within {number(worst)} standard errors of it")


def _leaks(study: Study) -> Iterator[Check]:
    summary = study.summary
    if "tags" not in summary:
        return
    name, unlimited = "leak suspects", summary[summary["budget_share"] == math.inf]
    values = {
        tags: lookup(rows, "value_of_joint_data") for tags, rows in unlimited.groupby("tags", sort=False)
    }
    with_all, without = values.get("all"), values.get("without_suspects")
    if without is None or with_all is None:
        yield Check(name, "PASS", "no tag was found that tells more than it should")
        return
    yield Check(
        name,
        "REVIEW",
        f"the value of joint data is {number(with_all.estimate)} ({interval(with_all)}) with the suspect tags, and "
        f"{number(without.estimate)} ({interval(without)}) without them",
        "quote the figure without them, unless you know how those tags come about",
    )


LOOKS = (_oracle, _cells, _replications, _width, _leaks, _near_tie, _learner, _budget, _win_rate)
