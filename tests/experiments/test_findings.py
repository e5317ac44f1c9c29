from __future__ import annotations

import pandas as pd
import pytest

from jointbid.experiments.config.points import load
from jointbid.experiments.estimate.ladder import SUMMARY_COLUMNS
from tools.findings import PAGE, SECTIONS, Finding, ask, markdown, row

ALL = [finding for findings in SECTIONS.values() for finding in findings]


@pytest.mark.parametrize("finding", ALL, ids=[finding.heading for finding in ALL])
def test_every_command_is_one_and_is_on_the_page(finding):
    (point,) = load(finding.verb, finding.overrides)
    text = PAGE.read_text("utf-8")
    assert f"### {finding.heading}\n\n`{finding.command}`\n\n*{point.settings.scenario.question}*" in text
    section = text.partition(f"### {finding.heading}\n")[2].partition("\n#")[0]
    assert "95 % interval" in section or "(" in section, "no claim without its interval"
    assert all(metric in section for _, metric, _ in finding.rows)


def test_what_speaks_against_joining_is_there():
    text = PAGE.read_text("utf-8")
    against = text.partition("## What speaks against joining\n")[2].partition("\n## ")[0]
    assert against.count("Joining profile and context costs") == 3
    assert "simulation error only" in against


def test_a_finding_is_the_studys_own_words(tmp_path):
    small = ("scenario=theory", "plot.enabled=false", "supply.requests=500", "study.replications=2")
    finding = Finding("Small", "value", small, (("shapley", "focal_profit", "profile"),))
    question, answer = ask(finding, str(tmp_path))
    text = "".join(markdown(finding, question, answer))
    assert text.startswith("\n### Small\n\n`jointbid value scenario=theory")
    assert " ".join(answer.findings.verdict) in text.replace("\n", " ")
    assert "| shapley (focal_profit), profile | " in text


def test_a_row_that_is_not_there_is_no_finding():
    with pytest.raises(LookupError, match="no shapley"):
        row(pd.DataFrame(columns=list(SUMMARY_COLUMNS)), "shapley", "focal_profit", "")
