"""Environments of Gymnasium and PettingZoo (extra ``gym``); importing this registers ``jointbid/Bid-v0``.

``gymnasium.make("jointbid.gym:jointbid/Bid-v0")`` imports it by itself: Gymnasium reads no entry points of packages since version 1.0.
"""

from __future__ import annotations

from jointbid.experiments.training.gymnasium_env import BidEnv
from jointbid.experiments.training.pettingzoo_env import BidParallelEnv

__all__ = ["BidEnv", "BidParallelEnv"]
