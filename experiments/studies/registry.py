"""The class of a study by its verb; ``jointbid.experiments.config.studies`` has the registry."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ..config.studies import STUDIES

if TYPE_CHECKING:
    from .base import Study


def study_class(verb: str) -> type[Study]:
    """Return the study of a verb; its module is imported now."""
    module, _, name = STUDIES[verb].study.partition(":")
    found: type[Study] = getattr(import_module(f"{__package__}.{module}"), name)
    return found
