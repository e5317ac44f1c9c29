from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import yaml

from jointbid.sim import Scenario
from jointbid.sim.scenario import StrategySpec
from jointbid.strategies import plugins as plugins_module
from jointbid.strategies import registry
from jointbid.strategies.card import listing
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.policies.linear import Linear
from jointbid.strategies.policies.pacing import AdaptivePacing
from jointbid.strategies.policies.shading import Shading
from jointbid.strategies.registry import UnknownStrategyError, make, names

MARKET = MarketFacts.of(Scenario())
KNOWN = MarketFacts.of(Scenario.model_validate({"rivals": {"landscape": "uniform", "high": 2}}))
SHIPPED = Path(__file__).parents[2] / "conf" / "strategy"


def spec(name, **params):
    return StrategySpec(name=name, **params)


@pytest.fixture
def plugins(monkeypatch):
    """Installed entry points, by name and value."""

    def install(**values):
        found = [EntryPoint(name, value, plugins_module.GROUP) for name, value in values.items()]
        monkeypatch.setattr(
            plugins_module, "entry_points", lambda group: found if group == plugins_module.GROUP else []
        )

    return install


@pytest.mark.parametrize("name", list(registry.BUILT_IN))
def test_built_in_names_make_strategies(name):
    assert name in names()
    strategy = make(spec(name), KNOWN)
    assert strategy is not make(spec(name), KNOWN)
    assert callable(strategy.bid)


def test_every_built_in_name_is_in_the_config_group():
    named = {path.stem: yaml.safe_load(path.read_text("utf-8"))["name"] for path in SHIPPED.glob("*.yaml")}
    assert set(named) >= {*registry.BUILT_IN, *registry.BRIDGES} == set(named.values())
    assert all(named[name] == name for name in registry.BUILT_IN)


def test_parameters_arrive():
    linear, pacing = (
        make(spec("linear", gain=0.3), MARKET),
        make(spec("adaptive_pacing", mu=2, step=0.1), MARKET),
    )
    assert isinstance(linear, Linear)
    assert linear.gain == 0.3
    assert isinstance(pacing, AdaptivePacing)
    assert (pacing.mu, pacing.step) == (2.0, 0.1)
    assert isinstance(make(spec("shading"), MARKET), Shading)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            spec("linaer"),
            r"unknown strategy 'linaer'; did you mean 'linear'\? \(there is: truthful, linear, ",
        ),
        (
            spec("xyz"),
            r"unknown strategy 'xyz'; if a package brings it, that is not installed for .* \(there is: truthful",
        ),
        (
            spec("pydantic"),
            r"'pydantic'; the package pydantic \S+ is installed, but has no entry point in the group jointbid\.strategies",
        ),
        (
            spec("linear", gian=2),
            r"'linear' has no parameter 'gian'; did you mean 'gain'\? \(there is: gain\)",
        ),
        (spec("truthful", gain=2), r"'truthful' has no parameter 'gain' \(there is: none\)"),
        (spec("linear", gain=-2), r"'linear': gain = -2: must be a finite number"),
        (spec("linear", gain="much"), r"strategy 'linear': "),
        (spec("shading", market=1), r"'shading' has no parameter 'market'"),
    ],
)
def test_messages_name_the_place_and_the_closest_match(asked, message):
    with pytest.raises(UnknownStrategyError, match=message):
        make(asked, MARKET)


def test_shading_refuses_a_first_price_market_without_a_landscape():
    first = MarketFacts.of(Scenario.model_validate({"auction": {"type": "first_price"}}))
    with pytest.raises(UnknownStrategyError, match=r"'shading': .*rivals\.landscape"):
        make(spec("shading"), first)


def test_the_hindsight_bound_is_no_bidder():
    assert "hindsight" not in names()
    with pytest.raises(
        UnknownStrategyError, match=r"^'hindsight' is no bidder but an upper bound .*strategies\.hindsight"
    ):
        make(spec("hindsight"), KNOWN)


def test_plugins_are_found_by_name(plugins):
    plugins(half="jointbid.strategies.policies.linear:Linear")
    assert names()[-1] == "half"
    assert make(spec("half", gain=0.5), MARKET).gain == 0.5


def test_a_broken_plugin_harms_no_other(plugins):
    plugins(broken="no.such.module:Thing", gone="jointbid.strategies.policies.linear:Gone")
    assert {"broken", "gone"} < set(names())
    assert make(spec("linear"), MARKET).gain == 1.0
    for name, error in (("broken", "ModuleNotFoundError"), ("gone", "AttributeError")):
        with pytest.raises(UnknownStrategyError, match=f"'{name}' of .* cannot be loaded: {error}"):
            make(spec(name), MARKET)


def test_a_plugin_cannot_take_a_built_in_name(plugins):
    plugins(linear="jointbid.strategies.policies.linear:Truthful")
    assert names().count("linear") == 1
    assert isinstance(make(spec("linear"), MARKET), Linear)


class Package:
    """An installed package."""

    version, requires = "1.0", ()

    def __init__(self, name):
        self.name = name


def test_two_plugins_of_one_name_are_both_listed_and_neither_is_used(monkeypatch):
    linear = "jointbid.strategies.policies.linear"
    found = [
        EntryPoint("mine", value, plugins_module.GROUP)._for(Package(name))
        for name, value in (("one", f"{linear}:Linear"), ("two", f"{linear}:Truthful"))
    ]
    monkeypatch.setattr(plugins_module, "entry_points", lambda group: found)
    assert names().count("mine") == 1
    rows = [row for row in listing() if row.name == "mine"]
    assert [(row.origin, row.error) for row in rows] == [
        ("one 1.0", "not used: two 1.0 has a strategy 'mine' too"),
        ("two 1.0", "not used: one 1.0 has a strategy 'mine' too"),
    ]
    with pytest.raises(
        UnknownStrategyError,
        match=rf"'mine' is ambiguous: one 1\.0 \({linear}:Linear\) and two 1\.0 \({linear}:Truthful\)",
    ):
        make(spec("mine"), MARKET)


class Distribution:
    """An installed package that asks for another jointbid."""

    name, version, requires = (
        "acme-old",
        "2.1",
        ["numpy>=1", "jointbid-extras", "jointbid (>=9,<10) ; python_version > '3'"],
    )


def test_a_plugin_that_cannot_be_loaded_says_which_versions_meet(monkeypatch):
    entry = EntryPoint("old", "no.such.module:Thing", plugins_module.GROUP)._for(Distribution())
    monkeypatch.setattr(plugins_module, "entry_points", lambda group: [entry])
    with pytest.raises(
        UnknownStrategyError,
        match=r"'old' of acme-old 2\.1 \(no\.such\.module:Thing\) cannot be loaded: ModuleNotFoundError: .* "
        r"\(it asks for jointbid >=9,<10, and this is \d",
    ):
        make(spec("old"), MARKET)


def test_a_plugin_that_is_no_maker(plugins):
    plugins(number="jointbid.strategies.testing.trial:ROWS")
    with pytest.raises(UnknownStrategyError, match="is no class or function but 257"):
        make(spec("number"), MARKET)


def test_parameters_without_default_are_asked_for(plugins):
    plugins(table="jointbid.strategies.valuations.tables:CellValues")
    with pytest.raises(
        UnknownStrategyError, match="'table' needs a value for reads, table, which has no default"
    ):
        make(spec("table"), MARKET)
