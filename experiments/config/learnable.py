"""In which markets values can be learned from a log of randomised impressions, and whether a study learns beside exact values."""

from __future__ import annotations

from collections.abc import Iterator

from jointbid.sim.scenario import Scenario

from .settings import Settings
from .value_settings import ValueSettings

AUTO = "auto"
GO_ON_LEARNING = frozenset({"ftrl", "thompson"})
"""Learners that go on learning while they bid."""


def not_learnable(scenario: Scenario) -> Iterator[str]:
    """Yield each reason why values cannot be learned in this market, as a clause that begins with its condition."""
    if scenario.journey is not None:
        yield (
            "where there is a journey; purchases follow months after an "
            "impression, and a log of randomised impressions knows only what follows at once"
        )
    if scenario.stock is not None:
        yield (
            "where there is stock; how soon a shelf is empty is what bids make of it, "
            "and a log of randomised impressions knows no shelves"
        )
    if scenario.bidders.beliefs == "winning":
        yield "with bidders.beliefs=winning"


def unmatched_problems(scenario: Scenario, learner: str) -> Iterator[str]:
    """Yield a line for each source whose missing records a learner cannot account for."""
    for name in scenario.originals(scenario.source) if learner in GO_ON_LEARNING else ():
        if scenario.source[name].unmatched == "prior":
            yield f"source.{name}.unmatched = prior: with study.learner={learner} must be signal"


def why_not_beside(settings: Settings[ValueSettings]) -> str:
    """Return why ``study.learned_beside=auto`` adds no learned values here; empty where it does."""
    scenario = settings.scenario
    reasons = [f"values are not learned {reason}" for reason in not_learnable(scenario)]
    reasons += unmatched_problems(scenario, settings.study.learner)
    return reasons[0] if reasons else ""


def learns_beside(settings: Settings[ValueSettings]) -> bool:
    """Return whether the study plays learned values beside its exact ones."""
    study = settings.study
    if study.valuation != "bayes":
        return False
    if study.learned_beside == AUTO:
        return not why_not_beside(settings)
    return bool(study.learned_beside)
