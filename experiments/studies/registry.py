"""Studies: which cells each needs, and what they say."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base import Study

STUDIES = {
    "value": ("jointbid.experiments.studies.value.study", "Value"),
    "tournament": ("jointbid.experiments.studies.tournament.study", "Tournament"),
    "sensitivity": ("jointbid.experiments.studies.sensitivity", "Sensitivity"),
    "adoption": ("jointbid.experiments.studies.adoption", "Adoption"),
    "attribution": ("jointbid.experiments.studies.attribution.study", "Attribution"),
}
"""Verb -> module and class of its study; its settings are in ``jointbid.experiments.config.settings.STUDIES``."""


def study_class(verb: str) -> type[Study]:
    """The study of a verb; its module is imported when it is asked for."""
    module, name = STUDIES[verb]
    found: type[Study] = getattr(import_module(module), name)
    return found
