"""What contradicts the bidders of a configuration: strategies that cannot be made for its market, and people without room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jointbid.sim.memory import open_memory
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.registry import UnknownStrategyError, find, make, names

from ..cells.arms import JOINING, SPLIT_BUDGET, bidder_names
from ..cells.cell import label
from ..errors import closest
from .lineup import lineup_of
from .study_settings import TournamentSettings

if TYPE_CHECKING:
    from jointbid.sim.scenario import Scenario

    from .settings import Settings


def strategy_problems(settings: Settings) -> Iterator[str]:
    """Every strategy is made once: its name, its parameters and what it demands of the market are then known to be right."""
    if settings.scenario.supply.kind == "log":  # a replay has policies of its own
        return
    bidders, market = settings.scenario.bidders, MarketFacts.of(settings.scenario)
    kinds = {f"bidders.kinds.{name}.strategy": kind.strategy for name, kind in bidders.kinds.items()}
    for place, spec in {"bidders.strategy": bidders.strategy, **kinds}.items():
        try:
            if spec is not None:
                make(spec, market, settings.scenario.engine.strategy_timeout_s)
        except UnknownStrategyError as error:
            yield f"{place}: {error}"
    for name in bidders.kinds:
        if name in names():
            yield f"bidders.kinds.{name}: a strategy has that name; take another"


def joining_problems(settings: Settings) -> Iterator[str]:
    """Arms of joined scores, of a strategy that reads the sources themselves."""
    for key in ("arm", "others", "silo"):
        asked = getattr(settings.study, key, None)
        if asked in JOINING and (read := sources_read(settings.scenario)):
            yield (
                f"study.{key} = {asked}: the strategy {settings.scenario.bidders.strategy.name} reads {', '.join(read)} itself, beside the "
                "scores of the owners; take another arm, or a strategy that reads the value alone"
            )


def values_itself(scenario: Scenario) -> bool:
    """Return whether the bidders' strategy has no valuation before it, so that exact and learned values are one."""
    try:
        return bool(getattr(find(scenario.bidders.strategy.name), "values_itself", False))
    except UnknownStrategyError:
        return False


def sources_read(scenario: Scenario) -> tuple[str, ...]:
    """The sources that the bidders' strategy reads itself; none where there is no such strategy, which another check says."""
    if scenario.supply.kind == "log":
        return ()
    spec, timeout = scenario.bidders.strategy, scenario.engine.strategy_timeout_s
    try:
        strategy = make(spec, MarketFacts.of(scenario), timeout)
    except UnknownStrategyError:
        return ()
    reads = None if getattr(strategy, "values_itself", False) else strategy.reads
    return tuple(name for name in scenario.source if reads is None or name in reads)


def floor_problems(settings: Settings) -> Iterator[str]:
    """Floors and rank numbers of bidders name bidders that take part."""
    names = bidder_names(settings.scenario.bidders.count)
    auction = settings.scenario.auction
    for key, named in (
        ("bidder_floor_cpm", auction.bidder_floor_cpm),
        ("rank.by_bidder", auction.rank.by_bidder),
    ):
        for name in named:
            if name not in names:
                yield f"auction.{key}.{name}: no such bidder{closest(name, names)}; there is: {', '.join(names)}"


def memory_problems(settings: Settings) -> Iterator[str]:
    """What is remembered of people fits, with every bidder's caps."""
    scenario = settings.scenario
    names = bidder_names(scenario.bidders.count)
    try:
        open_memory(scenario.audience.people, dict.fromkeys(names, scenario.bidders.terms), names)
    except ValueError as error:
        yield str(error)


def seat_problems(settings: Settings) -> Iterator[str]:
    """Strategies of a tournament that cannot be made or distinguished, and a market in which seats differ."""
    if not isinstance(settings.study, TournamentSettings) or settings.scenario.supply.kind == "log":
        return
    if settings.scenario.auction.bidder_floor_cpm:
        yield "auction.bidder_floor_cpm: the seats of a tournament have no floors of their own; leave it empty"
    if settings.scenario.auction.rank.by_bidder:
        yield "auction.rank.by_bidder: the seats of a tournament rank alike; leave it empty"
    if settings.study.arm == SPLIT_BUDGET:
        yield f"study.arm = {SPLIT_BUDGET}: must be an arm with one campaign, as a seat is one bidder"
    field, market, seen = (
        lineup_of(settings.of(TournamentSettings)),
        MarketFacts.of(settings.scenario),
        dict[str, int](),
    )
    if len(field.strategies) < 2:
        yield f"study.strategies: name two or more; {' '.join(field.notes())}"
    for number, spec in enumerate(field.strategies):
        name = label(spec)
        if name in seen:
            yield f"study.strategies.{number} = {name}: is there already; strategies must differ in name or parameters"
        seen[name] = number
        if spec.name in settings.scenario.bidders.kinds:
            if spec.params:
                yield f"study.strategies.{number}: {spec.name} is one of bidders.kinds, where its parameters stand; leave them out"
            continue
        try:
            make(spec, market, settings.scenario.engine.strategy_timeout_s)
        except UnknownStrategyError as error:
            yield f"study.strategies.{number}: {error}"
