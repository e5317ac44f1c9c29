"""jointbid: a simulator of programmatic ad bidding that quantifies the value of joint data.

The public face, for notebooks and strategy authors::

    from jointbid import Priced, Truthful, bayes, load, simulate

    scenario = load("default", "supply.requests=20000")
    strategy = Priced(bayes(scenario, ("profile", "context")), Truthful())
    simulate(scenario, {"focal": strategy}, seed=1).of("focal")
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
from sim.scenario import Cap, Terms  # noqa: E402
from sim.visible import KnownOutcomes  # noqa: E402
from strategies.base import Policy, Priced, Valuation  # noqa: E402
from strategies.per_request import PerRequest  # noqa: E402
from strategies.policies.linear import Linear, Truthful  # noqa: E402
from strategies.policies.pacing import AdaptivePacing  # noqa: E402
from strategies.policies.shading import Shading  # noqa: E402
from strategies.testing.kit import parametrize_with_checks  # noqa: E402
from strategies.valuations.bayes import bayes  # noqa: E402


def load(name: str = "default", *overrides: str) -> Scenario:
    """A shipped scenario by name, with overrides as on the command line (``supply.requests=20000``).

    Raises ``experiments.errors.BadInput`` with every problem at once.
    """
    from experiments.config import load as compose  # Hydra is imported where it is needed

    return compose("run", [f"scenario={name}", *overrides])[0].settings.scenario


__all__ = [
    "AccountState",
    "AdaptivePacing",
    "BidError",
    "Cap",
    "Entrant",
    "Feedback",
    "KnownOutcomes",
    "Linear",
    "LogColumns",
    "PerRequest",
    "Policy",
    "Priced",
    "RunResult",
    "Scenario",
    "Shading",
    "Strategy",
    "Terms",
    "Truthful",
    "Valuation",
    "VisibleRequests",
    "bayes",
    "load",
    "parametrize_with_checks",
    "simulate",
]
