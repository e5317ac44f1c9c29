"""From overrides to settings: every key of the contract, synonyms, sweeps, and what a folder's name depends on."""

from __future__ import annotations

import math
import time
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel

from jointbid.experiments.cells.cell import Cell
from jointbid.experiments.config.keys import is_known, known_keys
from jointbid.experiments.config.points import content_hash, load
from jointbid.experiments.config.settings import Settings
from jointbid.experiments.config.studies import STUDIES
from jointbid.experiments.config.value_settings import ValueSettings
from jointbid.experiments.errors import BadInput
from jointbid.sim.scenario import LogSupply, SyntheticSupply

# the keys that scripts of others rely on, with a value, and where it must arrive in the resolved configuration
KEYS = [
    ("seed=7", 7),
    ("results_dir=elsewhere", "elsewhere"),
    ("study.replications=5", 5),
    ("study.half_width=.5", 0.5),
    ("study.who=universal", "universal"),
    ("study.who=1", 1),
    ("study.silo=stacked", "stacked"),
    ("study.valuation=learned", "learned"),
    ("study.train_requests=5000", 5000),
    ("supply.requests=1000", 1000),
    ("engine.max_block=1", 1),
    ("auction.type=first_price", "first_price"),
    ("auction.floor_cpm=500", 500.0),
    ("source.profile.match_rate=.3", 0.3),
    ("source.profile.match_rate=[.3,.6]", [0.3, 0.6]),
    ("source.profile.false_match_rate=.1", 0.1),
    ("source.profile.sync_interval_h=2", 2.0),
    ("source.profile.latency_h=inf", math.inf),
    ("source.profile.use=naive", "naive"),
    ("source.profile.flip_rate_per_h=.25", 0.25),
    ("source.context.match_rate=.5", 0.5),
    ("response.family=logit", "logit"),
    ("response.interaction=-.1", -0.1),
    ("response.redundancy=.4", 0.4),
    ("response.a=1.5", 1.5),
    ("response.b=.2", 0.2),
    ("response.c=.1", 0.1),
    ("bidders.count=5", 5),
    ("bidders.budget=100", 100.0),
    ("bidders.control_interval_h=.5", 0.5),
    ("bidders.control_interval_requests=1", 1),
    ("auction.tmax_ms=100", 100.0),
    ("audience.people=1000", 1000),
    ("rivals.landscape=lognormal", "lognormal"),
    ("rivals.high=3", 3.0),
    ("rivals.mu=0", 0.0),
    ("rivals.sigma=.8", 0.8),
]


def one(*overrides, verb="value", **options):
    (point,) = load(verb, overrides, **options)
    return point


def resolved(*overrides, **options):
    return yaml.safe_load(one(*overrides, **options).yaml)


def at(tree, place):
    for step in place.split("."):
        tree = tree[step]
    return tree


@pytest.mark.few(12)
@pytest.mark.parametrize(("override", "expected"), KEYS, ids=[key for key, _ in KEYS])
def test_keys_of_the_contract(override, expected):
    assert at(resolved("scenario=theory", override), override.split("=")[0]) == expected


@pytest.mark.parametrize(("group", "place"), [("executor", "executor.name"), ("scenario", "scenario.name")])
@pytest.mark.parametrize("number", [0, 1])
def test_groups(group, place, number):
    choice = {"executor": ("serial", "process"), "scenario": ("default", "theory_rivals")}[group][number]
    assert at(resolved(f"{group}={choice}"), place) == choice


