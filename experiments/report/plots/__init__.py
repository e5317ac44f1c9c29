"""Plots, each drawn from a tidy table that is saved beside it: `save(draw_x(table, ...), table, folder, name)`.

The `draw_` functions return a matplotlib Figure, which a notebook shows; matplotlib itself is imported when drawing. Each plot is one
file here. This package has every ``draw_...`` and ``..._points`` of its files, and the names of `OTHERS`.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

OTHERS = {"arm_pacing": "pacing", "FORMATS": "style", "look": "style", "save": "style", "figures_of": "of_any_study", "key_label": "key_labels", "key_words": "key_labels"}  # fmt: skip
"""Further public names -> their files."""


def __getattr__(name: str) -> Any:
    is_plot = name.startswith("draw_") or name.endswith("_points")
    files = [OTHERS[name]] if name in OTHERS else [file.name for file in iter_modules(__path__) if is_plot]
    for file in files:
        if (found := getattr(import_module(f"{__name__}.{file}"), name, None)) is not None:
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
