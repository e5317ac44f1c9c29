"""jointbid: a simulator of programmatic ad bidding that quantifies the value of joint data.

The public face, for notebooks and strategy authors::

    from jointbid import Scenario, Truthful, bayes, Priced, simulate
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def _refuse_shadows() -> None:
    """Say clearly when another package takes one of our import names; anything else would be a puzzling error."""
    for name in ("sim", "strategies", "experiments"):
        spec = importlib.util.find_spec(name)
        places = list(spec.submodule_search_locations or []) if spec else []
        found = Path(places[0]).resolve() if places else None
        if found != _HERE / name:
            where = found or (spec.origin if spec else None) or "nowhere"
            raise ImportError(
                f"jointbid needs its own package {name!r} ({_HERE / name}), but Python finds {where} first: "
                f"rename that folder or file, or start Python from somewhere else"
            )


_refuse_shadows()

from sim import (  # noqa: E402
    AccountState,
    BidError,
    Entrant,
    Feedback,
    LogColumns,
    RunResult,
    Scenario,
    Strategy,
    VisibleRequests,
    simulate,
)
from strategies.base import Policy, Priced, Valuation  # noqa: E402
from strategies.policies.linear import Linear, Truthful  # noqa: E402
from strategies.policies.pacing import AdaptivePacing  # noqa: E402
from strategies.policies.shading import Shading  # noqa: E402
from strategies.valuations.bayes import bayes  # noqa: E402

__all__ = [
    "AccountState",
    "AdaptivePacing",
    "BidError",
    "Entrant",
    "Feedback",
    "Linear",
    "LogColumns",
    "Policy",
    "Priced",
    "RunResult",
    "Scenario",
    "Shading",
    "Strategy",
    "Truthful",
    "Valuation",
    "VisibleRequests",
    "bayes",
    "simulate",
]