LISTED = [
    (["creative.loud.a=.2", "creative={mine: {share: 2}}", "creative.mine.b=1"], "creative.mine.share", 2.0),
    (["auction.tmax_ms=100", "auction.throttle.late_share=.1", "auction.throttle={}"], "auction.throttle.late_share", 0.15),
    (["source={}"], "source", {}),
    (["audience.people=9", "audience.activity_skew=2"], "audience.activity_skew", 2.0),
    (
        ["audience.people=9", "bidders.terms.caps=[{impressions: 3, window_h: 24}]"],
        "bidders.terms.caps",
        [{"impressions": 3, "window_h": 24.0, "window": "sliding", "per": "campaign"}],
    ),
    (["auction.tmax_ms=100", "auction.throttle.late_share=.1"], "auction.throttle.late_share", 0.1),
    (["response.conversion.value=3"], "response.conversion.value", 3.0),
    (["response.click_delay_h={law: weibull, mean: 2, shape: .5}"], "response.click_delay_h.shape", 0.5),
    (["creative.loud.a=.2", "creative.calm.share=2"], "creative.loud.a", 0.2),
    (["source.profile.lookup_latency_ms=30"], "source.profile.lookup_latency_ms.law", "exponential"),
    (["bidders.answer_ms=30"], "bidders.answer_ms.law", "constant"),
    (["bidders.answer_ms=30", "bidders.answer_ms.law=exponential"], "bidders.answer_ms.mean", 30.0),
    (["auction=mixed", "auction.type={vcg: 1}"], "auction.type", {"vcg": 1.0}),
    (
        ["response.conversion.delay_h={law: empirical, points: [[0, 0], [1, 3]]}",
         "response.conversion.delay_h={law: exponential, mean: 5}"],
        "response.conversion.delay_h.points",
        [],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "place", "expected"), LISTED, ids=[case[1] for case in LISTED])
def test_parts_that_the_scenario_lacks_can_be_set(overrides, place, expected):
    assert at(resolved(*overrides), place) == expected


def test_letters_of_the_literature():
    response = resolved("scenario=theory", "response.d=.2", "response.q=-.3")["response"]
    assert (response["interaction"], response["redundancy"]) == (0.2, -0.3)


@pytest.mark.parametrize(
    "overrides",
    [
        ["strategy=linear", "bidders.strategy.gain=.8"],
        ["bidders.strategy=linear", "bidders.strategy.gain=.8"],
        ["bidders.strategy={name: linear, gain: 0.8}"],
        ["strategy=adaptive_pacing", "bidders.strategy={name: linear, gain: 0.8}"],
    ],
    ids=" ".join,
)
def test_strategies(overrides):
    assert resolved(*overrides)["bidders"]["strategy"] == {"name": "linear", "gain": 0.8}


def test_groups_of_the_command_line_win_over_the_scenario():
    tree = resolved("scenario=theory", "strategy=linear", "auction=first_price")
    assert (tree["bidders"]["strategy"]["name"], tree["auction"]["type"]) == ("linear", "first_price")


def test_theory_is_the_base_example():
    scenario = one("scenario=theory").settings.scenario
    response, rivals = scenario.response, scenario.rivals
    assert (response.a, response.b, response.c, response.interaction, response.redundancy) == (
        1,
        0.3,
        0.2,
        0.1,
        0,
    )
    assert (rivals.landscape, rivals.high, scenario.supply.requests) == ("uniform", 2, 200_000)
    assert set(scenario.source) == {"profile", "context"}


def test_a_resolved_configuration_is_one_again():
    point = one("scenario=theory", "source.profile.latency_h=inf", "response.d=.3")
    tree = yaml.safe_load(point.yaml)
    from jointbid.experiments.config.validation import validate

    assert validate("value", tree) == point.settings


@pytest.mark.parametrize(
    "same",
    [
        "study.replications=3",
        "study.half_width=1",
        "executor=serial",
        "executor.jobs=1",
        "results_dir=elsewhere",
        "plot.enabled=false",
        "source.context.match_rate=1.0",
    ],
)
def test_what_does_not_change_a_cell_does_not_change_the_folder(same):
    assert one(same).folder.name == one().folder.name


@pytest.mark.parametrize(
    "other", ["seed=2", "study.who=universal", "supply.requests=10", "study.silo=stacked"]
)
def test_what_changes_a_cell_changes_the_folder(other):
    assert content_hash(one(other).settings) != content_hash(one().settings)


