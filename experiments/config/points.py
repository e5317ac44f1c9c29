"""From command-line overrides to validated settings.

Hydra's compose API is used rather than ``@hydra.main``: every point of a sweep is composed and validated before the
first event of the first, results go into folders named by content, and all problems are listed at once.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, overload

import yaml
from hydra.core.override_parser.types import Override
from pydantic import ValidationError

from ..errors import BadInput
from . import overrides as syntax
from .composition import composer
from .messages import render
from .overrides import Choice
from .settings import Settings, SweepSettings
from .validation import validate

MANY_PROBLEMS = 20
MOST_NAME_BYTES = 120
NOT_IN_HASH = ("results_dir", "executor", "report", "plot", "sweep")
NOT_IN_HASH_OF_ENGINE = ("strategy_timeout_s",)
NOT_IN_HASH_OF_STUDY = ("replications", "half_width", "max_replications", "log")


@dataclass(frozen=True)
class Point:
    """One study to do: validated settings, and the overrides that set it apart from the sweep's other points."""

    verb: str
    settings: Settings
    overrides: tuple[str, ...]
    swept: Mapping[str, str] = field(default_factory=dict)
    config_dir: str | None = None

    @property
    def label(self) -> str:
        """The swept keys with their values; empty where there is no sweep."""
        return " ".join(f"{key}={value}" for key, value in self.swept.items())

    @functools.cached_property
    def folder(self) -> Path:
        """``<results_dir>/<study>/<scenario>-<hash12>``: named by everything that determines a cell."""
        name = _in_a_path(self.settings.scenario.name)
        return Path(self.settings.results_dir) / self.verb / f"{name}-{content_hash(self.settings)}"

    @property
    def command(self) -> str:
        """The command that does this point alone."""
        search = ["--config-dir", self.config_dir] if self.config_dir else []
        return shlex.join(["jointbid", self.verb, *search, *self.overrides])

    @property
    def yaml(self) -> str:
        """The resolved configuration as YAML."""
        return to_yaml(self.settings.tree())


class _Known(NamedTuple):
    """A point as it is kept: the choices that make it, its folder, and the kind of its supply."""

    choices: tuple[Choice, ...]
    folder: Path
    kind: str


class Points(Sequence[Point]):
    """The points of a command, each made on demand: the settings of ten thousand would fill the memory."""

    def __init__(
        self,
        make: Callable[[tuple[Choice, ...]], Point],
        known: Iterable[_Known] = (),
        last: tuple[tuple[Choice, ...], Point] | None = None,
    ) -> None:
        self._make, self._known, self._last = make, list(known), last

    def add(self, choices: tuple[Choice, ...]) -> Point:
        """Add one more point.

        Raises:
            BadInput: what is wrong with it.
        """
        point = self._make(choices)
        self._last = choices, point
        self._known.append(_Known(choices, point.folder, point.settings.scenario.supply.kind))
        return point

    @property
    def folders(self) -> Sequence[Path]:
        """The folders of the studies, in the order of the points."""
        return [known.folder for known in self._known]

    def swept(self) -> Iterator[Mapping[str, str]]:
        """Yield the swept keys with their values, of each point."""
        return (_swept(known.choices) for known in self._known)

    def of_kind(self, kind: str) -> Points:
        """Return the points whose requests are of this kind (``supply.kind``)."""
        return Points(self._make, (known for known in self._known if known.kind == kind), self._last)

    def __len__(self) -> int:
        return len(self._known)

    @overload
    def __getitem__(self, number: int) -> Point: ...
    @overload
    def __getitem__(self, number: slice) -> Points: ...
    def __getitem__(self, number: int | slice) -> Point | Points:
        if isinstance(number, slice):
            return Points(self._make, self._known[number], self._last)
        choices = self._known[number].choices
        if self._last is None or self._last[0] is not choices:
            self._last = choices, self._make(choices)
        return self._last[1]


def load(
    verb: str, texts: Sequence[str] = (), *, multirun: bool = False, config_dir: str | None = None
) -> Points:
    """Compose and validate every point that the overrides ask for; one, unless ``multirun``.

    Raises:
        BadInput: with every problem of every point.
    """
    composes = composer(verb, config_dir)
    parsed, problems = syntax.parse(texts, composes.vocabulary)
    if not multirun:
        parsed = [syntax.as_list(override, composes.vocabulary) for override in parsed]
    swept = [override for override in parsed if override.is_sweep_override()]
    if swept and not multirun:
        problems += [f"{o.input_line}: several values are a sweep; add -m" for o in swept]
        parsed = [override for override in parsed if override not in swept]

    def make(choices: tuple[Choice, ...]) -> Point:
        settings = validate(verb, composes.tree(choices))
        shown = tuple(choice.text for choice in choices if not choice.text.startswith("sweep."))
        return Point(verb, settings, shown, _swept(choices), config_dir)

    loaded = Points(make)
    try:
        for choices in syntax.points(parsed, _sweep_settings(parsed)):
            try:
                loaded.add(choices)
            except BadInput as error:
                problems += [problem for problem in error.problems if problem not in problems]
            if len(problems) >= MANY_PROBLEMS:
                problems.append("... and perhaps more of them")
                break
    except BadInput as error:
        problems += error.problems
    if problems:
        raise BadInput(problems)
    return loaded


def _in_a_path(name: str) -> str:
    """The name of a scenario as a part of a folder's: without what separates, and not longer than file systems allow."""
    names = sys.getfilesystemencoding()  # ASCII where UTF-8 is switched off
    encodable = name.encode(names, "replace").decode(names) if names != "utf-8" else name
    printable = "".join(char if char.isprintable() and char not in "/\\?" else "_" for char in encodable)
    return printable.encode()[:MOST_NAME_BYTES].decode(errors="ignore").strip() or "unnamed"


def _swept(choices: Iterable[Choice]) -> dict[str, str]:
    return {choice.key: choice.text.partition("=")[2] for choice in choices if choice.is_swept}


def _sweep_settings(overrides: Iterable[Override]) -> SweepSettings:
    """Return the settings of sampling on the command line; they decide which points there are, so they are read first."""
    named = {o.key_or_group: o.value() for o in overrides if not o.is_sweep_override()}
    own = {key.removeprefix("sweep."): value for key, value in named.items() if key.startswith("sweep.")}
    try:
        return SweepSettings.model_validate(own)
    except ValidationError as error:
        raise BadInput(f"sweep.{line}" for line in render(error, own, SweepSettings)) from None


def content_hash(settings: Settings) -> str:
    """Return twelve hex digits of the resolved configuration without what does not change a cell."""
    tree = {key: value for key, value in settings.tree().items() if key not in NOT_IN_HASH}
    tree["study"] = {key: value for key, value in tree["study"].items() if key not in NOT_IN_HASH_OF_STUDY}
    tree["engine"] = {key: value for key, value in tree["engine"].items() if key not in NOT_IN_HASH_OF_ENGINE}
    return digest(tree)


def digest(value: Any, length: int = 12) -> str:
    """Return hex digits of the content of plain data."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=32).hexdigest()[:length]


def to_yaml(tree: Any) -> str:
    """Return plain data as YAML, keys in their order, short lists on one line."""
    return yaml.safe_dump(tree, sort_keys=False, default_flow_style=None, width=110, allow_unicode=True)
