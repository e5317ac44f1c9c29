"""From the silo over the two steps to joint: the bars that open the page of a study of joint data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...estimate.intervals import Estimate
from ...estimate.ladder import PROFIT, lookup
from ..folders.study import StudyFolder
from ..numbers import interval, number

STEPS = {"same_request_step": "all data on one request", "joint_model_step": "one model of all data"}


@dataclass(frozen=True)
class Bar:
    """One bar: its label, where it begins and ends in percent of the longest, its amount and interval in words, and its colour."""

    label: str
    begins: float
    ends: float
    amount: str
    between: str
    mark: str


def waterfall(study: StudyFolder) -> tuple[list[Bar], str]:
    """Return the bars and their unit; none where the study does not have both arms and both steps."""
    if study.verb != "value" or study.is_log:
        return [], ""
    summary = study.summary
    found = {step: lookup(summary, step) for step in STEPS}
    found |= {
        name: lookup(summary, "utility", arm=arm) for name, arm in (("silo", study.silo), ("joint", "joint"))
    }
    each = {name: one for name, one in found.items() if one is not None}
    if len(each) < len(found):
        return [], ""
    silo, top = each["silo"].estimate, max(one.estimate for one in each.values())
    if silo <= 0 or top <= 0:
        return [], ""
    unit = summary.loc[(summary["estimand"] == "utility") & (summary["metric"] == PROFIT), "unit"].iloc[0]
    return list(_bars(study, each, silo, max(top, silo + each["same_request_step"].estimate))), str(unit)


def _bars(study: StudyFolder, each: dict[str, Estimate], silo: float, top: float) -> Iterator[Bar]:
    yield _bar(f"the better silo, {study.silo}", 0.0, silo, top, each["silo"], "whole")
    at = silo
    for step, label in STEPS.items():
        found = each[step]
        mark = {"positive": "gain", "negative": "loss"}.get(found.finding, "open")
        yield _bar(label, at, at + found.estimate, top, found, mark)
        at += found.estimate
    yield _bar("joint", 0.0, each["joint"].estimate, top, each["joint"], "whole")


def _bar(label: str, begins: float, ends: float, top: float, found: Estimate, mark: str) -> Bar:
    low, high = sorted((max(begins, 0.0), max(ends, 0.0)))
    sign = "+" if mark != "whole" and found.estimate > 0 else ""
    between = interval(found) if found.has_interval else ""
    return Bar(label, 100 * low / top, 100 * high / top, sign + number(found.estimate), between, mark)