def test_folder():
    folder = one("scenario=theory", "results_dir=out").folder
    assert folder.parts[:2] == ("out", "value")
    scenario, _, digits = folder.name.rpartition("-")
    assert scenario == "theory"
    assert len(digits) == 12
    assert int(digits, 16) >= 0


def test_key_of_a_cell():
    scenario = one("scenario=theory").settings.scenario
    renamed = scenario.model_copy(update={"name": "mine", "question": "?", "engine": {"max_block": 1}})
    cell = Cell(scenario, "joint")
    assert cell.key == Cell(scenario, "joint").key
    assert cell.key == Cell(scenario, "joint", train_requests=1, learner="table").key, "bayes learns nothing"
    others = [
        Cell(scenario, "stacked"),
        Cell(scenario, "joint", seed=2),
        Cell(scenario, "joint", replication=1),
        Cell(scenario, "joint", valuation="learned"),
        Cell(scenario, "joint", valuation="learned", train_requests=1),
        Cell(scenario, "joint", who=2),
    ]
    assert len({cell.key, *(other.key for other in others)}) == len(others) + 1
    assert renamed != scenario


def test_a_list_needs_no_brackets_unless_commas_are_a_sweep():
    listed = ["plot.format=svg,pdf", "study.point.redundancy=0,.5", "seed=3"]
    (point,) = load("value", listed)
    assert point.settings.plot.format == ("svg", "pdf")
    assert point.settings.study.point.redundancy == (0.0, 0.5)
    assert [found.settings.plot.format for found in load("value", listed[:1], multirun=True)] == [
        ("svg",),
        ("pdf",),
    ]
    for other in ("seed=1,2", "plot.format=[svg],[pdf]", "plot.format=choice(svg,pdf)"):
        with pytest.raises(BadInput, match="add -m"):
            load("value", [other])


def test_sweep():
    found = load(
        "value", ["scenario=default,theory", "source.profile.match_rate=0.3,0.6", "seed=3"], multirun=True
    )
    assert [point.label for point in found] == [
        f"scenario={name} source.profile.match_rate={rate}"
        for name in ("default", "theory")
        for rate in (0.3, 0.6)
    ]
    assert len({point.folder for point in found}) == 4
    assert {point.settings.seed for point in found} == {3}
    (alone,) = load("value", found[-1].overrides)
    assert alone.folder == found[-1].folder


def test_sweeps_by_range_and_by_pattern():
    found = load(
        "value", ["scenario=glob(theory*)", "source.profile.match_rate=range(0,1,.5)"], multirun=True
    )
    rates = {(p.settings.scenario.name, p.settings.scenario.source["profile"].match_rate) for p in found}
    assert rates == {(name, rate) for name in ("theory", "theory_rivals") for rate in (0, 0.5)}


SWEPT = [
    ["source.profile.match_rate=0.3,1", "response.d=-.1,.1", "scenario=theory,default"],
    ["source.profile.match_rate=0.3,.6", "study.replications=3,4"],  # the same studies, twice
    ["response.click_delay_h=1,{law: exponential,mean: 3}", "seed=1,2"],
    ["response={family: logit},{family: additive}", "response.a=1,2"],
    ["bidders.strategy=truthful,linear", "auction.floor_cpm=1,2"],
    ["auction.type=first_price,second_price", "auction.slots=[1],[1,.5]"],
    ["creative.loud.a=.2,.3", "source.profile.use=naive,calibrated", "study.half_width=null,.5"],
    ["scenario.question=a,b", "seed=1,2", "auction.floor_cpm=${seed},3"],
]


