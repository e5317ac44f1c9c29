"""What is worth a second look before a study is quoted: each check passes, asks for a review, or fails, and says what helps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ...estimate.intervals import Estimate
from ...estimate.ladder import PROFIT, lookup
from ...estimate.learning import COST
from ...estimate.metrics import USED_UP
from ..folders.study import StudyFolder
from ..numbers import interval, number
from ..sweep import headline_rows
from .closed_form import closed_form

Status = Literal["PASS", "REVIEW", "FAIL"]
CheckResult = tuple[Status, str, str]
"""What a check comes to: its status, what was seen, and the advice."""

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
"""Slopes of a learned score's calibration that pass: 1 is right, below it the score is too bold."""
DEAR = 0.05
"""Part of the profit with exact values: where learning costs more, the learner has not learned enough."""


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


def checks(study: StudyFolder) -> list[Check]:
    """Return every check that applies to this study, failures first."""
    outcomes = {name: check(study) for name, check in CHECKS.items()}
    found = [Check(name, *outcome) for name, outcome in outcomes.items() if outcome]
    return sorted(found, key=lambda check: ("FAIL", "REVIEW", "PASS").index(check.status))


def _result(found: str, advice: str, *, is_fine: bool) -> CheckResult:
    return ("PASS", found, "") if is_fine else ("REVIEW", found, advice)


def _finished(study: StudyFolder) -> CheckResult | None:
    if study.status != "running":
        return None
    return "REVIEW", "the study has not come to its end", "run the same command again"


def _failed(study: StudyFolder) -> CheckResult | None:
    failed = len(study.failures)
    if not failed:
        return None if study.summary.empty else ("PASS", "none", "")
    keys = [name for name in ("study_point", "arm", "replication") if name in study.cells]
    whole = failed + len(study.cells.drop_duplicates(keys))
    return (
        "REVIEW" if failed <= FEW_FAILED * whole else "FAIL",
        f"{failed:,} of {whole:,}; the first: {str(study.failures[0].get('error', '')).splitlines()[0]}",
        "mend the cause (failures.jsonl has the command of each), then the same command finishes what is missing",
    )


def _replications(study: StudyFolder) -> CheckResult | None:
    if study.summary.empty or study.is_log:  # a log is resampled, not replicated
        return None
    estimand = study.summary["estimand"].astype(str)
    compared = (estimand != "utility") & (study.summary["metric"] == PROFIT)
    compared &= ~estimand.str.endswith("_over_worlds")  # these count worlds
    rows = study.summary[compared]  # break-evens rest on the fewer replications of their curve
    fewest = int((rows if len(rows) else study.summary)["n_replications"].min())
    if fewest >= ENOUGH:
        return "PASS", f"{fewest}", ""
    advice = f"study.replications={ENOUGH}: what has been computed is kept"
    return "FAIL" if fewest < 2 else "REVIEW", f"{fewest}; {ENOUGH} are usual", advice


def _width(study: StudyFolder) -> CheckResult | None:
    value = lookup(headline_rows(study.summary), "value_of_joint_data")
    if value is None:
        return None
    if not value.has_interval:
        return "FAIL", "there is no interval, so nothing is shown", "more than one replication is needed"
    half = (value.ci_high - value.ci_low) / 2
    relative = half / abs(value.estimate) if value.estimate else math.inf if half else 0.0
    spans = " (it spans zero)" if relative > WIDE and value.finding == "no difference shown" else ""
    found = f"{number(value.estimate)} ± {number(half)}{spans}"
    return _result(found, _narrower(study, value, relative), is_fine=relative <= WIDE)


def _narrower(study: StudyFolder, value: Estimate, relative: float) -> str:
    if study.is_log:
        return "a larger log narrows it; more resamples do not"
    if not math.isfinite(relative):
        return "study.half_width=… finds how many replications a wanted width needs"
    needed = math.ceil(value.n * (relative / WIDE) ** 2)
    return f"some {needed:,} replications would bring it to half the estimate, if that stays as it is"


