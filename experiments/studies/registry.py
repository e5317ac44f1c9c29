"""The class of a study by its verb, and the way that each of its points goes; ``jointbid.experiments.config.studies`` has the registry."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from ..config.points import Point, Points
from ..config.studies import STUDIES

if TYPE_CHECKING:
    from .base import Study
    from .session import StudyResult


def study_class(verb: str) -> type[Study]:
    """Return the study of a verb; its module is imported now."""
    module, _, name = STUDIES[verb].study.partition(":")
    found: type[Study] = getattr(import_module(f"{__package__}.{module}"), name)
    return found


def run_points(points: Points, deliver: Callable[[Point, StudyResult], None]) -> None:
    """Run a study at each point: logs one after the other, for each takes all cores; everything else in one pool.

    Raises:
        BadInput: settings that make no such study, a strategy that does not bid, a folder that cannot be written to.
        FailedFast: a cell failed, and ``executor.fail_fast`` is set.
    """
    if logs := points.of_kind("log"):
        from .replay.value import value

        for point in logs:
            deliver(point, value(point))
    if simulated := points.of_kind("synthetic"):
        from .session import run_studies

        run_studies(simulated, study_class(simulated[0].verb), deliver)
