"""The arms of the ladder as bidders: which data an arm's holder uses, how it joins them, and what a cell then measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from jointbid.sim import Entrant, Scenario, simulate
from jointbid.sim.drawn import Drawn
from jointbid.sim.scenario import Holdout, StrategySpec, Terms
from jointbid.sim.training import TrainingLog, creative_logs, randomised_log
from jointbid.sim.visible import Strategy
from jointbid.strategies.base import Priced, Valuation
from jointbid.strategies.context_prices import market_for
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.registry import BUILT_IN, make
from jointbid.strategies.valuations.bayes import bayes, winning
from jointbid.strategies.valuations.creative import bayes_apart, best_creative, learned_apart
from jointbid.strategies.valuations.learned import learned, learned_stacked, learned_summed
from jointbid.strategies.valuations.stacking import stacked_bayes, summed_bayes

from .arms import APART, CLICKS, FOCAL, SHOWS_BY, SPLIT_BUDGET, STACKED, SUMMED, bidder_names
from .cell import MARKET_FIGURES, Cell, CellResult, MarketKey, cell_result, holders_of
from .lattice import Lattice
from .met_prices import MetPrices

Rivals = Sequence[tuple[str, ...]]


def run_cell(cell: Cell) -> CellResult:
    """Simulate one cell: a row a bidder for ``cells.parquet``, a row a bidder and hour for ``timeseries.parquet``."""
    bidders = entrants(cell)
    prices = MetPrices([entrant.advertiser or name for name, entrant in bidders.items()], cell.watched)
    sink = prices if cell.watched else None
    result = simulate(cell.scenario, bidders, cell.seed, cell.replication, sink=sink, drawn=drawn_by(cell))
    further = [{"focal": advertiser == FOCAL} for advertiser in result.bidders["advertiser"].tolist()]
    found = cell_result(
        cell, result, further, MARKET_FIGURES, hours=not cell.study_point or bool(cell.lineup)
    )
    for row in found.rows if cell.watched else ():
        row.update(prices.columns(row["advertiser"]))
    return found


def drawn_by(cell: Cell) -> Drawn:
    """Return what the market of a cell draws, for it and for the arms that follow in the same replication."""
    return _drawn(MarketKey.of(cell.scenario), cell.seed, cell.replication)


@lru_cache(maxsize=1)
def _drawn(market: MarketKey, seed: int, replication: int) -> Drawn:  # noqa: ARG001 - the key
    return Drawn()


def entrants(cell: Cell) -> dict[str, Entrant]:
    """All bidders of a cell: the first ``who`` of them hold the arm's data, the others that of ``others``; in a match all do.

    The others also hold every source that is not exclusive: its seller sells to them too.
    """
    scenario = cell.scenario
    if cell.lineup:
        held = [information(cell, arm_of(cell, spec)) for spec in cell.lineup]
        return {
            seat: _seat(cell, seat, spec, held[:number] + held[number + 1 :])
            for number, (seat, spec) in enumerate(seated(cell))
        }
    bidders = scenario.bidders.count
    holders = holders_of(cell.who, bidders)
    others = _with_what_is_for_sale(scenario, cell.others)
    arms = [cell.arm if number < holders else others for number in range(bidders)]
    found: dict[str, Entrant] = {}
    for number, name in enumerate(bidder_names(bidders)):
        held = [information(cell, arm) for arm in arms[:number] + arms[number + 1 :]]
        found |= seats(cell, name, arms[number], held)
    return found


def arm_of(cell: Cell, spec: StrategySpec) -> str:
    """The arm of a seat: that of the match, unless it is a kind of bidder with sources of its own."""
    kind = cell.scenario.bidders.kinds.get(spec.name)
    if kind is None or kind.sources is None:
        return cell.arm
    return Lattice(tuple(cell.scenario.source)).arm(kind.sources)


def _seat(cell: Cell, seat: str, spec: StrategySpec, rivals: Rivals) -> Entrant:
    """Who sits there: a strategy with the match's data, or a kind of bidder with its own."""
    bidders = cell.scenario.bidders
    kind = bidders.kinds.get(spec.name)
    if kind is None:
        return _campaign(cell, seat, cell.arm, bidders.budget, rivals, spec)
    theirs = bidders.model_copy(update={"creative": kind.creative or bidders.creative})
    own = replace(cell, scenario=cell.scenario.model_copy(update={"bidders": theirs}))
    entrant = _campaign(
        own, seat, arm_of(cell, spec), bidders.budget, rivals, kind.strategy or bidders.strategy
    )
    return replace(
        entrant, control_every=bidders.steps_of(kind), report_delay_h=kind.report_delay_h, terms=kind.terms
    )


