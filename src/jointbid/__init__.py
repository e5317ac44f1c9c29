"""jointbid: a simulator of programmatic ad bidding that quantifies the value of joint data.

The public face, for notebooks and strategy authors::

    from jointbid import Priced, Truthful, bayes, load, simulate

    scenario = load("default", "supply.requests=20000")
    strategy = Priced(bayes(scenario, ("profile", "context")), Truthful())
    simulate(scenario, {"focal": strategy}, seed=1).of("focal")

Each name is imported when it is first used: ``import jointbid`` costs nothing.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from jointbid.experiments.errors import BadInput, RunFailed
    from jointbid.experiments.report import plots
    from jointbid.experiments.report.folders.loaded import ComparisonTables, SweepTables
    from jointbid.experiments.report.folders.study import StudyFolder
    from jointbid.experiments.studies.from_python import StudyTables, study
    from jointbid.experiments.training.gymnasium_env import BidEnv
    from jointbid.experiments.training.pettingzoo_env import BidParallelEnv
    from jointbid.experiments.training.seeds import train_seeds
    from jointbid.experiments.training.trajectories import trajectories
    from jointbid.sim import (
        AccountState,
        BidError,
        Entrant,
        Feedback,
        LogColumns,
        Market,
        RunResult,
        Scenario,
        Strategy,
        VisibleRequests,
        simulate,
    )
    from jointbid.sim.scenario import Cap, Terms
    from jointbid.sim.visible import KnownOutcomes
    from jointbid.strategies.base import Policy, Priced, Valuation
    from jointbid.strategies.market import MarketFacts
    from jointbid.strategies.per_request import PerRequest
    from jointbid.strategies.policies.linear import Linear, Truthful
    from jointbid.strategies.policies.pacing import AdaptivePacing
    from jointbid.strategies.policies.policy_files import label_policy, save_policy
    from jointbid.strategies.policies.shading import Shading
    from jointbid.strategies.policies.steered import Interface
    from jointbid.strategies.registry import strategy
    from jointbid.strategies.testing.kit import parametrize_with_checks
    from jointbid.strategies.valuations.bayes import bayes

HOMES = {
    "AccountState": "jointbid.sim",
    "AdaptivePacing": "jointbid.strategies.policies.pacing",
    "BadInput": "jointbid.experiments.errors",
    "BidEnv": "jointbid.experiments.training.gymnasium_env",
    "BidError": "jointbid.sim",
    "BidParallelEnv": "jointbid.experiments.training.pettingzoo_env",
    "Cap": "jointbid.sim.scenario",
    "ComparisonTables": "jointbid.experiments.report.folders.loaded",
    "Entrant": "jointbid.sim",
    "Feedback": "jointbid.sim",
    "Interface": "jointbid.strategies.policies.steered",
    "KnownOutcomes": "jointbid.sim.visible",
    "Linear": "jointbid.strategies.policies.linear",
    "LogColumns": "jointbid.sim",
    "MarketFacts": "jointbid.strategies.market",
    "PerRequest": "jointbid.strategies.per_request",
    "Policy": "jointbid.strategies.base",
    "Priced": "jointbid.strategies.base",
    "RunFailed": "jointbid.experiments.errors",
    "RunResult": "jointbid.sim",
    "Scenario": "jointbid.sim",
    "Shading": "jointbid.strategies.policies.shading",
    "Market": "jointbid.sim",
    "Strategy": "jointbid.sim",
    "StudyFolder": "jointbid.experiments.report.folders.study",
    "StudyTables": "jointbid.experiments.studies.from_python",
    "SweepTables": "jointbid.experiments.report.folders.loaded",
    "Terms": "jointbid.sim.scenario",
    "Truthful": "jointbid.strategies.policies.linear",
    "Valuation": "jointbid.strategies.base",
    "VisibleRequests": "jointbid.sim",
    "bayes": "jointbid.strategies.valuations.bayes",
    "label_policy": "jointbid.strategies.policies.policy_files",
    "parametrize_with_checks": "jointbid.strategies.testing.kit",
    "plots": "jointbid.experiments.report.plots",
    "save_policy": "jointbid.strategies.policies.policy_files",
    "simulate": "jointbid.sim",
    "train_seeds": "jointbid.experiments.training.seeds",
    "trajectories": "jointbid.experiments.training.trajectories",
    "strategy": "jointbid.strategies.registry",
    "study": "jointbid.experiments.studies.from_python",
}
"""Public name -> the module that has it."""


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = import_module(HOMES[name]) if name == "plots" else getattr(import_module(HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


@overload
def load(what: Path) -> StudyFolder | SweepTables | ComparisonTables: ...
@overload
def load(what: str = "default", *overrides: str) -> Scenario: ...
def load(
    what: str | Path = "default", *overrides: str
) -> Scenario | StudyFolder | SweepTables | ComparisonTables:
    """Return a scenario by its name, or what a command left by its folder: a study, a sweep or a comparison.

    Args:
        what: a scenario's name (``"default"``), or a folder as the command line prints it: of a study
            (``results/value/...``), a sweep (``results/sweeps/...``) or a comparison (``results/compare/...``). A ``Path`` always
            means a folder; type checkers take a ``str`` for a scenario's name, and ``load_study`` for a study.
        overrides: changes to the scenario, as on the command line (``supply.requests=20000``).

    Returns:
        A ``Scenario`` to simulate, or the ``StudyFolder``, ``SweepTables`` or ``ComparisonTables``.

    Raises:
        jointbid.BadInput: lists every problem with the name, the overrides or the folder.
    """
    if not overrides and (
        isinstance(what, Path)
        or os.sep in what
        or any(Path(what, file).is_file() for file in ("manifest.json", "points.csv"))
    ):
        from jointbid.experiments.report.folders.loaded import load_folder

        return load_folder(what)
    from jointbid.experiments.config.points import load as compose

    return compose("run", [f"scenario={what}", *overrides])[0].settings.played_scenario


def load_study(folder: str | os.PathLike[str]) -> StudyFolder:
    """Return a finished study: its ``summary``, ``cells`` and ``timeseries`` frames, and its further ``tables``.

    Args:
        folder: the study's folder (``results/value/default-1ef6b69b1ba2``).

    Raises:
        jointbid.BadInput: the folder holds no study.
    """
    from jointbid.experiments.report.folders.study import load_study as read

    return read(Path(folder))


__all__ = [
    "AccountState",
    "AdaptivePacing",
    "BadInput",
    "BidEnv",
    "BidError",
    "BidParallelEnv",
    "Cap",
    "ComparisonTables",
    "Entrant",
    "Feedback",
    "Interface",
    "KnownOutcomes",
    "Linear",
    "LogColumns",
    "Market",
    "MarketFacts",
    "PerRequest",
    "Policy",
    "Priced",
    "RunFailed",
    "RunResult",
    "Scenario",
    "Shading",
    "Strategy",
    "StudyFolder",
    "StudyTables",
    "SweepTables",
    "Terms",
    "Truthful",
    "Valuation",
    "VisibleRequests",
    "bayes",
    "label_policy",
    "load",
    "load_study",
    "parametrize_with_checks",
    "plots",
    "save_policy",
    "simulate",
    "strategy",
    "study",
    "train_seeds",
    "trajectories",
]
