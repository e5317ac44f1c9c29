"""A study as a list of cells: one arm in one replication of one market, addressed by what determines it."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jointbid.sim.scenario import Scenario, StrategySpec

from .replications import PILOTS
from .versions import version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jointbid.sim import RunResult

ROOT = Path(__file__).parents[2]
CODE = ("sim", "strategies", "experiments/cells")
"""The folders that compute a cell's numbers: a change of any file in them makes all cells new."""

COMPUTING = ("numpy", "numba", "scipy", "scikit-learn")
"""Libraries whose versions may change a number's last digits."""

FOR_PEOPLE: dict[str, Any] = {
    "name": True,
    "question": True,
    "currency": True,
    "engine": {"max_block", "strategy_timeout_s"},
}
"""Parts of a scenario that no number depends on."""

BidCurve = tuple[tuple[float, float], ...]
"""What is bid for a value, as (value, bid) in currency, with straight lines between."""
Value = float | BidCurve
Policies = tuple[tuple[str, Value], ...]
"""Bidder -> the value of the tuned parameter."""

TOGETHER = "together"
"""The match of all strategies in one market."""

MARKET_FIGURES = ("revenue", "exchange_fee", "welfare", "relevance")
"""Figures of the whole market in each row of a cell."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One arm in one replication.

    Attributes:
        scenario: the market.
        arm: the treatment, one of ``jointbid.experiments.cells.arms.arms_of(scenario)``.
        valuation: ``bayes`` or ``learned``.
        who: who holds the arm's data: ``unilateral``, ``universal`` or a number of bidders.
        others: the arm of bidders who do not hold ``arm``.
        parameter: the strategy's parameter that ``policies`` set.
        policies: bidder and its value of that parameter, where it is not the configured one.
        watched: advertisers whose rows have the prices that they met, and the values won.
        train_requests: randomised impressions that learned valuations are fitted to.
        learner: the model fitted to them, see ``jointbid.strategies.valuations.learned.LEARNERS``.
        seed: the study's seed.
        replication: the number of the market; pilots have numbers of their own.
        study_point: where on a curve the cell lies; empty on the ladder itself.
        lineup: the strategies of a match, a seat each, where the treatment is who plays whom; all hold the arm's data.
        deviation: a bidder, and the strategy that it alone plays in place of the configured one.
        replayed: whether the market's requests are first written to a log, which is then replayed; of the benchmark.
        target_cpa: the cost of a conversion above which a bidder's score falls, in currency; of the benchmark.
    """

    scenario: Scenario
    arm: str
    valuation: str = "bayes"
    who: str | int = "unilateral"
    others: str = "none"
    parameter: str = ""
    policies: Policies = ()
    watched: tuple[str, ...] = ()
    train_requests: int = 100_000
    learner: str = "ridge"
    seed: int = 1
    replication: int = 0
    study_point: str = ""
    lineup: tuple[StrategySpec, ...] = ()
    deviation: tuple[str, StrategySpec] | None = None
    replayed: bool = False
    target_cpa: float | None = None
    _key: str = field(default="", init=False, repr=False, compare=False)

    @property
    def key(self) -> str:
        """Hex digits of everything that determines the cell's numbers, the code included."""
        if not self._key:
            object.__setattr__(self, "_key", self._digest())
        return self._key

    def with_key(self, key: bytes) -> Cell:
        """Return the cell itself, with the key that was worked out for it before."""
        object.__setattr__(self, "_key", key.decode())
        return self

    def _digest(self) -> str:
        from jointbid.strategies.fingerprint import fingerprint

        parts: list[Any] = [
            code_version(),
            _market(_Same(self.scenario)),
            self.arm,
            self.valuation,
            self.who,
            self.others,
        ]
        parts += [
            (self.train_requests, self.learner) if self.valuation == "learned" else 0,
            self.seed,
            self.replication,
        ]
        if self.lineup:
            parts.append([spec.model_dump() for spec in self.lineup])
        if self.policies:
            parts.append([self.parameter, *self.policies])
        if self.deviation:
            parts.append(["deviation", self.deviation[0], self.deviation[1].model_dump()])
        if self.watched:
            parts.append(["watched", *self.watched])
        if self.replayed:
            parts.append("replayed")
        if self.target_cpa is not None:
            parts.append(["target_cpa", self.target_cpa])
        parts += [theirs for spec in self.plays if (theirs := fingerprint(spec.name, spec.params))]
        return _hash(json.dumps(parts, sort_keys=True).encode())

    @property
    def plays(self) -> list[StrategySpec]:
        """The strategies that may bid in it."""
        kinds = [kind.strategy for kind in self.scenario.bidders.kinds.values() if kind.strategy]
        deviating = [self.deviation[1]] if self.deviation else []
        return [self.scenario.bidders.strategy, *self.lineup, *kinds, *deviating]

    @property
    def treatment(self) -> str:
        """The arm; of a match, who plays in it: "truthful vs shading", or "together, truthful first" for more than two."""
        if len(self.lineup) > 2:
            return f"{TOGETHER}, {label(self.lineup[0])} first"
        return " vs ".join(map(label, self.lineup)) or self.arm

    @property
    def is_pilot(self) -> bool:
        """Whether its result decides something, and is not estimated from."""
        return self.replication >= PILOTS

    def __str__(self) -> str:
        where = f"{self.study_point}, " if self.study_point else ""
        return f"{where}arm {self.treatment}, replication {self.replication}"


