"""`jointbid help KEY`: each key has a meaning, what it may be, and the default that the settings have."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from jointbid.experiments.cli.main import main
from jointbid.experiments.config.key_help import common, key_helps, matching
from jointbid.experiments.config.keys import is_known, known_keys, nearest
from jointbid.experiments.config.points import load
from jointbid.experiments.config.settings import Settings
from jointbid.experiments.config.studies import STUDIES
from jointbid.experiments.config.text import as_yaml

CONF = Path(__file__).parents[2] / "conf" / "study"


@pytest.fixture(scope="module")
def helps():
    return key_helps("value")


@pytest.mark.parametrize("verb", list(STUDIES))
def test_every_key_has_a_meaning_and_says_what_is_allowed(verb):
    lacking = [place for place, said in key_helps(verb).items() if not (said.meaning and said.allowed)]
    assert not lacking


def test_what_is_said_is_what_holds(helps):
    rate = helps["source.<name>.match_rate"]
    assert (rate.default, rate.unit) == ("1", "share from 0 to 1")
    assert "at least 0, at most 1" in rate.allowed
    assert helps["source.<name>.latency_h"].unit == "hours"
    assert helps["plot.enabled"].default == "true"
    assert helps["bidders.budget"].default == "null"
    assert "uniform, lognormal, normal, histogram; or null" in helps["rivals.landscape"].allowed
    assert helps["study.replay.folds"].meaning.startswith("Parts of the log")


@pytest.mark.parametrize("verb", list(STUDIES))
def test_the_default_is_what_the_study_begins_with(verb):
    def leaves(tree, place="study"):
        for key, value in tree.items():
            below = f"{place}.{key}"
            yield from leaves(value, below) if isinstance(value, dict) else [(below, as_yaml(value))]

    helps = key_helps(verb)
    begun = leaves(yaml.safe_load((CONF / f"{verb}.yaml").read_text("utf-8")))
    assert not {place: value for place, value in begun if helps[place].default != value}


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("source.profile.match_rate", "source.<name>.match_rate"),
        ("match_rate", "source.<name>.match_rate"),
        ("supply.requests", "supply.requests"),
        ("lookup_latency_ms.mean", "source.<name>.lookup_latency_ms.mean"),
    ],
)
def test_a_key_is_found_whole_or_by_its_end(helps, word, first):
    assert first in matching(word, list(helps))


def test_help_of_keys(capsys):
    assert main(["help", "source.profile.match_rate"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("source.<name>.match_rate\n")
    assert "allowed: a number, at least 0" in said
    assert all(len(line) <= 80 for line in said.splitlines())
    assert main(["run", "--help", "silo"]) == 2, "run compares with no silo"
    assert main(["help", "mach_rate"]) == 2
    assert "did you mean 'match_rate'?" in capsys.readouterr().err


def test_verbs_that_differ_are_told_apart_with_the_values_that_they_start_from(capsys):
    assert main(["help", "study.replications"]) == 0
    said = capsys.readouterr().out
    for verb in ("value", "tournament", "benchmark"):
        assert f"study.replications ({verb})\n" in said
        start = load(verb, [])[0].settings.study.replications
        assert f"default: {start}\n" in said.split(f"({verb})\n")[1]
    assert main(["help", "study.point.replications"]) == 0
    start = load("value", [])[0].settings.study.point.replications
    assert f"default: {start} (value" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("market.requests", "supply.requests"),
        ("profile.match_rate", "source.profile.match_rate"),
        ("source.profile.matchrate", "source.profile.match_rate"),
        ("sorce.profile.match_rate", "source.profile.match_rate"),
        ("creative.loud.aa", "creative.loud.a"),
        ("bidder.budget", "bidders.budget"),
        ("curve.requests", "study.point.requests"),
        ("scenario.requests", "supply.requests"),
        ("source.match_rate", "source.<name>.match_rate"),
    ],
)
def test_a_wrong_key_gets_one_that_exists(word, key):
    known = known_keys(Settings[STUDIES["value"].model])
    assert nearest(word, known) == f"; did you mean {key!r}?"
    assert is_known(key, known)


def test_nothing_is_suggested_for_what_is_like_no_key():
    assert nearest("foo.bar", known_keys(Settings[STUDIES["value"].model])) == ""


def test_the_keys_shown_by_a_verb_exist_and_are_few(helps):
    assert 20 <= len(common(helps)) <= 30
    assert {"study.silo", "source.<name>.match_rate", "bidders.budget"} <= set(common(helps))


def test_one_delay_has_one_meaning_however_it_is_written():
    one, other = (
        load("value", [f"source.profile.lookup_latency_ms{spelling}=40", "auction.tmax_ms=100"])[0]
        for spelling in ("", ".mean")
    )
    delays = [point.settings.scenario.source["profile"].lookup_latency_ms for point in (one, other)]
    assert delays[0] == delays[1]
    assert delays[0].law == "exponential"


def test_values_are_written_as_yaml_has_them():
    assert [as_yaml(value) for value in (None, True, 1.0, (1, 2), {"a": None}, "x")] == [
        "null", "true", "1", "[1, 2]", "{a: null}", "x",
    ]  # fmt: skip
