"""Scenarios that answer a question hold what their first lines say: the command, and the answer with its tolerance.

    # jointbid VERB scenario=NAME
    # expects: ESTIMAND METRIC [ARM] [at KEY=VALUE] in [LOW, HIGH]; why
    # fast: overrides with which it is run here

Here they are run without plots, and without curves unless a break-even or a point of a curve (``at``) is expected.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.cli.scenarios import shipped
from jointbid.experiments.estimate.ladder import lookup

EXPECTS = re.compile(r"^# expects: (?P<what>.*?) in \[(?P<low>[^,]+), (?P<high>[^\]]+)\]", re.MULTILINE)


@dataclass(frozen=True)
class Expected:
    estimand: str
    metric: str
    arm: str | None
    at: str  # KEY=VALUE of a point of a curve; empty on the ladder
    low: float
    high: float


def expected(text):
    for found in EXPECTS.finditer(text):
        what, _, at = found["what"].partition(" at ")
        estimand, metric, *arm = what.split()
        yield Expected(estimand, metric, " ".join(arm) or None, at, float(found["low"]), float(found["high"]))


def answered(folder, one):
    """The estimate that the study's files have for what is expected."""
    if not one.at:
        return lookup(pd.read_csv(folder / "summary.csv"), one.estimand, one.metric, one.arm)
    rows = pd.read_csv(folder / "curves.csv")
    key, _, value = one.at.partition("=")
    there = rows[(rows["over"] == key) & (rows["x"].astype(str) == value)]
    return lookup(there.assign(arm=""), one.estimand, one.metric)


def command(text):
    return shlex.split(text.splitlines()[1].removeprefix("# jointbid "))


ANSWERS = {name: text for name, text in shipped().items() if "# expects:" in text}


def test_there_is_one_for_each_way_in_which_joining_pays_or_does_not():
    wanted = {"silos_cost_most", "late_lookups", "stale_naive", "thin_data", "thin_market", "binding_budget"}
    assert wanted | {"private_edge", "lost_identifiers", "what_spoils"} <= set(ANSWERS)


@pytest.mark.slow  # whole studies
@pytest.mark.parametrize("name", ANSWERS)
def test_it_answers_as_it_says(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = ANSWERS[name]
    verb, *rest = command(text)
    wanted = list(expected(text))
    assert rest[0] == f"scenario={name}"
    fast = re.search(r"^# fast: (.*)$", text, re.MULTILINE)
    extra = ["executor=serial", *(shlex.split(fast[1]) if fast else [])]
    if verb == "value":
        extra.append("study.lattice=false")
        if any(one.estimand.startswith("break_even") or one.at for one in wanted):
            extra.append("money.requests_per_month=1")  # then its curves are followed without plots
        extra.append("plot.enabled=false")
    assert main([verb, *rest, *extra]) == 0
    (folder,) = Path("results", verb).iterdir()
    for one in wanted:
        found = answered(folder, one)
        assert one.low <= found.estimate <= one.high, one
        assert one.low <= found.ci_high, one
        assert found.ci_low <= one.high, one
        if one.low > 0 or one.high < 0:
            assert found.finding == ("positive" if one.low > 0 else "negative"), "the sign is shown"