def _with_what_is_for_sale(scenario: Scenario, arm: str) -> str:
    shared = [name for name in scenario.source if not scenario.data_of(name).exclusive]
    if arm in APART or not shared:
        return arm
    lattice = Lattice(tuple(scenario.source))
    return lattice.arm((*lattice.members(arm), *shared))


def seated(cell: Cell) -> list[tuple[str, StrategySpec]]:
    """The seats of a match and who sits there. Facts and chance belong to the seat, so that who comes next meets the same."""
    return [(f"seat_{number}", spec) for number, spec in enumerate(cell.lineup, 1)]


def seats(cell: Cell, advertiser: str, arm: str, rivals: Rivals = ()) -> dict[str, Entrant]:
    """The campaigns of one advertiser under an arm: one, or one of each silo with an equal part of the money.

    They differ from one campaign in their data alone: see ``divided``. ``rivals`` are the sources that each of the others holds.
    """
    scenario, budget = cell.scenario, cell.scenario.bidders.budget
    if arm != SPLIT_BUDGET or scenario.response.family == "private_value":
        return {advertiser: _campaign(cell, advertiser, arm, budget, rivals)}
    silos, lattice = scenario.silos, Lattice(tuple(scenario.source))
    share = None if budget is None else budget / len(silos)
    terms = divided(scenario.bidders.terms, advertiser, len(silos))
    return {
        f"{advertiser}_{owner}": replace(
            _campaign(cell, advertiser, lattice.arm(held), share, rivals), terms=terms
        )
        for owner, held in silos.items()
    }


def divided(terms: Terms, advertiser: str, campaigns: int) -> Terms:
    """The terms of each of an advertiser's campaigns, so that all together keep to the advertiser's.

    Each gets an equal part of the day's money, all leave the same people out, and caps count the impressions of all.
    """
    daily = terms.daily_budget
    return terms.model_copy(
        update={
            "daily_budget": None if daily is None else daily / campaigns,
            "caps": tuple(cap.model_copy(update={"per": "advertiser"}) for cap in terms.caps),
            "holdout": for_all(terms.holdout, advertiser),
        }
    )


def for_all(holdout: Holdout | None, advertiser: str) -> Holdout | None:
    """The holdout of all campaigns of an advertiser: the same people."""
    return holdout and holdout.model_copy(update={"group": holdout.group or advertiser})


def valuation(cell: Cell, arm: str, rivals: Rivals = ()) -> Valuation:
    """What the arm's holder thinks an impression is worth, whose rivals hold these sources, and which creative it shows.

    Exact values are the same in each replication, and are worked out once a process.
    """
    if cell.valuation == "learned":
        return _valuation(cell, arm, rivals)
    return _exact(MarketKey.of(cell.scenario), arm, tuple(map(tuple, rivals)))


@lru_cache(maxsize=64)
def _exact(market: MarketKey, arm: str, rivals: tuple[tuple[str, ...], ...]) -> Valuation:
    return _valuation(Cell(market.scenario, arm), arm, rivals)


def _valuation(cell: Cell, arm: str, rivals: Rivals) -> Valuation:
    """``valuation``, worked out."""
    scenario = cell.scenario
    if SHOWS_BY in arm:
        bids_on, shows_by = (information(cell, part) for part in arm.split(SHOWS_BY))
        if cell.valuation == "learned":
            return learned_apart(scenario, _creative_logs(*_about_log(cell)), bids_on, shows_by, cell.learner)
        return bayes_apart(scenario, bids_on, shows_by)
    if scenario.bidders.creative == "rotated":
        log = _log(*_about_log(cell)) if cell.valuation == "learned" else None
        return _one_for_all(cell, scenario, arm, log, rivals)
    logs = _creative_logs(*_about_log(cell)) if cell.valuation == "learned" else None
    return best_creative(
        scenario, lambda number, alone: _one_for_all(cell, alone, arm, logs[number] if logs else None)
    )


