"""The second pass over a configuration: contradictions between values each of which is allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ..cells.arms import APART, CLICKS, arms_of, owners_of
from ..cells.lattice import MAX_SOURCES
from ..errors import closest
from .bidder_checks import floor_problems, joining_problems, memory_problems, seat_problems, strategy_problems
from .collaboration import collaboration_problems
from .first_party import first_party_problems
from .learnable import not_learnable, unmatched_problems
from .settings import Settings
from .study_settings import BENCHMARK_SEEDS, AdoptionSettings, AttributionSettings
from .value_settings import ValueSettings

LOG_OWNERS = {"profile": "cio", "context+history": "cmo"}
LOG_ARMS = (
    "none", "profile", "context", "history", *LOG_OWNERS, "stacked", "joint", "split_budget", "summed",
)  # fmt: skip
"""Arms of a study that replays a log, which has two owners."""


def all_checks(settings: Settings) -> tuple[Callable[[], Iterator[str]], ...]:
    """Return what looks for contradictions, of the market first; each yields a line with place, value and what is allowed."""
    return (*settings.scenario.checks, *(partial(check, settings) for check in CHECKS))


def _of_arms(settings: Settings) -> Iterator[str]:
    scenario = settings.scenario
    if len(scenario.source) > MAX_SOURCES:
        yield f"source: {len(scenario.source)} sources; a study takes at most {MAX_SOURCES}"
        return
    is_log = scenario.supply.kind == "log"
    known, owners = (LOG_ARMS, LOG_OWNERS) if is_log else (arms_of(scenario), owners_of(scenario))
    silos = ("best_silo", "best_single", *owners.values(), *(arm for arm in known if arm != "joint"))
    for key, allowed in (("arm", known), ("others", known), ("silo", silos)):
        given = getattr(settings.study, key, None)
        if given is not None and given not in allowed:
            yield f"study.{key} = {given}: must be one of {', '.join(allowed)}{closest(given, allowed)}"


def _of_seed(settings: Settings) -> Iterator[str]:
    for suite, seeds in BENCHMARK_SEEDS.items():
        if settings.seed == seeds["test"]:
            yield f"seed = {settings.seed}: set apart for the results of the benchmark {suite}; take another one"


def _of_valuations(settings: Settings) -> Iterator[str]:
    scenario, study = settings.scenario, settings.study
    valuation = str(getattr(study, "valuation", "bayes"))
    wrong = f"study.valuation = {valuation}: must be bayes"
    if valuation == "bayes":
        if getattr(study, "learned_beside", False) is not True:
            return
        wrong = "study.learned_beside = true: must be false or auto"
    yield from (f"{wrong} {reason}" for reason in not_learnable(scenario))
    yield from unmatched_problems(scenario, getattr(study, "learner", ""))


def _of_overtaking(settings: Settings) -> Iterator[str]:
    compared, kinds = getattr(settings.study, "overtaking", None), settings.scenario.bidders.kinds
    if compared is None:
        return
    for key, name in compared:
        if name not in kinds:
            there = ", ".join(kinds) or "none"
            yield f"study.overtaking.{key} = {name}: must be one of bidders.kinds; there is: {there}{closest(name, kinds)}"
    if compared.slow == compared.fast:
        yield f"study.overtaking.slow = {compared.slow}: slow and fast must name two different kinds"


def _of_study(settings: Settings) -> Iterator[str]:
    study, count = settings.study, settings.scenario.bidders.count
    who = getattr(study, "who", None)
    if isinstance(who, int) and who > count:
        yield f"study.who = {who}: must be at most bidders.count = {count}"
    if isinstance(study, AdoptionSettings) and study.arm == study.others:
        yield f"study.others = {study.others}: must not be study.arm, or no bidder has anything to adopt"
    if isinstance(study, AdoptionSettings) and settings.scenario.bidders.beliefs == "winning":
        for key, arm in (("arm", study.arm), ("others", study.others)):
            if arm in {*APART, CLICKS}:
                yield f"study.{key} = {arm}: with bidders.beliefs=winning must be none, joint or sources"
    if isinstance(study, AttributionSettings) and count != 1:
        yield f"bidders.count = {count}: with the study attribution must be 1, a firm against a landscape of prices"
    if isinstance(study, ValueSettings) and study.upgrade and study.tune is not None:
        yield "study.upgrade: with study.tune must be null, as policies would be tuned to the data at hand alone"


def _of_collaboration(settings: Settings) -> Iterator[str]:
    collaboration = settings.collaboration
    if collaboration is None:
        return
    yield from (f"collaboration.{problem}" for problem in collaboration.problems())
    yield from collaboration_problems(settings.scenario, collaboration)
    if collaboration.deliver_months.full >= (months := settings.money.horizon_months):
        yield (
            f"collaboration.deliver_months.full = {collaboration.deliver_months.full:g}: must be below "
            f"money.horizon_months = {months}, or nothing is ever delivered"
        )


def _of_first_party(settings: Settings) -> Iterator[str]:
    if settings.first_party is not None:
        yield from first_party_problems(settings.scenario, settings.first_party)
        if settings.collaboration is not None:
            yield "first_party: a study is of collaboration or of own data; leave out collaboration"


def _of_comparison(settings: Settings) -> Iterator[str]:
    possible = {
        "levels of collaboration are compared": settings.collaboration,
        "own data are built": settings.first_party,
    }
    compared = [what for what, asked in possible.items() if asked is not None]
    if not compared or not isinstance(settings.study, ValueSettings):
        return
    if settings.study.tune is not None:
        yield "study.tune: levels and months are not retuned; leave it out"
    if settings.money.requests_per_month is None:
        yield f"money.requests_per_month: required where {compared[0]}"


CHECKS = (
    _of_arms,
    _of_seed,
    _of_valuations,
    _of_overtaking,
    _of_study,
    _of_collaboration,
    _of_first_party,
    _of_comparison,
    strategy_problems,
    joining_problems,
    floor_problems,
    memory_problems,
    seat_problems,
)
"""Each looks for one kind of contradiction between the parts; their lines are listed in this order."""
