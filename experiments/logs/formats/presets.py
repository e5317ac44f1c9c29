"""Formats that are a YAML file: what their columns are called and mean. They lie in `conf/log_format`, and in plugins' folders.

A file has `about` (a line on the format), `columns` (those by which a file is recognised, names or patterns; none: by
`supply.format` alone), `mapping` (as in `supply.mapping`) and `facts` (sentences that are printed with the results). What the
mapping names and a file does not have is left out, but for the price and the click.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from jointbid.sim.scenario import Model

from ...config.messages import render
from ...config.plugin_folders import folders
from ...errors import BadInput
from .mapped import OPTIONAL
from .mapping import OWNED, Mapping, fits

FOLDER = "log_format"
_ALIKE = 4
"""Columns of a format that a file must have for the others to be missed."""


class Preset(Model):
    """A format described by a YAML file; see the module."""

    about: str
    columns: tuple[str, ...] = ()
    mapping: Mapping
    facts: tuple[str, ...] = ()

    def is_of(self, names: Iterable[str]) -> bool:
        """Return whether a file with columns of these names is of the format."""
        held = _without_places(names)
        return bool(self.columns) and all(_has(held, one) for one in self.columns)

    def mapping_for(self, names: Sequence[str]) -> Mapping:
        """Return the mapping of a file with columns of these names: without what it does not have."""
        if self.mapping.header is not None:
            return self.mapping
        held, left = _without_places(names), dict[str, Any]()
        for key, value in self.mapping.model_dump(exclude_unset=True).items():
            if key in _COLUMNS:
                left[key] = value if _has(held, value) else None
            elif key in _GROUPS:
                left[key] = tuple(one for one in value if _has(held, one))
            elif key == "time" and value is not None:
                parts = (value.get(part) for part in ("column", "weekday", "hour"))
                left[key] = value if all(_has(held, part) for part in parts if part) else None
            else:
                left[key] = value
        features = {one for group in _GROUPS for one in left.get(group, ()) if group != "lists"}
        left["lists"] = tuple(one for one in left.get("lists", ()) if one in features)
        left["buckets"] = {one: edges for one, edges in left.get("buckets", {}).items() if one in features}
        return Mapping.model_validate(left)


_GROUPS = (*OWNED, "lists")
_COLUMNS = (*OPTIONAL, "user", "campaign")
"""Keys of a mapping that name one column, and may be left out."""


@functools.cache
def presets() -> dict[str, Preset]:
    """Return the formats by name; a plugin's own format goes before one of this package.

    Raises:
        BadInput: a file that is not as it should be, a line each.
    """
    import yaml

    found, problems = dict[str, Preset](), list[str]()
    for path in _files():
        try:
            tree = yaml.safe_load(path.read_text("utf-8"))
            found[path.stem] = Preset.model_validate(tree)
        except ValidationError as error:
            problems += [f"{path}: {line}" for line in render(error, tree, Preset)]
        except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
            problems.append(f"{path}: {' '.join(str(error).split())}")
    if problems:
        raise BadInput(problems)
    return found


def preset_of(names: Sequence[str]) -> str:
    """Return the format of a file with columns of these names: of several that which names most of them; empty without one."""
    fitting = [(len(preset.columns), name) for name, preset in presets().items() if preset.is_of(names)]
    return max(fitting)[1] if fitting else ""


def nearest(names: Sequence[str]) -> str:
    """Return what a file lacks to be of the format of which it has most columns, at least half; empty without one."""
    held, close = _without_places(names), list[tuple[float, str, str]]()
    for name, preset in presets().items():
        lacks = [one for one in preset.columns if not _has(held, one)]
        if len(lacks) + _ALIKE <= len(preset.columns) and 2 * len(lacks) < len(preset.columns):
            close.append((len(lacks) / len(preset.columns), name, ", ".join(lacks)))
        if preset.mapping.header and len(preset.mapping.header) == len(names):
            return f"{name} has as many cells: if it is that, say supply.format={name}, or "
    if not close:
        return ""
    _, name, lacking = min(close)
    return f"of the columns of {name} it lacks {lacking}: name them so, or "


def _files() -> Iterator[Path]:
    own = Path(str(files("jointbid.conf"))) / FOLDER
    for folder in (own, *(Path(urlsplit(place).path) / FOLDER for place in folders())):
        yield from sorted(folder.glob("*.yaml"))


def _without_places(names: Iterable[str]) -> set[str]:
    """Return the names and, of dotted paths, those without the places in lists, under which all members are found."""
    held = set(names)
    return held | {".".join(part for part in name.split(".") if not part.isdecimal()) for name in held}


def _has(held: set[str], name: str) -> bool:
    return name in held or any(fits(one, name) for one in held)
