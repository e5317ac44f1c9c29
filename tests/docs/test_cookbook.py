"""Each command of the cookbook is one that the program takes: it composes, and contradicts nothing."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from jointbid.experiments.cli.parser import parse
from jointbid.experiments.config.points import load

PAGE = (Path(__file__).parents[2] / "docs" / "cookbook.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line[2:]) for line in PAGE.splitlines() if line.startswith("$ jointbid")]
SMALL = ["supply.requests=2000", "study.replications=3", "plot.enabled=false"]
"""What the page's first lines say that the commands also take."""
HIS_OWN = "supply.path=auctions.csv"
"""Names a file of the reader's."""


def test_there_are_twenty():
    assert len(COMMANDS) >= 20
    assert all(word in PAGE.split("##", 1)[0] for word in SMALL)


@pytest.mark.parametrize("words", [words for words in COMMANDS if HIS_OWN not in words], ids=" ".join)
def test_a_command_composes(words):
    options = parse(words[1:])
    assert list(load(options.verb, options.words, multirun=options.multirun))


@pytest.mark.parametrize("words", {words[1]: words for words in COMMANDS[:-1]}.values(), ids=" ".join)
def test_each_verb_takes_what_makes_it_small(words):
    options = parse([*words[1:], *SMALL])
    (study,) = load(options.verb, options.words)
    assert (study.settings.scenario.supply.requests, study.settings.plot.enabled) == (2000, False)
