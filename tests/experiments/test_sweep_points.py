"""Each point of a sweep is what its own command gives alone, however it was composed."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jointbid.experiments.config import composition
from jointbid.experiments.config.composition import Composer
from jointbid.experiments.config.points import load
from jointbid.experiments.errors import BadInput

PLACES = {
    "seed": ["1", "2,3", "${study.replications}", "${supply.requests}"],
    "results_dir": ["out", "a,b", "out_${seed}", "'out ${supply.requests}'", '"a b","c"'],
    "study.replications": ["4", "4,6", "${bidders.count}"],
    "supply.requests": ["100,200", "null,300", "${seed}", "range(100,300,100)"],
    "bidders.count": ["3", "2,4", "${seed}"],
    "bidders.budget": ["null", "50,null", "${supply.requests}"],
    "bidders.answer_ms": ["30", "10,20", "{law: constant, mean: 4}"],
    "bidders.answer_ms.mean": ["5,6"],
    "bidders.strategy": ["linear", "truthful,linear", "{name: linear, gain: 0.5}"],
    "bidders.strategy.gain": [".5,.7"],
    "strategy": ["linear", "linear,truthful"],
    "auction": ["first_price", "first_price,mixed"],
    "auction.type": ["first_price", "first_price,second_price", "{first_price: 1}"],
    "auction.floor_cpm": ["1", "0,500", "${seed}"],
    "scenario": ["theory", "theory,default", "content_and_native"],
    "scenario.name": ["mine", "one,two", "run_${seed}"],
    "scenario.question": ['"is it 5 ?"', '"what, then",why', "'${seed}'"],
    "response.a": ["0.5", "1,2", "${response.b}", "1e-3,2.5"],
    "response.b": ["0.5", "1,2"],
    "response.d": ["0.1,0.2"],
    "response.conversion.a": ["-1", "-1,-2"],
    "response.conversion": ["null", "null,{a: -1}"],
    "source.profile.match_rate": [".5", ".5,.6", "[.3,.6]", "[.3,.6],.2", "${source.context.match_rate}"],
    "source.context.match_rate": [".4", ".4,.9", "1,${source.profile.match_rate}"],
    "source.shop.owner": ["cio", "cio,cmo"],
    "source": ["{}"],
    "+creative.loud.a": [".2,.3"],
    "creative.calm.share": ["2", "1,${bidders.count}"],
    "~creative": [""],
    "engine.max_block": ["1,64"],
    "executor": ["serial,process"],
    "executor.jobs": ["1,2", "${bidders.count}"],
    "plot.enabled": ["true,false"],
}


def alone(point):
    (single,) = load("value", point.overrides)
    return single


def check(texts):
    """Return the points of a sweep, each compared with its own command; none where the sweep is refused."""
    try:
        points = list(load("value", texts, multirun=True))
    except BadInput:
        return []
    for point in points:
        assert point.settings == alone(point).settings, point.overrides
        assert point.folder == alone(point).folder
    return points


def some_overrides(keys):
    """One override of each key."""
    chosen = (st.sampled_from(PLACES[key]).map(partial(_override, key)) for key in keys)
    return st.tuples(*chosen)


def _override(key, value):
    return f"{key}={value}" if value else key


@given(st.lists(st.sampled_from(sorted(PLACES)), min_size=2, max_size=4, unique=True).flatmap(some_overrides))
@settings(max_examples=8, deadline=None)
def test_any_sweep(texts):
    check(texts)


REFERRING = {
    "the folder refers to the seed": (["results_dir=out_${seed}", "seed=1,2"], ["out_1", "out_2"]),
    "a swept value refers to another": (
        ["results_dir=${scenario.name}", "scenario.name=one,two"],
        ["one", "two"],
    ),
    "it refers to what only the sweep gives": (
        ["results_dir=of_${creative.loud.a}", "creative.loud.a=.2,.3"],
        ["of_0.2", "of_0.3"],
    ),
}


@pytest.mark.parametrize(("texts", "folders"), REFERRING.values(), ids=REFERRING)
def test_a_value_that_refers_to_a_swept_one_follows_it(texts, folders):
    assert [point.settings.results_dir for point in check(texts)] == folders


def test_a_seed_that_refers_to_the_requests():
    points = check(["scenario=theory", "seed=${supply.requests}", "supply.requests=100,200"])
    assert [point.settings.seed for point in points] == [100, 200]


def test_each_choice_of_groups_is_composed_once(monkeypatch):
    """A sweep of values asks Hydra once, with references too."""
    composition._kept_composer.cache_clear()
    asked = []
    compose = Composer._compose
    monkeypatch.setattr(
        Composer, "_compose", lambda self, groups: asked.append(dict(groups)) or compose(self, groups)
    )
    assert len(load("value", ["scenario=theory", "seed=1,2,3,4"], multirun=True)) == 4
    assert asked == [{"study": "value", "scenario": "theory"}]
    swept = ["scenario=theory,default", "results_dir=out_${seed}", "seed=1,2"]
    assert len(load("value", swept, multirun=True)) == 4
    assert asked[1:] == [{"study": "value", "scenario": "default"}], "the theory is known from before"
    composition._kept_composer.cache_clear()


def test_a_file_that_changed_is_read_again(tmp_path, monkeypatch):
    """Of an installed package, within one process; and what did not change is not composed again."""
    (tmp_path / "scenario").mkdir()
    file = tmp_path / "scenario" / "mine.yaml"
    monkeypatch.setattr(composition, "folders", lambda: (f"file://{tmp_path}",))

    def requests():
        (point,) = load("value", ["scenario=mine"])
        return point.settings.scenario.supply.requests

    for number in (500, 7000):
        file.write_text(f"# @package _global_\nsupply: {{requests: {number}}}\n", "utf-8")
        assert requests() == number
    monkeypatch.setattr(Composer, "_compose", None)
    assert requests() == 7000