@pytest.mark.parametrize("swept", SWEPT, ids=[" ".join(case) for case in SWEPT])
def test_a_point_of_a_sweep_is_what_its_own_command_makes(swept):
    """Most points are not composed but filled in; that must not show."""
    found = load("value", swept, multirun=True)
    assert (
        len(found) == math.prod(text.count(",") + 1 for text in swept) or "{" in swept[0] or "[" in swept[1]
    )
    for point in found:
        (alone,) = load("value", point.overrides)
        assert (alone.settings, alone.folder) == (point.settings, point.folder)
    assert list(found.folders) == [point.folder for point in found]


def test_latin_hypercube():
    ranges = ["source.profile.match_rate=interval(.2,.6)", "auction.floor_cpm=tag(log,interval(1,1000))"]
    found = load(
        "value",
        [*ranges, "seed=int(interval(1,4))", "scenario=theory,default", "sweep.samples=40"],
        multirun=True,
    )
    assert len(found) == 80
    first = [point.settings for point in found][:40]
    match = sorted(settings.scenario.source["profile"].match_rate for settings in first)
    assert [int((rate - 0.2) / 0.4 * 40) for rate in match] == list(range(40)), "one sample a stratum"
    floors = sorted(math.log(settings.scenario.auction.floor_cpm, 1000) for settings in first)
    assert [int(share * 40) for share in floors] == list(range(40))
    assert sorted(settings.seed for settings in first) == [1] * 10 + [2] * 10 + [3] * 10 + [4] * 10
    assert [p.overrides[1:] for p in found[:40]] != [p.overrides[1:] for p in found[40:]], (
        "the other scenario"
    )
    assert not any("sweep" in text for point in found for text in point.overrides)
    again = load("value", [*ranges, "sweep.samples=40", "sweep.seed=2", "scenario=theory"], multirun=True)
    assert {point.folder for point in again}.isdisjoint(found.folders)


@pytest.mark.slow
def test_thousands_of_points_are_read_in_seconds():
    started = time.process_time()
    found = load("value", ["seed=range(0,2000)", "source.profile.match_rate=.5"], multirun=True)
    assert len(set(found.folders)) == 2000
    assert time.process_time() - started < 10


def test_own_folder_of_configuration(tmp_path):
    (tmp_path / "scenario").mkdir()
    (tmp_path / "scenario" / "own.yaml").write_text(
        "# @package _global_\nsupply: {requests: 123}\nsource: {profile: {}, context: {}}\n"
    )
    point = one("scenario=own", config_dir=str(tmp_path))
    assert (point.settings.scenario.name, point.settings.scenario.supply.requests) == ("own", 123)
    assert str(tmp_path) in point.command


def test_scenarios_that_set_keys_of_another_study_do_for_every_verb():
    assert one("scenario=ipinyou", "supply.path=x", verb="run").settings.study.arm == "joint"


def test_every_known_key_is_in_the_resolved_configuration_or_belongs_to_logs():
    def keys(tree, prefix=""):
        for key, value in tree.items():
            yield prefix + key
            if isinstance(value, dict):
                yield from keys(value, f"{prefix}{key}.")

    optional = (
        "response.conversion.",
        "auction.throttle.",
        "journey.",
        "study.tune.",
        "study.overtaking.",
    )
    optional += ("audience.consent.", "collaboration", "first_party")
    optional += (
        "audience.drift.",
        "stock.",
        "bidders.terms.holdout.",
        "touchpoints.",
        "study.range.",
    )
    every = [key.replace("source.<name>", "source.profile") for key in known_keys(Settings[ValueSettings])]
    known = {key for key in every if "<" not in key and not key.startswith(optional)}
    assert known - set(keys(resolved("scenario=theory"))) == {
        f"supply.{key}" for key in LogSupply.model_fields if key not in SyntheticSupply.model_fields
    }


