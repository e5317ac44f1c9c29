"""Attribution rules: how the purchases of a touchpoint log are shared out among channels.

Each rule credits a purchase with touchpoints in its window exactly once, so that its credits sum to those purchases. No rule
knows the purchases that would have come without the touchpoints; studies compare the rules with these.

Why own code: of the libraries that are kept up, ChannelAttribution 2.2 is GPL-3.0, and marketing-attribution-models 2.1 brings
polars and plotly for rules that are a few lines of numpy each.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from jointbid.sim.touchpoints import Paths

ENDS = 0.4
"""Share that the rule ``position`` gives to the first and to the last touchpoint each; those between get the rest."""

Credits = NDArray[np.float64]
"""Purchases credited to each channel, shape (channels,)."""


def credits_of(paths: Paths, channels: int, half_life_h: float) -> dict[str, Credits]:
    """Return the purchases by channel under every rule of ``RULES``."""
    return {rule: share_out(paths, channels, half_life_h) for rule, share_out in RULES.items()}


def last_touch(paths: Paths, channels: int, half_life_h: float) -> Credits:  # noqa: ARG001
    """All to the last touchpoint before the purchase."""
    return _summed(paths, channels, _ends(paths.path).astype(np.float64))


def first_touch(paths: Paths, channels: int, half_life_h: float) -> Credits:  # noqa: ARG001
    """All to the first touchpoint in the window."""
    return _summed(paths, channels, _starts(paths.path).astype(np.float64))


def linear(paths: Paths, channels: int, half_life_h: float) -> Credits:  # noqa: ARG001
    """The same to each touchpoint."""
    return _summed(paths, channels, np.ones(len(paths.path)))


def position(paths: Paths, channels: int, half_life_h: float) -> Credits:  # noqa: ARG001
    """``ENDS`` to the first and to the last touchpoint, the rest to those between; half each where there are only two."""
    first, last = _starts(paths.path), _ends(paths.path)
    _, path, lengths = np.unique(paths.path, return_inverse=True, return_counts=True)
    length = lengths[path]
    between = np.where(length > 2, (1.0 - 2.0 * ENDS) / np.maximum(length - 2, 1), 0.0)
    return _summed(paths, channels, np.where(first | last, ENDS * (first.astype(float) + last), between))


def time_decay(paths: Paths, channels: int, half_life_h: float) -> Credits:
    """To each touchpoint by a weight that halves with every ``half_life_h`` before the purchase.

    Weights are relative to the path's last touchpoint, whose weight is 1: so their sum never underflows, however short the half-life.
    """
    last = np.flatnonzero(_ends(paths.path))[np.cumsum(_starts(paths.path)) - 1]
    before_last_h = paths.before_h - paths.before_h[last]
    with np.errstate(over="ignore"):  # infinitely many half-lives: a weight of 0
        return _summed(paths, channels, 0.5 ** (before_last_h / half_life_h))


def markov(paths: Paths, channels: int, half_life_h: float) -> Credits:  # noqa: ARG001
    """By removal effect in a first-order Markov chain from start over channels to a purchase or none (Anderl et al. 2016).

    With a channel's removal all that reached it ends nowhere; credits are proportional to the chance of a purchase that is
    lost.
    """
    start, end, nothing = channels, channels, channels + 1
    counts = np.zeros((channels + 1, channels + 2))
    first, last = _starts(paths.path), _ends(paths.path)
    counts[start, :channels] = np.bincount(paths.channel[first], minlength=channels)
    onward = np.flatnonzero(~last)
    np.add.at(counts, (paths.channel[onward], paths.channel[onward + 1]), 1.0)
    np.add.at(counts, (paths.channel[last], np.where(paths.bought[last], end, nothing)), 1.0)
    total = counts.sum(axis=1, keepdims=True)
    law = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)

    def reached(without: int | None) -> float:
        step = law.copy()
        if without is not None:
            step[:, without] = 0.0
        chance = np.linalg.solve(np.eye(channels) - step[:channels, :channels], step[:channels, end])
        return float(step[start, :channels] @ chance)

    whole = reached(None)
    lost = np.array([whole - reached(channel) for channel in range(channels)])
    return np.asarray(paths.touched * lost / lost.sum()) if lost.sum() > 0 else np.zeros(channels)


def shapley(paths: Paths, channels: int, half_life_h: float) -> Credits:  # noqa: ARG001
    """Shapley value of the game in which a set of channels is worth the purchases whose touchpoints all lie in it.

    Each purchase is then one unanimity game over its channels, so that they share it equally (Zhao, Mahboobi & Bagheri 2018).
    """
    pairs = np.unique(np.stack([paths.path[paths.bought], paths.channel[paths.bought]]), axis=1)
    alone = Paths(
        pairs[0], pairs[1], np.zeros(pairs.shape[1]), np.ones(pairs.shape[1], bool), paths.purchases
    )
    return linear(alone, channels, 1.0)


RULES: dict[str, Callable[[Paths, int, float], Credits]] = {
    "last_touch": last_touch,
    "first_touch": first_touch,
    "linear": linear,
    "position": position,
    "time_decay": time_decay,
    "markov": markov,
    "shapley": shapley,
}
"""Rule -> (paths, number of channels, half-life of ``time_decay`` in hours) -> credits."""


def _summed(paths: Paths, channels: int, weight: NDArray[np.float64]) -> Credits:
    """Return credits: each path that ends in a purchase is shared out by the weights of its touchpoints."""
    own = paths.bought
    if not own.any():
        return np.zeros(channels)
    _, path = np.unique(paths.path[own], return_inverse=True)
    total = np.bincount(path, weights=weight[own])
    return np.bincount(paths.channel[own], weights=weight[own] / total[path], minlength=channels).astype(
        float
    )


def _starts(path: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.concatenate([np.ones(min(len(path), 1), bool), path[1:] != path[:-1]])


def _ends(path: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.concatenate([path[1:] != path[:-1], np.ones(min(len(path), 1), bool)])