def _budget(study: StudyFolder) -> CheckResult | None:
    shares = _spent_together(study.summary)
    shares = _spent(study.cells) if shares.empty else shares
    if shares.empty:
        return None
    if used := [str(name) for name in shares.index[shares >= USED_UP]]:
        return "PASS", f"used up (at least {100 * USED_UP:g} % on average) by {', '.join(used)}", ""
    most = f"{number(100 * float(shares.max()))} %"
    found = f"not used up: at most {most} of it was spent on average ({shares.idxmax()})"
    return (
        "REVIEW",
        found,
        "a smaller bidders.budget, where it is to bind; bidders.budget=null, where it is not",
    )


def _spent_together(summary: pd.DataFrame) -> pd.Series[float]:
    """Return the share of its budget that each strategy of a tournament spends where all meet in one market."""
    rows = summary[(summary["estimand"] == "score_together") & (summary["metric"] == "budget_spent")]
    return rows.set_index("arm")["estimate"].dropna()


def _spent(cells: pd.DataFrame) -> pd.Series[float]:
    """Return the share of its budget, of the run or of all its days, that an arm or a strategy spends, where it spends most."""
    none = pd.Series(dtype=float)
    if cells.empty or not {"focal", "budget_left"} <= set(cells):
        return none
    focal = cells["focal"].astype(bool)
    cells, by = (cells[focal], "arm") if focal.any() else (cells, "strategy")
    if by not in cells:
        return none
    keys = [name for name in ("study_point", "arm", "replication", "advertiser", "strategy") if name in cells]
    sums = cells.groupby(keys)[["spend", "budget_left"]].sum()
    budget = sums.sum(axis=1)
    if not np.isfinite(budget).all() or not (budget > 0).all():
        return none
    spent = sums["spend"] / budget
    points = spent.groupby([name for name in ("study_point", by) if name in keys]).mean()
    return points.groupby(by).max()


def _win_rate(study: StudyFolder) -> CheckResult | None:
    rows = headline_rows(study.summary)
    rows = rows[(rows["estimand"] == "utility") & (rows["metric"] == "win_rate")].dropna(subset=["estimate"])
    if rows.empty or closed_form(study.config):
        return None
    low, high = float(rows["estimate"].min()), float(rows["estimate"].max())
    found = f"{number(100 * low)} % to {number(100 * high)} % over the arms"
    today = rows[rows["arm"] == study.silo]["estimate"]  # who bids today has the silo's data
    if len(today):
        low = high = float(today.iloc[0])
        found = f"{number(100 * low)} % with the silo's data; {found}"
    if low >= WIN_RATES[0] and high <= WIN_RATES[1]:
        return "PASS", found, ""
    rivals = "" if study.is_log else "weaker or stronger rivals (rivals.mu, bidders.count), or "
    usual = f"{100 * WIN_RATES[0]:g} to {100 * WIN_RATES[1]:g} % are usual"
    return "REVIEW", f"{found}; {usual}", f"{rivals}another value per click"


def _learner(study: StudyFolder) -> CheckResult | None:
    models = study.tables.get("models")
    if models is not None and "calibration_slope" in models:
        slopes = models.groupby("rung")["calibration_slope"].mean().drop("none", errors="ignore")
        off = slopes[(slopes < SLOPES[0]) | (slopes > SLOPES[1])]
        found = f"calibration slopes {number(float(slopes.min()))} to {number(float(slopes.max()))}"
        advice = f"{', '.join(map(str, off.index))}: a larger log, or larger study.replay.penalties"
        return _result(found, advice, is_fine=off.empty)
    cost, exact = (lookup(study.summary, estimand, PROFIT, "joint") for estimand in (COST, "utility"))
    if cost is not None and exact is not None and exact.estimate > 0:
        share = cost.estimate / exact.estimate
        found = (
            f"joint earns {number(100 * abs(share))} % {'more' if share < 0 else 'less'} than with exact values: "
            f"exact - learned {number(cost.estimate)}, {interval(cost)}"
        )
        advice = "more of study.train_requests; the curve cost_of_learning shows how much more"
        return _result(found, advice, is_fine=share <= DEAR)
    step = lookup(headline_rows(study.summary), "joint_model_step")
    if study.config.get("study", {}).get("valuation") != "learned" or step is None:
        return None
    requests = study.config["study"].get("train_requests")
    if step.finding != "negative":
        found = f"one model of both is not shown to do worse than the two scores ({interval(step)}), from {requests:,} impressions"
        return "PASS", found, ""
    found = f"one model of both does worse than the two scores ({interval(step)}): it may not have converged"
    return "REVIEW", found, f"more than study.train_requests={requests}, or study.learner=table"


