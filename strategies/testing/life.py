"""A short life for a strategy: control steps, and between them requests, wins, and outcomes that become known late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import AccountState, Feedback, Strategy, VisibleRequests
from jointbid.sim.visible import KnownOutcomes, frozen

from ..base import feedback_with
from .case import Case
from .failure import in_time
from .trial import part


@dataclass(frozen=True)
class Life:
    """The course of a run up to some moment. Amounts are in ``money``; ``spend`` is that of each step, for any bids.

    ``has_feedback=False`` withholds the feedback; ``outcomes`` is the chance that a win is clicked. The steps cover the part
    ``lived`` of a run of ``horizon_h`` hours. ``tells`` says whether the exchange tells the minimum bid to win,
    ``is_dull`` that no person clicks on the first creative.
    """

    budget: float = 20.0
    spend: float = 3.0
    money: float = 1.0
    has_feedback: bool = True
    outcomes: float = 0.3
    steps: int = 4
    rows: int = 400
    horizon_h: float = 1.0
    lived: float = 0.5
    tells: bool = True
    is_dull: bool = False

    def hour(self, step: int) -> float:
        """Return the time of a control step."""
        return self.horizon_h * self.lived * step / self.steps


def live(
    case: Case,
    strategy: Strategy,
    life: Life | None = None,
    *,
    learns: bool | None = None,
    show: Callable[[VisibleRequests], VisibleRequests] | None = None,
) -> Strategy:
    """Return the same strategy after a life; an error in it becomes a ``CheckFailed``.

    It bids in each step. ``learns=True`` gives feedback to a strategy that declares no need of it, too; ``show`` makes its columns.
    """
    life, waiting = life or Life(), list[_Clicked]()
    for step in range(life.steps + 1):
        if step:
            feedback = feedback_of(case, strategy, step, life, waiting)
            if show is not None:
                feedback = feedback_with(feedback, show)
            if life.has_feedback and (strategy.learns if learns is None else learns):
                call(strategy, "observe", feedback, life.hour(step))
        call(strategy, "control", account(case, step, life), life.hour(step))
    return strategy


def call(strategy: Strategy, method: str, argument: object, hour: float) -> None:
    """Call a method of a strategy; an error in it becomes a ``CheckFailed``."""
    doing = f"{method}() at hour {hour:.4g}"
    in_time(strategy, method, getattr(strategy, method), argument, doing, hour)


def finish(case: Case, strategy: Strategy, life: Life | None = None) -> Strategy:
    """Return the same strategy after its closing account, where it takes one; an error in it becomes a ``CheckFailed``."""
    life = life or Life()
    if hasattr(strategy, "finish"):
        closing = no_feedback(case, strategy), account(case, life.steps, life)
        close(strategy, closing, life.hour(life.steps))
    return strategy


def close(strategy: Any, closing: tuple[Feedback, AccountState], hour: float) -> None:
    """Hand over the closing account; an error in it becomes a ``CheckFailed``."""
    doing = f"finish(feedback, state) with {closing[0].requests.n} rows at hour {hour:.4g}"
    in_time(strategy, "finish", lambda both: strategy.finish(*both), closing, doing, hour)


def account(case: Case, step: int, life: Life) -> AccountState:
    """Return the account at a control step."""
    unit = case.scale * life.money
    return AccountState(
        hour=life.hour(step),
        horizon_h=life.horizon_h,
        requests_seen=step * life.rows,
        requests_expected=int(life.steps * life.rows / life.lived),
        spend=step * life.spend * unit,
        wins=20 * step,
        budget=life.budget * unit,
        budget_left=max(life.budget - step * life.spend, 0.0) * unit,
        clicks=5.0 * step if life.outcomes else 0.0,
        conversions=2.0 * step if life.outcomes else 0.0,
        margin=2.0 * step * unit if life.outcomes else 0.0,
    )


def feedback_of(case: Case, strategy: Strategy, step: int, life: Life, waiting: list[_Clicked]) -> Feedback:
    """Return the requests of one step with the strategy's bids, and the outcomes of earlier ones.

    Clicks become known a step after the win, conversions (each second click) two steps after; ``waiting`` holds them.
    """
    n, unit = life.rows, case.scale * life.money
    hour = np.linspace(life.hour(step - 1), life.hour(step), n, endpoint=False)
    requests = case.batch(strategy, n, seed=step, money=life.money, hour=hour)
    rng = np.random.default_rng([step, 1])
    bid = case.ask(strategy, requests).astype(np.float64)
    price = life.money * case.prices(rng, n)
    shown = case.choose(strategy, requests)
    shown = np.where(shown < 0, np.arange(n) % max(len(case.market.creative), 1), shown)
    is_late, seen, clicked = rng.random(n) < 0.02, rng.random(n) < 0.9, rng.random(n) < life.outcomes
    if life.is_dull:
        clicked = clicked & (shown > 0)
    won = (bid >= price) & ~is_late
    first_price = case.market.auction.shares.get("first_price", 0) > 0
    no_clicks = _Clicked(requests, 0, np.empty(0, np.intp), shown)
    due, bought = ([no_clicks, no_clicks, *waiting][-1 - age] for age in (0, 1))
    waiting.append(_Clicked(requests, step * n, np.flatnonzero(won & seen & clicked), shown))
    return Feedback(
        requests=requests,
        position=frozen(np.arange(n) + step * n),
        bid=frozen(bid),
        won=frozen(won),
        late=frozen(is_late),
        price_paid=frozen(np.where(won, bid if first_price else price, 0.0)),
        minimum_bid_to_win=frozen(price if life.tells else np.full(n, np.nan)),
        viewed=frozen(won & seen),
        creative=frozen(np.where(won, shown, -1).astype(np.int16)),
        clicks=due.known(due.rows),
        conversions=bought.known(bought.rows[::2], unit),
    )


def no_feedback(case: Case, strategy: Strategy) -> Feedback:
    """Return feedback on no request, without outcomes."""
    return feedback_of(case, strategy, 1, Life(rows=0), [])


@dataclass(frozen=True)
class _Clicked:
    """The clicked ones among some requests, the first of which has the position ``start``, and the creatives shown."""

    requests: VisibleRequests
    start: int
    rows: NDArray[np.intp]
    shown: NDArray[Any]

    def known(self, rows: NDArray[np.intp], margin: float | None = None) -> KnownOutcomes:
        """Return outcomes of these rows: clicks, or conversions of that ``margin`` each."""
        n = len(rows)
        return KnownOutcomes(
            requests=part(self.requests, rows),
            position=frozen(self.start + rows.astype(np.int64)),
            creative=frozen(self.shown[rows].astype(np.int16)),
            hour=frozen(np.linspace(0.0, 0.5, n)),
            weight=frozen(np.ones(n)),
            margin=frozen(np.empty(0) if margin is None else np.full(n, margin)),
        )
