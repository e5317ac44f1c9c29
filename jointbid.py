"""jointbid: a simulator of programmatic ad bidding that quantifies the value of joint data.

The public face, for notebooks and strategy authors::

    from jointbid import Priced, Truthful, bayes, load, simulate

    scenario = load("default", "supply.requests=20000")
    strategy = Priced(bayes(scenario, ("profile", "context")), Truthful())
    simulate(scenario, {"focal": strategy}, seed=1).of("focal")
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

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

if TYPE_CHECKING:
    from experiments import plots
    from experiments.report import Study


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
        experiments.errors.BadInput: with every problem at once.
    """
    if not overrides and (isinstance(what, Path) or os.sep in what or Path(what, "manifest.json").is_file()):
        from experiments.report import load_study  # pandas is imported where it is needed

        return load_study(what)
    from experiments.config import load as compose  # and Hydra

    return compose("run", [f"scenario={what}", *overrides])[0].settings.market


def __getattr__(name: str) -> Any:
    """Import what is heavy when it is asked for."""
    if name == "plots":
        return importlib.import_module("experiments.plots")
    if name == "Study":
        return importlib.import_module("experiments.report").Study
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
