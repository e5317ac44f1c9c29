"""The strategy, and its two parts: a valuation and a policy.

A policy is itself a strategy that reads the column ``value``: the impression's value by its bidder's data, in
currency. ``Priced`` puts a valuation before it, which fills that column from what the bidder may see. A plugin may read
``value``, or the raw columns, or both; one that also names ``value_sigma`` learns how sure the valuation is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from jointbid.sim import AccountState, Feedback, Strategy, VisibleRequests
from jointbid.sim.public_columns import SIGMA, VALUE

__all__ = ["SIGMA", "VALUE", "AccountState", "Feedback", "Policy", "Priced", "Strategy", "Valuation", "VectorisedPolicy", "VisibleRequests"]  # fmt: skip

OF_VALUATIONS = (VALUE, SIGMA)
PRICE_INDEPENDENT_OF_BID = ("second_price", "vcg")
"""Auction types in which the price does not depend on the winner's own bid."""


class Valuation(Protocol):
    """The value of an impression, given the visible columns.

    It may also have ``sigma`` (see ``Uncertain``), ``creative`` as a policy has it, ``stochastic = True`` where it draws by ``uniform``,
    and ``learns = True`` with the methods of ``LearningValuation``.
    """

    @property
    def reads(self) -> tuple[str, ...]:
        """The visible columns that it uses."""

    def value(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Expected value in currency per impression, shape (requests.n,); row-wise."""


@runtime_checkable
class Uncertain(Valuation, Protocol):
    """One that also says how sure it is, to policies that name ``value_sigma``."""

    def sigma(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Standard deviation of what it believes of the expected value, currency per impression, shape (requests.n,); row-wise."""


class Policy:
    """A base for strategies that need little: reads ``value``, does not learn, has no control, no state.

    Override ``bid``; where needed also ``control``, or ``observe`` together with ``learns = True``. A policy may have a float
    ``multiplier``, as an attribute or as a property: the time series records it. A constructor parameter called ``market``
    receives the public facts of the market (``jointbid.MarketFacts``).
    """

    reads: tuple[str, ...] | None = (VALUE,)
    may_read: tuple[str, ...] = ()
    """Columns that it uses where its bidder's data show them, and does without where they do not."""
    learns: bool = False
    paces: bool = False
    """Whether its bids depend on its budget."""
    stochastic: bool = False
    """Whether its bids use the column ``uniform``."""
    needs_budget: bool = False
    """Whether its rule needs a finite budget; it must still bid without one."""
    meant_for: tuple[str, ...] = ()
    """The auction types that its rule was made for; empty: any."""
    scales: bool = False
    """Whether bids scale with money: all amounts times k give bids times k."""
    bids_per_second: float | None = None
    """Bids that it makes in a second on one core, at least; None: not declared."""
    values_itself: bool = False
    """Whether it prices requests by the sources that its bidder holds (``may_read``), with no valuation before it."""
    is_remote: bool = False
    """Whether a bidder elsewhere plays it; no trial is then made, as it would see the trial's requests."""

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """Bids in currency per impression, shape (requests.n,); row-wise."""
        raise NotImplementedError(f"{type(self).__name__} needs a method bid(self, requests)")

    def creative(self, requests: VisibleRequests) -> NDArray[np.int64] | None:  # noqa: ARG002
        """Which creative to show on each request that is won, by number, shape (requests.n,); None: they rotate."""
        return None

    def observe(self, feedback: Feedback) -> None:
        """Own requests since the last control step; called where ``learns`` is true."""

    def control(self, state: AccountState) -> None:
        """A control step, the first of them before the first request."""

    @property
    def looks_at_account(self) -> bool:
        """Whether it has a ``control`` or a ``finish`` of its own; otherwise the engine spares making an account for it."""
        own = ((self.control, Policy.control), (self.finish, Policy.finish))
        return any(getattr(method, "__func__", None) is not plain for method, plain in own)

    def finish(self, feedback: Feedback, state: AccountState) -> None:  # noqa: ARG002
        """The closing account, once, after the last request; ``feedback`` is what ``observe`` was not given yet.

        Its outcomes include those that come after the end, marked as ``pending``. This one observes the others, where ``learns`` is true.
        """
        if self.learns:
            self.observe(feedback.settled)

    def counts(self) -> Mapping[str, float]:
        """Return what it counted in the run by name, each a column of the table of bidders."""
        return {}


class VectorisedPolicy(Policy):
    """A base for policies that bid on whole columns at once."""

    bids_per_second = 5e6


class LearningValuation(Valuation, Protocol):
    """One with ``learns = True``: it goes on learning while its bidder bids, and is called as a strategy is."""

    def observe(self, feedback: Feedback) -> None:
        """Own requests since the last control step, with their outcomes."""

    def control(self, state: AccountState) -> None:
        """A control step; values may be others from here on."""


def pass_closing_account(part: Strategy | LearningValuation, feedback: Feedback, state: AccountState) -> None:
    """Pass the closing account on to a part of a strategy, as the engine does: by its ``finish``; without one it observes."""
    closing = getattr(part, "finish", None)
    if closing is not None:
        closing(feedback, state)
    elif getattr(part, "learns", False):
        part.observe(feedback.settled)


def only(requests: VisibleRequests, names: Iterable[str] | None) -> VisibleRequests:
    """Return the requests with the named columns alone (None: with all), so that no other can be read."""
    shown = _shown(requests, names)
    return requests if len(shown) == len(requests) else VisibleRequests(requests.n, shown)


def _shown(requests: VisibleRequests, names: Iterable[str] | None) -> dict[str, NDArray[Any]]:
    wanted = set(requests) if names is None else set(names)
    return {name: requests[name] for name in requests if name in wanted}


def feedback_with(feedback: Feedback, show: Callable[[VisibleRequests], VisibleRequests]) -> Feedback:
    """Return the feedback with other visible columns: those of its requests, clicks and conversions after ``show``."""
    clicks, conversions = (
        replace(known, requests=show(known.requests)) for known in (feedback.clicks, feedback.conversions)
    )
    return replace(feedback, requests=show(feedback.requests), clicks=clicks, conversions=conversions)


def is_learning(valuation: Valuation) -> TypeGuard[LearningValuation]:
    """Return whether a valuation learns."""
    return bool(getattr(valuation, "learns", False))


@dataclass
class Priced:
    """A strategy of two parts: the valuation prices each request, the policy bids on the price.

    Each part sees the columns that it declared, and no other.
    """

    valuation: Valuation
    policy: Strategy
    _seen: VisibleRequests | None = field(default=None, init=False, repr=False, compare=False)
    _priced: VisibleRequests | None = field(default=None, init=False, repr=False, compare=False)
    _chosen: tuple[VisibleRequests, NDArray[np.int64]] | None = field(
        default=None, init=False, repr=False, compare=False
    )

    @property
    def reads(self) -> tuple[str, ...] | None:
        """The columns of the valuation, and those of the policy beside the value."""
        if self.policy.reads is None:
            return None
        beside = (column for column in self.policy.reads if column not in OF_VALUATIONS)
        return tuple(dict.fromkeys((*self.valuation.reads, *beside)))

    @property
    def may_read(self) -> tuple[str, ...]:
        """Columns that the policy uses where they are visible."""
        return tuple(column for column in getattr(self.policy, "may_read", ()) if column not in OF_VALUATIONS)

    @property
    def learns(self) -> bool:
        """Whether the policy or the valuation learns from feedback."""
        return self.policy.learns or is_learning(self.valuation)

    @property
    def looks_at_account(self) -> bool:
        """Whether the policy looks at its account, or the valuation learns."""
        own = type(self).control is not Priced.control
        return own or bool(getattr(self.policy, "looks_at_account", True)) or is_learning(self.valuation)

    @property
    def stochastic(self) -> bool:
        """Whether the policy or the valuation draws by chance."""
        return any(bool(getattr(part, "stochastic", False)) for part in (self.policy, self.valuation))

    @property
    def multiplier(self) -> float:
        """The policy's bid multiplier."""
        return float(getattr(self.policy, "multiplier", np.nan))

    def bid(self, requests: VisibleRequests) -> NDArray[np.float64]:
        """The policy's bids on the requests with their values; a value below 0 counts as 0."""
        known = self._priced if self._seen is requests else None
        return self.policy.bid(self._valued(requests) if known is None else known)

    def creative(self, requests: VisibleRequests) -> NDArray[np.int64] | None:
        """Return the valuation's choice, or the policy's where the valuation makes none."""
        choose = getattr(self.valuation, "creative", None)
        if choose is not None:
            if self._chosen is None or self._chosen[0] is not requests:
                chosen = np.array(choose(only(requests, self.valuation.reads)))
                chosen.flags.writeable = False  # so that the engine knows it again
                self._chosen = requests, chosen
            return self._chosen[1]
        choose = getattr(self.policy, "creative", None)
        return None if choose is None else choose(self._valued(requests))

    def observe(self, feedback: Feedback) -> None:
        """Pass feedback on to a policy that learns, with the value of each request, then to a valuation that learns."""
        if self.policy.learns:
            self.policy.observe(self._for_policy(feedback))
        if is_learning(self.valuation):
            self.valuation.observe(self._for_valuation(feedback))

    def control(self, state: AccountState) -> None:
        """Pass the account on to the policy, and to a valuation that learns."""
        self.policy.control(state)
        if is_learning(self.valuation):
            self.valuation.control(state)
            self._seen = self._chosen = None

    def finish(self, feedback: Feedback, state: AccountState) -> None:
        """Pass the closing account on to the policy, and to a valuation that learns, each with the columns that it declared."""
        if self.policy.learns or getattr(type(self.policy), "finish", None) is not Policy.finish:
            pass_closing_account(self.policy, self._for_policy(feedback), state)
        if is_learning(self.valuation):
            pass_closing_account(self.valuation, self._for_valuation(feedback), state)

    def _for_policy(self, feedback: Feedback) -> Feedback:
        requests, reads = self._with_value(feedback.requests), self._policy_reads
        return feedback_with(feedback, lambda shown: requests if shown is feedback.requests else only(shown, reads))  # fmt: skip

    def _for_valuation(self, feedback: Feedback) -> Feedback:
        return feedback_with(feedback, lambda requests: only(requests, self.valuation.reads))

    def counts(self) -> Mapping[str, float]:
        """Return what the policy counted."""
        counts = getattr(self.policy, "counts", None)
        return {} if counts is None else dict(counts())

    @property
    def _policy_reads(self) -> tuple[str, ...] | None:
        return None if self.policy.reads is None else (*self.policy.reads, *self.may_read)

    def _valued(self, requests: VisibleRequests) -> VisibleRequests:
        """Return ``_with_value``; the engine passes the same cells repeatedly."""
        if self._priced is None or self._seen is not requests:
            self._seen, self._priced = requests, self._with_value(requests)
        return self._priced

    def _with_value(self, requests: VisibleRequests) -> VisibleRequests:
        """Return the columns that the policy declared, and ``value``, at least 0; the valuation sees those that it declared."""
        own = only(requests, self.valuation.reads)
        value = np.maximum(self.valuation.value(own), 0.0) if requests.n else np.empty(0)
        columns = {**_shown(requests, self._policy_reads), VALUE: value}
        if self._shows_sigma:
            columns[SIGMA] = sigma_of(self.valuation, own)
        return VisibleRequests(requests.n, columns)

    @property
    def _shows_sigma(self) -> bool:
        """Whether the policy declares ``value_sigma``; in ``may_read`` it does without where the valuation has none."""
        may_read = getattr(self.policy, "may_read", ())
        return SIGMA in (self.policy.reads or ()) or (SIGMA in may_read and hasattr(self.valuation, "sigma"))


def sigma_of(valuation: Valuation, requests: VisibleRequests) -> NDArray[np.float64]:
    """Return the standard deviations of a valuation; ``TypeError`` where it has none."""
    if not isinstance(valuation, Uncertain):
        raise TypeError(
            f"the policy reads {SIGMA!r}, and the valuation {type(valuation).__name__} has no method sigma(requests); name the "
            "column in may_read instead of reads to bid without it, or give the valuation that method"
        )
    return np.asarray(valuation.sigma(requests)) if requests.n else np.empty(0)
