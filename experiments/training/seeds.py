"""Replications to train on, apart from those that studies estimate from or decide by."""

from __future__ import annotations

import warnings

from ..cells.replications import TRAINING


class StudyReplicationWarning(UserWarning):
    """An episode in a market that studies estimate from, or decide by."""


def train_seeds(n: int, start: int = 0) -> list[int]:
    """Return ``n`` numbers of replications that no study meets, from the ``start``-th on.

    A market is drawn from (seed, replication). A policy that was trained on the replications that a study estimates from has seen
    its markets, and the study's estimate is too high.
    """
    if n < 0 or start < 0:
        raise ValueError(f"n = {n}, start = {start}: must be 0 or more")
    return list(range(TRAINING + start, TRAINING + start + n))


def warn_of_study(replication: int) -> None:
    """Warn where a replication is not one for training."""
    if replication < TRAINING:
        warnings.warn(
            f"replication {replication} is one of those that studies estimate from or decide by (below {TRAINING:,}): a policy that is "
            "trained on it has seen their markets; train on jointbid.train_seeds(n), or make the environment with evaluate=True",
            StudyReplicationWarning,
            stacklevel=3,
        )
