"""Registers ``jointbid/Bid-v0`` with Gymnasium, which from version 1.0 on reads no entry points of packages.

The module of ``jointbid.BidEnv`` calls this, and so ``import jointbid.gym`` does.
"""

from __future__ import annotations

ENV_ID = "jointbid/Bid-v0"


def register() -> None:
    """Register the environment, unless it is there."""
    import gymnasium

    if ENV_ID not in gymnasium.registry:
        gymnasium.register(ENV_ID, "jointbid.experiments.training.gymnasium_env:BidEnv")
