"""A policy that was trained elsewhere: a network in a file looks at the account and sets the multiplier."""

from __future__ import annotations

from typing import Any

from ..base import AccountState
from .networks import MLP, Network
from .policy_files import load_policy
from .steered import Interface, Steered

WEIGHTS = {"time_left": 0.125, "pace": -0.036, "spend_last": -0.066}
BIAS = -0.241
"""What docs/train-a-bidder.md finds for the default scenario with a tight budget; the policy without ``path``."""


class Trained(Steered):
    """Bid value times the multiplier that a network sets at each control step, from what it sees of its bidder's own account.

    ``path`` is a file of ``jointbid.save_policy`` (``.npz``), or an ONNX model (``.onnx``, extra ``onnx``). It states what the network
    sees (``account``, ``auctionnet``) and what its actions mean; ``observation``, ``action``, ``low``, ``high`` and ``size`` say so for an
    ONNX model without a label. Left out, it is the linear policy that docs/train-a-bidder.md trains.
    """

    needs_budget = True

    def __init__(
        self,
        path: str | None = None,
        observation: str | None = None,
        action: str | None = None,
        low: float | None = None,
        high: float | None = None,
        size: int | None = None,
    ) -> None:
        given: dict[str, Any] = {
            "observation": observation,
            "action": action,
            "low": low,
            "high": high,
            "size": size,
        }
        stated = {name: value for name, value in given.items() if value is not None}
        if path is None and stated:
            raise ValueError(f"{next(iter(stated))} needs path: the file of the network that it describes")
        self._network: Network = shipped() if path is None else load_policy(path, **stated)
        super().__init__(self._network.interface)

    def control(self, state: AccountState) -> None:
        """Look at the account, and act on it."""
        super().control(state)
        self.act(self._network(self.observed))


def shipped() -> MLP:
    """Return the policy of docs/train-a-bidder.md."""
    interface = Interface()
    return MLP([[[WEIGHTS.get(name, 0.0)] for name in interface.names]], [[BIAS]], interface)
