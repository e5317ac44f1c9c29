"""Which replications are for what: studies estimate from those below ``PILOTS``; blocks of those above decide something."""

from __future__ import annotations

NEXT_SEASON = 100_000
"""Budgets that a replication's log leads to are played in another market: that of the replication so much further on."""
PILOTS = 1_000_000
"""From here on replications are pilots: they decide how a study goes on, and no estimate and no table has them."""


def _block(number: int, length: int) -> tuple[int, ...]:
    return tuple(range(number * PILOTS, number * PILOTS + length))


PILOT = _block(1, 4)
"""The better silo, and the better single source, are chosen on these."""
WIDTH_PILOT = _block(2, 10)
"""These fix, where a half-width is wanted, how many replications there must be: an interval over replications that have decided on their
own number covers less often than it says (.93 for .95)."""
TUNING = _block(3, 4)
"""Policies are tuned, and best responses of a tournament chosen, on these."""
ANSWERING = _block(5, 3)
"""Answers to an equilibrium are tried on these."""
CONFIRMED_FROM = ANSWERING[-1] + 1
"""The first of those on which the best answer is played again; the regret is estimated from them."""
TRAINING = 10 * PILOTS
"""From here on: for bidders that learn by playing."""