def _near_tie(study: StudyFolder) -> CheckResult | None:
    near = [note for note in study.notes if "near thing" in note]
    if near:
        return "REVIEW", near[0], "study.silo=OWNER, to name the silo beforehand"
    sides = study.sides
    gaps = {
        other: lookup(headline_rows(study.summary), "difference_to_silo", arm=other) for other in sides.others
    }
    known = {other: gap for other, gap in gaps.items() if gap is not None and gap.has_interval}
    if not known:
        return None
    other, gap = max(known.items(), key=lambda item: item[1].estimate)
    best, second = sides.label(sides.arm), sides.label(other)
    if gap.finding == "negative":
        return "PASS", f"{best}; {second} earns {number(-gap.estimate)} less", ""
    found = f"{best} and {second} are close: {number(-gap.estimate)}, {interval(gap, sign=-1)}"
    return "REVIEW", found, f"quote the value over each of them: study.silo={sides.arm}, study.silo={other}"


def _closed_form(study: StudyFolder) -> CheckResult | None:
    known = closed_form(study.config)
    rows = {arm: lookup(study.summary, "utility", PROFIT, arm) for arm in known}
    compared = {arm: row for arm, row in rows.items() if row is not None and row.has_interval}
    if not compared:
        return None
    distances = {arm: _standard_errors(row, known[arm]) for arm, row in compared.items()}
    far = [
        f"{arm} {number(row.estimate)}, should be {number(known[arm])}"
        for arm, row in compared.items()
        if distances[arm] > FAR
    ]
    if far:
        advice = "do not use these numbers: the engine or its installation is wrong"
        return "FAIL", "; ".join(far), advice
    worst = number(max(distances.values()))
    return "PASS", f"{', '.join(compared)} lie within {worst} standard errors of it", ""


def _standard_errors(found: Estimate, truth: float) -> float:
    """Return the distance of an estimate from the truth in standard errors; rounding does not count."""
    distance, error = abs(found.estimate - truth), found.standard_error
    if error:
        return distance / error
    return 0.0 if distance <= 1e-9 * max(1.0, abs(truth)) else math.inf


def _leaks(study: StudyFolder) -> CheckResult | None:
    if "tags" not in study.summary:
        return None
    unlimited = study.summary[study.summary["budget_share"] == math.inf].groupby("tags", sort=False)
    values = {tags: lookup(rows, "value_of_joint_data") for tags, rows in unlimited}
    with_all, without = values.get("all"), values.get("without_suspects")
    if without is None or with_all is None:
        return "PASS", "no tag was found that predicts more than it should", ""
    found = (
        f"the value of joint data is {number(with_all.estimate)} ({interval(with_all)}) with the suspect tags, and "
        f"{number(without.estimate)} ({interval(without)}) without them"
    )
    return "REVIEW", found, "quote the figure without them, unless you know how those tags come about"


CHECKS: dict[str, Callable[[StudyFolder], CheckResult | None]] = {
    "closed form": _closed_form,
    "finished": _finished,
    "failed cells": _failed,
    "replications": _replications,
    "width of the interval": _width,
    "leak suspects": _leaks,
    "choice of the silo": _near_tie,
    "learner": _learner,
    "budget": _budget,
    "win rate": _win_rate,
}
"""Name of each check on the page -> the function that makes it; None where it does not apply."""