OF_MAPS = [
    (
        ["auction.rank.rule=quality", "auction.rank.by_bidder.focal=2"],
        "auction.rank.by_bidder",
        {"focal": 2.0},
    ),
    (["auction.bidder_floor_cpm.focal=5"], "auction.bidder_floor_cpm", {"focal": 5.0}),
    (["auction.type.gsp=1", "auction.type.vcg=2"], "auction.type", {"gsp": 1.0, "vcg": 2.0}),
    (["auction.type={gsp: 1}", "auction.type.vcg=2"], "auction.type", {"gsp": 1.0, "vcg": 2.0}),
    (["auction.type={gsp: 1, vcg: 2}", "~auction.type.gsp"], "auction.type", {"vcg": 2.0}),
    (
        ["study.upgrade.source.profile.match_rate=.9", "study.upgrade.source.context.match_rate=1"],
        "study.upgrade",
        {"source.profile.match_rate": 0.9, "source.context.match_rate": 1},
    ),
    (
        [
            "study.upgrade={source.profile.match_rate: .9, seed: 1}",
            "~study.upgrade.source.profile.match_rate",
        ],
        "study.upgrade",
        {"seed": 1},
    ),
    (
        ["bidders.kinds.slow.strategy=linear", "bidders.kinds.slow.strategy.gain=.8"],
        "bidders.kinds.slow.strategy",
        {"name": "linear", "gain": 0.8},
    ),
]


@pytest.mark.parametrize(("overrides", "place", "wanted"), OF_MAPS)
def test_an_entry_of_a_map_is_set_by_its_own_key(overrides, place, wanted):
    node = load("value", overrides)[0].settings.tree()
    for step in place.split("."):
        node = node[step]
    assert node == wanted


def test_an_entry_of_a_map_is_swept():
    points = load("run", ["auction.rank.rule=quality", "auction.rank.by_bidder.focal=1,2"], multirun=True)
    assert [point.settings.scenario.auction.rank.by_bidder for point in points] == [
        {"focal": 1.0},
        {"focal": 2.0},
    ]


@pytest.mark.parametrize("verb", STUDIES)
def test_each_map_of_the_settings_takes_keys_of_its_entries(verb):
    model = Settings[STUDIES[verb].model]
    maps = [place for place, kind in field_kinds(model) if "dict[" in str(kind)]
    known = [key.removeprefix("scenario.") for key in known_keys(model)]
    assert {"auction.rank.by_bidder", "source", "bidders.kinds"} <= {
        m.removeprefix("scenario.") for m in maps
    }
    assert [place for place in maps if not is_known(f"{place}.any".removeprefix("scenario."), known)] == []


def field_kinds(model, prefix=""):
    """Yield each field below a model and the models in it, dotted, with its annotation; not those of a list's items."""
    for name, field in model.model_fields.items():
        yield prefix + name, field.annotation
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from field_kinds(part, f"{prefix}{name}.")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("auction.rank.by_biddr.focal=2", "auction.rank.by_biddr.focal: no such key; did you mean 'auction.rank.by_bidder.focal'?"),
        ("auction.rank.by_bidder.focal.x=2", "auction.rank.by_bidder.focal.x: no such key; did you mean 'auction.rank.by_bidder.focal'?"),
        ("response.viewability=[true]", "response.viewability.0: must be a number or a name, not true or false"),
        ("auction.bidder_floor_cpm.focl=2", "auction.bidder_floor_cpm.focl: no such bidder; did you mean 'focal'?; there is: focal"),
    ],
)  # fmt: skip
def test_a_wrong_entry_of_a_map_or_list_gets_a_message_with_its_place(override, message):
    with pytest.raises(BadInput) as caught:
        load("run", [override])
    assert caught.value.problems[0] == message


@pytest.mark.parametrize(
    ("verb", "override", "said"),
    [
        ("tournament", "study.strategies=[truthful]", "must have at least 2 items, not 1"),
        ("value", f"bidders.terms.day_parts={[1] * 25}", "must have at most 24 items, not 25"),
    ],
)
def test_a_list_of_the_wrong_length_is_refused_in_our_own_words(verb, override, said):
    with pytest.raises(BadInput) as refused:
        load(verb, [override])
    assert said in str(refused.value)
    assert "after validation" not in str(refused.value)
