"""A strategy under test: how to make it, and the market that it is tried in."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial, wraps
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import RunResult, Scenario, Strategy, VisibleRequests
from jointbid.sim.auction.mechanisms import MECHANISMS
from jointbid.sim.public_columns import EXPOSURES
from jointbid.sim.visible import STRATEGY_PARTS

from ..base import SIGMA, VALUE, Policy
from ..market import MarketFacts
from .failure import CheckFailed, expect, fail_with, in_time, why_no_bids
from .process_state import as_it_was
from .sample import sample_of
from .shared import SharedState
from .trial import PRICE, ROWS, columns, play, sized, takes_value, trial_scenario, visible, wants

Maker = Callable[..., Strategy]
Check = Callable[[object], None]
Named = tuple[tuple[str, Mapping[str, Any]] | Maker, str | None, Scenario | None]

CHECKS: dict[str, Check] = {}
"""Every check by name, in the order in which they run."""


def check(test: Callable[[Case], None]) -> Check:
    """Register a check under the name of its function. The registered function takes what ``Case.of`` takes."""

    @wraps(test)
    def run(strategy: object) -> None:
        case = Case.of(strategy)
        try:
            with as_it_was():
                test(case)
        finally:
            case.shared.put_back()

    CHECKS[test.__name__] = run
    return run


@dataclass(frozen=True)
class Case:
    """How to make a fresh strategy, and the market that it is tried in.

    Attributes:
        maker: a class or a function; it receives the public ``market`` if it has a parameter of that name.
        auction: the auction type of the trial market; by default second price, or the first that the strategy is meant for.
        scenario: another market; by default a small one with a profile, a context, known prices and that auction type.
        label: how pytest names it; by default the class or function.
        name: the strategy's name in the registry, or ``FILE.py:CLASS``, and its ``parameters``: how another process finds it.
    """

    maker: Maker
    auction: str | None = None
    scenario: Scenario | None = None
    label: str = ""
    name: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.scenario is not None and self.scenario.supply.kind == "log":
            raise ValueError(
                "scenario: one that replays a log cannot be tried in; give one that is simulated"
            )

    @classmethod
    def of(cls, thing: object) -> Case:
        """Return the case of a class, a function without arguments, or a strategy (which is copied, never used itself)."""
        if isinstance(thing, Case):
            return thing
        if hasattr(thing, "bid") and not isinstance(thing, type):
            return cls(
                partial(copy.deepcopy, cast(Strategy, thing)), _meant_for(thing), label=type(thing).__name__
            )
        if not callable(thing):
            raise TypeError(
                f"{thing!r}: must be a strategy's class, a function that makes one, or a strategy"
            )
        return cls(thing, _meant_for(thing))

    def __str__(self) -> str:
        return "-".join(filter(None, [self.label or _name(self.maker), self.auction]))

    @cached_property
    def market(self) -> Scenario:
        """The market that it is tried in; the prices there are about as high as its bids."""
        if self.scenario is not None:
            return sized(self.scenario)
        return trial_scenario(self.auction or "second_price", self.scale, creatives=self._chooses)

    @cached_property
    def _chooses(self) -> bool:
        """Whether it has a ``creative()`` of its own, so that the market needs some to choose from."""
        kind = _target(self.maker)
        if not isinstance(kind, type):
            made = self.new(trial_scenario())
            kind = type(getattr(made, "policy", made))
        return getattr(kind, "creative", Policy.creative) is not Policy.creative

    @cached_property
    def scale(self) -> float:
        """The usual height of its bids, currency per impression; 1 where they follow the value or the market's prices.

        In a market that is given it follows that market's prices.
        """
        if self.scenario is not None:
            return sample_of(self.market).price / PRICE
        plain = trial_scenario(self.auction or "second_price")
        strategy = self.new(plain)
        if self._asks_for_market or takes_value(strategy, plain):
            return 1.0
        try:
            bids = np.asarray(strategy.bid(self.batch(strategy, market=plain)), dtype=np.float64)
        except Exception:  # noqa: BLE001 - the checks will meet it again, and say what it is
            return 1.0
        positive = bids[np.isfinite(bids) & (bids > 0)]
        return float(np.median(positive)) if len(positive) else 1.0

    def prices(self, rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        """Return the least bids that would win ``n`` requests, drawn at random; those of the market where one is given."""
        if self.scenario is not None:
            return rng.choice(sample_of(self.market).prices, n)
        return self.scale * rng.lognormal(np.log(PRICE), 0.6, n)

    @cached_property
    def shared(self) -> SharedState:
        """The state that its class, default arguments and module hold for all strategies of its kind."""
        return SharedState()

    @property
    def named(self) -> Named:
        """What another process makes it of (``from_named``): name and parameters where they are known, else the maker itself."""
        by_name = (self.name, dict(self.parameters))
        return by_name if self.name else self.maker, self.auction, self.scenario

    @classmethod
    def from_named(cls, named: Named) -> Case:
        """Return a case as another process has described it."""
        from ..registry import find

        maker, auction, scenario = named
        if isinstance(maker, tuple):
            name, parameters = maker
            maker = partial(find(name), **parameters) if parameters else find(name)
        return cls(maker, auction, scenario)

    def new(self, market: Scenario | None = None, *, restore: bool = True) -> Strategy:
        """Return a new strategy for ``market`` (by default this one).

        All shared state is as it was when its class was first seen; with ``restore=False`` as earlier strategies have left it.
        """
        market, target = market or self.market, _target(self.maker)
        self.shared.see(*([target] if isinstance(target, type) else []))
        if restore:
            self.shared.restore()
        try:
            made = self.maker(**({"market": MarketFacts.of(market)} if self._asks_for_market else {}))
        except TypeError as error:
            raise CheckFailed(
                f"{_name(self.maker)} can be made without arguments",
                f"TypeError: {error}",
                "a parameter has no default: give it one, or check a function that fills it in, lambda: MyStrategy(x=1)",
            ) from error
        except Exception as error:  # noqa: BLE001 - the message says which error it is
            fail_with(error, f"making {_name(self.maker)}")
        try:
            lacks = [name for name in STRATEGY_PARTS if not hasattr(made, name)]
        except Exception as error:  # noqa: BLE001 - a property of it
            fail_with(error, f"looking for {', '.join(STRATEGY_PARTS)} in {type(made).__name__}")
        self.shared.see(type(made), *map(type, getattr(made, "__dict__", {}).values()))
        expect(
            not lacks,
            f"a strategy has {', '.join(STRATEGY_PARTS)}",
            f"{type(made).__name__} has no {', '.join(lacks)}",
            "derive it from jointbid.Policy, which has all but bid()",
        )
        return made

    def batch(
        self,
        strategy: Strategy,
        n: int = ROWS,
        seed: int = 0,
        money: float = 1.0,
        market: Scenario | None = None,
        **given: NDArray[Any],
    ) -> VisibleRequests:
        """Return requests as the strategy sees them; amounts in ``money``; ``given`` replaces columns of the same name."""
        market = market or self.market
        there = columns(market, n, seed, money) | given
        return VisibleRequests(n, {name: there[name] for name in wants(strategy, market) if name in there})

    def ask(self, strategy: Strategy, requests: VisibleRequests) -> NDArray[np.float64]:
        """Return its bids, one a request. Raises ``CheckFailed`` for an error, or an answer that is no array of bids."""
        doing = f"bid() on {requests.n:,} requests"
        bids: NDArray[np.float64] = in_time(strategy, "bid", strategy.bid, requests, doing)
        expect(
            isinstance(bids, np.ndarray) and bids.shape == (requests.n,),
            f"bid() answers an array of shape ({requests.n},), one bid a request",
            f"an array of shape {bids.shape}" if isinstance(bids, np.ndarray) else type(bids).__name__,
            why_no_bids(bids),
        )
        return bids

    def choose(self, strategy: Strategy, requests: VisibleRequests) -> NDArray[Any]:
        """Return its creatives, one a request, -1 where they rotate. Raises ``CheckFailed`` as ``ask`` does."""
        choose, doing = getattr(strategy, "creative", None), f"creative() on {requests.n:,} requests"
        answer = None if choose is None else in_time(strategy, "creative", choose, requests, doing)
        if answer is None:
            return np.full(requests.n, -1)
        is_right = (
            isinstance(answer, np.ndarray) and answer.shape == (requests.n,) and answer.dtype.kind in "iu"
        )
        seen = f"{answer.dtype} of shape {answer.shape}" if isinstance(answer, np.ndarray) else type(answer)
        expect(
            is_right,
            f"creative() answers integers of shape ({requests.n},), or None",
            str(seen),
            "numbers of creatives are whole: answer.astype(int)",
        )
        return np.asarray(answer)

    def run(
        self, budget: float | None = None, max_block: int = 65_536, auction: str | None = None
    ) -> RunResult:
        """Return a run with a fresh strategy, in a market of another ``auction`` type where that is given."""
        market = self.market
        if auction is not None:
            market = trial_scenario(auction, self.scale, creatives=self._chooses)
        strategy = self.new(market)
        self.expect_readable(strategy)
        try:
            return play(strategy, sized(market, max_block), budget)
        except Exception as error:  # noqa: BLE001 - the author learns of any error
            fail_with(error, "a run of the market" + (f" with a budget of {budget:.4g}" if budget else ""))

    def expect_readable(self, strategy: Strategy) -> None:
        """Raise ``CheckFailed`` for a column in ``reads`` that no market of this kind has."""
        known = (*visible(self.market), VALUE, SIGMA, EXPOSURES)
        for name in strategy.reads or ():
            expect(
                name in known,
                f"columns in reads are among {', '.join(known)}",
                f"{name!r}",
                "a misspelt column, or a source that this market lacks: then give the scenario that has it, "
                "strategies check --scenario NAME, or Case(maker, scenario=...)",
            )

    @property
    def _asks_for_market(self) -> bool:
        try:
            return "market" in inspect.signature(self.maker).parameters
        except (TypeError, ValueError):
            return False


def _meant_for(thing: object) -> str | None:
    """Return the auction type to try it in, where it is not meant for second price."""
    meant = getattr(_target(thing), "meant_for", ())
    known = [name for name in meant if name in MECHANISMS] if isinstance(meant, tuple) else []
    return None if not known or "second_price" in known else known[0]


def _target(maker: object) -> object:
    return maker.func if isinstance(maker, partial) else maker


def _name(maker: Maker) -> str:
    target = _target(maker)
    return getattr(target, "__name__", type(target).__name__)
