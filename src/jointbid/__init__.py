"""jointbid: a simulator of programmatic ad bidding that quantifies the value of joint data.

The public face, for notebooks and strategy authors::

    from jointbid import Priced, Truthful, bayes, load, simulate

    scenario = load("default", "supply.requests=20000")
    strategy = Priced(bayes(scenario, ("profile", "context")), Truthful())
    simulate(scenario, {"focal": strategy}, seed=1).of("focal")
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from .sim import (
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
from .sim.scenario import Cap, Terms
from .sim.visible import KnownOutcomes
from .strategies.base import Policy, Priced, Valuation
from .strategies.per_request import PerRequest
from .strategies.policies.linear import Linear, Truthful
from .strategies.policies.pacing import AdaptivePacing
from .strategies.policies.shading import Shading
from .strategies.testing.kit import parametrize_with_checks
from .strategies.valuations.bayes import bayes

if TYPE_CHECKING:
    from .experiments import plots
    from .experiments.report import Study


@overload
def load(what: Path) -> Study: ...
@overload
def load(what: str = "default", *overrides: str) -> Any: ...
def load(what: str | Path = "default", *overrides: str) -> Any:
    """What has a name or lies in a folder: a scenario that ships, or a study that was run.

    Args:
        what: a scenario's name; or the folder of a study, as the command line prints it (``results/value/default-1ef6b69b1ba2``).
        overrides: of a scenario, as on the command line (``supply.requests=20000``).

    Returns:
        A ``Scenario``, to be simulated; or a ``Study``, whose frames are ``summary``, ``cells`` and ``timeseries``, and whose
        further tables are ``tables``.

    Raises:
        jointbid.experiments.errors.BadInput: with every problem at once.
    """
    if not overrides and (isinstance(what, Path) or os.sep in what or Path(what, "manifest.json").is_file()):
        from .experiments.report import load_study  # pandas is imported where it is needed

        return load_study(what)
    from .experiments.config import load as compose  # and Hydra

    return compose("run", [f"scenario={what}", *overrides])[0].settings.market


def __getattr__(name: str) -> Any:
    """Import what is heavy when it is asked for."""
    if name == "plots":
        return importlib.import_module(".experiments.plots", __name__)
    if name == "Study":
        return importlib.import_module(".experiments.report", __name__).Study
    raise AttributeError(f"module 'jointbid' has no attribute {name!r}")


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
    "Study",
    "Terms",
    "Truthful",
    "Valuation",
    "VisibleRequests",
    "bayes",
    "load",
    "parametrize_with_checks",
    "plots",
    "simulate",
]
