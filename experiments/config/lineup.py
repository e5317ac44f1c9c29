"""The strategies of a tournament: those that are named, or those of a standard field that can be made for its market."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from jointbid.sim.scenario import StrategySpec
from jointbid.strategies.market import MarketFacts
from jointbid.strategies.registry import UnknownStrategyError, make

from .settings import Settings
from .study_settings import TournamentSettings

STANDARD = tuple(
    StrategySpec(name=name)
    for name in (
        "constant", "truthful", "shading", "ortb1", "throttling", "pid_spend", "adaptive_pacing", "fluid_pacing",
    )
)  # fmt: skip
"""The standard field: one of each family, with its default parameters."""


@dataclass(frozen=True)
class Lineup:
    """The strategies that play, and of the standard field those that do not: name -> why."""

    strategies: tuple[StrategySpec, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)

    def notes(self) -> Iterator[str]:
        """Yield a line with the strategies that are left out, and why."""
        if self.left_out:
            each = "; ".join(f"{name} ({why})" for name, why in self.left_out.items())
            yield f"of the standard field these cannot play in this market, and are left out: {each}"


def lineup_of(settings: Settings[TournamentSettings]) -> Lineup:
    """Return the strategies of ``study.strategies``; else those of the standard field that can be made for this market."""
    named = settings.study.strategies
    if named is not None:
        return Lineup(named)
    market, plays, left_out = MarketFacts.of(settings.scenario), [], {}
    for spec in STANDARD:
        try:
            make(spec, market)
        except UnknownStrategyError as error:
            left_out[spec.name] = str(error).removeprefix(f"strategy {spec.name!r}: ")
        else:
            plays.append(spec)
    return Lineup(tuple(plays), left_out)