def _one_for_all(
    cell: Cell, scenario: Scenario, arm: str, log: TrainingLog | None, rivals: Rivals = ()
) -> Valuation:
    """The valuation of the creatives that the market rotates; ``log`` is what it is fitted to, if it is learned."""
    if log is not None:
        if arm == STACKED:
            return learned_stacked(scenario, log, cell.learner)
        if arm == SUMMED:
            return learned_summed(scenario, log, cell.learner)
        return learned(scenario, log, information(cell, arm), cell.learner)
    if arm == STACKED:
        return stacked_bayes(scenario)
    if arm == CLICKS:
        return bayes(scenario, information(cell, arm), goal="clicks")
    if arm == SUMMED:
        return summed_bayes(scenario)
    if scenario.bidders.beliefs == "winning":
        return winning(scenario, information(cell, arm), rivals)
    return bayes(scenario, information(cell, arm))


def information(cell: Cell, arm: str) -> tuple[str, ...]:
    """The sources that an arm's holder may use on a request; of two departments, all that either may."""
    sources = tuple(cell.scenario.source)
    if arm in {*APART, CLICKS} or SHOWS_BY in arm:
        return sources
    return Lattice(sources).members(arm)


def strategy_of(cell: Cell, advertiser: str) -> StrategySpec:
    """The configured strategy, with the advertiser's own value of the tuned parameter; of who deviates its own."""
    if cell.deviation and cell.deviation[0] == advertiser:
        return cell.deviation[1]
    spec, own = cell.scenario.bidders.strategy, dict(cell.policies)
    if advertiser not in own:
        return spec
    return StrategySpec(name=spec.name, **{**spec.params, cell.parameter: own[advertiser]})


def _campaign(
    cell: Cell,
    advertiser: str,
    arm: str,
    budget: float | None,
    rivals: Rivals,
    spec: StrategySpec | None = None,
) -> Entrant:
    """One campaign with the arm's data; no campaign where every bidder knows its value."""
    own = spec or strategy_of(cell, advertiser)
    scenario = cell.scenario
    if scenario.response.family == "private_value":
        policy = make(own, MarketFacts.of(scenario), scenario.engine.strategy_timeout_s)
        return Entrant(policy, None, budget, advertiser, strategy_name=own.name)
    held = information(cell, arm)
    if cell.valuation == "learned" or own.name not in BUILT_IN:
        strategy = _strategy(cell, arm, rivals, own)
    else:
        about = MarketKey.of(scenario), arm, tuple(map(tuple, rivals)), _is_alone(cell)
        strategy = _exact_strategy(_Exact(*about, own.model_dump_json(), cell, own))
    return Entrant(strategy, held, budget, advertiser, strategy_name=own.name)


def _is_alone(cell: Cell) -> bool:
    """Whether a single bidder plays."""
    return (len(cell.lineup) or cell.scenario.bidders.count) == 1


def _strategy(cell: Cell, arm: str, rivals: Rivals, spec: StrategySpec) -> Strategy:
    """Return a policy that knows the arm's prices, behind the arm's valuation unless it prices requests itself."""
    scenario = cell.scenario
    follow_prices = scenario.bidders.values == "common" or _is_alone(cell)
    market = market_for(scenario, information(cell, arm) if follow_prices else ())
    policy = make(spec, market, scenario.engine.strategy_timeout_s)
    return policy if getattr(policy, "values_itself", False) else Priced(valuation(cell, arm, rivals), policy)


@dataclass(frozen=True)
class _Exact:
    """What a built-in strategy with exact values follows from: the specification by its text, and not by the cell that it was made for."""

    market: MarketKey
    arm: str
    rivals: tuple[tuple[str, ...], ...]
    is_alone: bool
    text: str
    cell: Cell = field(compare=False)
    spec: StrategySpec = field(compare=False)


@lru_cache(maxsize=64)
def _exact_strategy(of: _Exact) -> Strategy:
    """Return the strategy that enters all replications of a market, which copy it; so it is made and tried once a process."""
    return _strategy(of.cell, of.arm, of.rivals, of.spec)


def _about_log(cell: Cell) -> tuple[MarketKey, int, int, int]:
    return MarketKey.of(cell.scenario), cell.seed, cell.replication, cell.train_requests


@lru_cache(maxsize=2)
def _log(market: MarketKey, seed: int, replication: int, requests: int) -> TrainingLog:
    """Return the log of one replication, shared by its arms."""
    return randomised_log(market.scenario, seed, replication, requests)


@lru_cache(maxsize=2)
def _creative_logs(market: MarketKey, seed: int, replication: int, requests: int) -> list[TrainingLog]:
    """Return the logs of one replication with each creative's impressions apart, shared by its arms."""
    return creative_logs(market.scenario, seed, replication, requests)
