"""The command line is one parser, and one function sets values in a configuration."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from jointbid.experiments.cli.parser import ACTIONS, VERBS, parse
from jointbid.experiments.config.patch import has, patch, without
from jointbid.experiments.config.text import quoted
from jointbid.experiments.errors import BadInput


def test_options_stand_anywhere_among_the_words():
    found = parse(["value", "seed=1,2", "-m", "response.d=-.1", "--config-dir=a b", "~creative", "--cell", "arm joint"])  # fmt: skip
    assert (found.verb, found.words) == ("value", ["seed=1,2", "response.d=-.1", "~creative"])
    assert (found.multirun, found.config_dir, found.cell, found.cfg) == (True, "a b", "arm joint", None)


@pytest.mark.parametrize("word", ["-x.csv", "--out", "day=2013-06-06/f.gz", "'a b'"])
def test_words_after_two_dashes_are_words(word):
    found = parse(["log", "inspect", "supply.requests=5", "--", word])
    assert (found.words, found.out, found.command) == (["supply.requests=5", word], None, "log inspect")


def test_sql_that_begins_with_a_comment_is_a_word():
    assert parse(["results", "query", "-- all of them\nSELECT 1"]).one("SQL").endswith("SELECT 1")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["valeu"], "valeu: must be one of value, run"),
        (["log", "inspct"], "log inspct: must be one of inspect, join, calibrate, synthesize, table; did you mean 'inspect'?"),
        (["run", "--cel", "x"], "--cel: no such option; did you mean '--cell'?"),
        (["run", "--cell"], "--cell: needs the name of a cell"),
        (["run", "--cfg="], "--cfg: needs the word job"),
        (["strategies", "list", "all"], "strategies list: unexpected word 'all'; usage: jointbid strategies list"),
        (["compare", "--delete", "x"], "--delete: no such option"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_named(words, message):
    with pytest.raises(BadInput) as refused:
        parse(words)
    assert str(refused.value).startswith(message)


@pytest.mark.parametrize("words", [[], *([verb] for verb in VERBS), *([verb, name] for verb in ACTIONS for name in ACTIONS[verb])])  # fmt: skip
def test_every_level_has_help(words):
    text = parse([*words, "--help"]).help
    assert text.startswith("usage: jointbid")
    assert " ".join(words) in text


TREE = {"seed": 1, "response": {"b": 0.1}, "rivals": {"by_context": [1, 2, 3]}}


@pytest.mark.parametrize(
    ("key", "value", "place", "expected"),
    [
        ("seed", 2, "seed", 2),
        ("response.b", 0.2, "response", {"b": 0.2}),
        ("response.d", 0.2, "response", {"b": 0.1, "interaction": 0.2}),
        ("response", {}, "response", {}),
        ("creative.loud.a", 1, "creative", {"loud": {"a": 1}}),
        ("seed.of", 1, "seed", {"of": 1}),
        ("rivals.by_context.1", 9, "rivals", {"by_context": [1, 9, 3]}),
        ("bidders.strategy", "linear", "bidders", {"strategy": {"name": "linear"}}),
        ("bidders.answer_ms", 5, "bidders", {"answer_ms": {"law": "constant", "mean": 5}}),
        ("auction.slots", (1.0, 0.5), "auction", {"slots": [1.0, 0.5]}),
    ],
)
def test_patch(key, value, place, expected):
    before = repr(TREE)
    patched = patch(TREE, key, value)
    assert patched[place] == expected
    assert {name: part for name, part in patched.items() if name != place} == {
        name: part for name, part in TREE.items() if name != place
    }
    assert repr(TREE) == before


def test_without():
    assert without(TREE, ["response", "b"]) == {**TREE, "response": {}}
    assert without(TREE, ["seed", "b"]) == without(TREE, ["nowhere"]) == TREE
    assert has(TREE, "rivals.by_context.2")
    assert not has(TREE, "rivals.by_context.3")


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize(
    "text", ["", "plain", 'a"b', "it's", r"a\b", r"a\"b", "ends\\", "ends\\\\", "a b,c=d[e]"]
)
def test_any_text_can_be_quoted(text, quote):
    parser = OverridesParser.create()
    assert parser.parse_override(f"key={quoted(text, quote)}").value() == text
    assert parser.parse_override(f"key=[{quoted(text, quote)},x]").value() == [text, "x"]
