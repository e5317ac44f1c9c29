"""A short life for a strategy: control steps, and between them requests, wins, and outcomes that become known late."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jointbid.sim import AccountState, Feedback, Strategy, VisibleRequests
from jointbid.sim.visible import KnownOutcomes, frozen

from .case import Case
from .failure import raised
from .trial import PRICE, part

STEPS = 4
ROWS_A_STEP = 400


@dataclass(frozen=True)
class Life:
    """What happens to it. Amounts are in ``money``; ``spend`` is that of each step, whatever it bids.

    ``told=False`` withholds the feedback; ``outcomes`` is the chance that a win is clicked.
    """

    budget: float = 20.0
    spend: float = 3.0
    money: float = 1.0
    told: bool = True
    outcomes: float = 0.3


def live(case: Case, strategy: Strategy, life: Life | None = None, *, learns: bool | None = None) -> Strategy:
    """The same strategy, after a life; what it raises becomes a ``CheckFailed``. It is told what it asks for.

    ``learns`` True tells a strategy that does not ask.
    """
    life = life or Life()
    late = _Late()
    for step in range(STEPS):
        if step and life.told and (strategy.learns if learns is None else learns):
            feedback = told(case, strategy, step, life, late)
            _call(strategy, "observe", feedback)
        _call(strategy, "control", account(case, step, life))
    return strategy


def account(case: Case, step: int, life: Life) -> AccountState:
    """The account at a control step; the run is half over at the last."""
    unit = case.scale * life.money
    return AccountState(
        hour=step / (2 * STEPS),
        horizon_h=1.0,
        requests_seen=step * ROWS_A_STEP,
        requests_expected=2 * STEPS * ROWS_A_STEP,
        spend=step * life.spend * unit,
        wins=20 * step,
        budget=life.budget * unit,
        budget_left=max(life.budget - step * life.spend, 0.0) * unit,
        clicks=5.0 * step if life.outcomes else 0.0,
        conversions=2.0 * step if life.outcomes else 0.0,
        margin=2.0 * step * unit if life.outcomes else 0.0,
    )


def told(case: Case, strategy: Strategy, step: int, life: Life, late: _Late) -> Feedback:
    """Its requests of one step as it bid on them, and the outcomes of earlier ones."""
    requests = case.batch(strategy, ROWS_A_STEP, seed=step, money=life.money)
    rng = np.random.default_rng([step, 1])
    unit = case.scale * life.money
    n, bid = requests.n, case.ask(strategy, requests).astype(np.float64)
    price = unit * rng.lognormal(np.log(PRICE), 0.6, n)
    is_late, seen, clicked = rng.random(n) < 0.02, rng.random(n) < 0.9, rng.random(n) < life.outcomes
    won = (bid >= price) & ~is_late
    first_price = case.market.auction.shares.get("first_price", 0) > 0
    due = late.take(part(requests, slice(0, 0)), unit)
    late.put(requests, step * ROWS_A_STEP, np.flatnonzero(won & seen & clicked))
    return Feedback(
        requests=requests,
        position=frozen(np.arange(n) + step * ROWS_A_STEP),
        bid=frozen(bid),
        won=frozen(won),
        late=frozen(is_late),
        price_paid=frozen(np.where(won, bid if first_price else price, 0.0)),
        minimum_bid_to_win=frozen(price),
        viewed=frozen(won & seen),
        creative=frozen(np.where(won, 0, -1).astype(np.int16)),
        clicks=due[0],
        conversions=due[1],
    )


def nothing_told(case: Case, strategy: Strategy) -> Feedback:
    """Feedback on no request, without outcomes."""
    requests = case.batch(strategy, 0)
    none, no, flag = frozen(np.empty(0)), frozen(np.empty(0, np.int64)), frozen(np.empty(0, np.bool_))
    known = _known(requests, 0, np.empty(0, np.intp), unit=0.0)
    creative = frozen(np.empty(0, np.int16))
    return Feedback(requests, no, none, flag, flag, none, none, flag, creative, known, known)


class _Late:
    """Clicks become known a step after the win, conversions (each second click) two steps after."""

    def __init__(self) -> None:
        self._waiting: list[tuple[VisibleRequests, int, np.ndarray[tuple[int], np.dtype[np.intp]]]] = []

    def put(
        self, requests: VisibleRequests, start: int, rows: np.ndarray[tuple[int], np.dtype[np.intp]]
    ) -> None:
        self._waiting.append((requests, start, rows))

    def take(self, nobody: VisibleRequests, unit: float) -> tuple[KnownOutcomes, KnownOutcomes]:
        """Clicks of the last step and conversions of the one before, of margin ``unit``; of none, where there was none yet."""
        empty = (nobody, 0, np.empty(0, np.intp))
        clicked = self._waiting[-1] if self._waiting else empty
        bought = self._waiting[-2] if len(self._waiting) > 1 else empty
        return _known(*clicked), _known(bought[0], bought[1], bought[2][::2], unit)


def _known(
    requests: VisibleRequests,
    start: int,
    rows: np.ndarray[tuple[int], np.dtype[np.intp]],
    unit: float | None = None,
) -> KnownOutcomes:
    """Clicks; with ``unit`` conversions, each of that margin."""
    n = len(rows)
    return KnownOutcomes(
        requests=part(requests, rows),
        position=frozen(start + rows.astype(np.int64)),
        creative=frozen(np.zeros(n, np.int16)),
        hour=frozen(np.linspace(0.0, 0.5, n)),
        weight=frozen(np.ones(n)),
        margin=frozen(np.empty(0) if unit is None else np.full(n, unit)),
    )


def _call(strategy: Strategy, method: str, argument: object) -> None:
    try:
        getattr(strategy, method)(argument)
    except Exception as error:  # noqa: BLE001 - whatever it is, the author learns of it
        raised(f"{method}()", error)