def holders_of(who: str | int, bidders: int) -> int:
    """How many of the bidders hold an arm's data: ``unilateral`` is the focal one, ``universal`` all."""
    return {"unilateral": 1, "universal": bidders}.get(str(who)) or int(who)


def label(spec: StrategySpec) -> str:
    """A strategy as tables name it: ``linear(gain=0.5)``."""
    given = ", ".join(f"{key}={value}" for key, value in spec.params.items())
    return f"{spec.name}({given})" if given else spec.name


@dataclass(frozen=True)
class CellResult:
    """What one cell gave: a row a bidder, a row a bidder and hour, and how many auctions were held."""

    rows: list[dict[str, Any]]
    timeseries: list[dict[str, Any]] = field(default_factory=list)
    auctions: int = 0


def cell_result(
    cell: Cell, result: RunResult, further: Iterable[dict[str, Any]], market: Iterable[str], *, hours: bool
) -> CellResult:
    """Return a run as the result of its cell.

    Args:
        cell: the cell.
        result: its run.
        further: columns beside those of the run, for each bidder.
        market: figures of the whole market that each row repeats.
        hours: whether the result has the time series.
    """
    about = {"study_point": cell.study_point, "arm": cell.treatment, "replication": cell.replication}
    totals = {name: result.market[name] for name in market}
    rows = [
        {**about, **row, **own, **totals} for row, own in zip(_records(result.bidders), further, strict=True)
    ]
    series = [{**about, **row} for row in _records(result.timeseries)] if hours else []
    return CellResult(rows=rows, timeseries=series, auctions=int(result.market["requests"]))


def _records(columns: Any) -> list[dict[str, Any]]:
    names = list(columns)
    return [
        dict(zip(names, row, strict=True)) for row in zip(*(columns[n].tolist() for n in names), strict=True)
    ]


@functools.cache
def code_version(names: tuple[str, ...] = CODE) -> str:
    """Return hex digits of all sources in these folders, and of the versions of the libraries that compute with them."""
    parts = [str(version(name)).encode() for name in ("jointbid", *COMPUTING)]
    for name in names:
        path = ROOT / name
        for file in sorted(path.rglob("*.py")):
            parts += [file.relative_to(ROOT).as_posix().encode(), file.read_bytes()]
    return _hash(b"\0".join(parts))


class _Same:
    """A scenario as a key by identity: thousands of cells share one, and comparing two takes as long as a dump."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    def __hash__(self) -> int:
        return id(self.scenario)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.scenario is self.scenario


@dataclass(frozen=True)
class MarketKey:
    """A scenario as a key by what numbers depend on in it, so that two copies of one market are the same.

    The order of its sources and creatives counts, as tables have their axes in it.
    """

    digest: str
    order: tuple[str, ...]
    scenario: Scenario = field(compare=False, repr=False)

    @classmethod
    def of(cls, scenario: Scenario) -> MarketKey:
        """Return the key of a scenario."""
        return cls(_market(_Same(scenario)), (*scenario.source, *scenario.creative), scenario)


@functools.lru_cache(256)
def _market(same: _Same) -> str:
    """Return hex digits of what numbers depend on in a scenario."""
    return _hash(json.dumps(same.scenario.model_dump(exclude=FOR_PEOPLE), sort_keys=True).encode())


def _hash(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=10).hexdigest()
