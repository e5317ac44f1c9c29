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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from pydantic import ValidationError

from jointbid.sim.scenario import Scenario

from ..errors import BadInput
from . import overrides as syntax
from . import sweep_designs as designs
from .checks import all_checks
from .composition import Composer
from .partial_validation import read
from .settings import ABOUT, Settings, SweepSettings
from .studies import STUDIES
from .sweep_designs import Choice

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

MANY_PROBLEMS = 20
MOST_NAME_BYTES = 120
NOT_IN_HASH = ("results_dir", "executor", "plot", "sweep")
NOT_IN_HASH_OF_ENGINE = ("strategy_timeout_s",)
NOT_IN_HASH_OF_STUDY = ("replications", "half_width", "max_replications", "log")


MARKET = tuple(key for key in Scenario.model_fields if key not in ABOUT)
"""Parts of a scenario that stand at the top level of the YAML files."""


@dataclass(frozen=True)
class Point:
    """One study to do: validated settings, and the overrides that set it apart from the sweep's other points."""

    verb: str
    settings: Settings[Any]
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


class Points(Sequence[Point]):
    """The points of a command, each made when it is asked for: settings of ten thousand would fill the memory."""

    def __init__(self, composer: Composer, verb: str, config_dir: str | None) -> None:
        self._composer, self._verb, self._config_dir = composer, verb, config_dir
        self._choices: list[tuple[Choice, ...]] = []
        self._folders: list[Path] = []
        self._kinds: list[str] = []

    def add(self, choices: tuple[Choice, ...]) -> Point:
        """One more point.

        Raises:
            BadInput: what is wrong with it.
        """
        point = self._make(choices)
        self._choices.append(choices)
        self._folders.append(point.folder)
        self._kinds.append(point.settings.scenario.supply.kind)
        return point

    @property
    def folders(self) -> Sequence[Path]:
        """Of the studies, in the order of the points."""
        return self._folders

    def swept(self) -> Iterator[Mapping[str, str]]:
        """The swept keys with their values, of each point."""
        return map(_swept, self._choices)

    def of_kind(self, *kinds: str) -> Points:
        """Those whose requests are of this kind (``supply.kind``)."""
        return self._part(number for number, kind in enumerate(self._kinds) if kind in kinds)

    def _part(self, numbers: Iterable[int]) -> Points:
        """Some of the points."""
        some = Points(self._composer, self._verb, self._config_dir)
        for number in numbers:
            some._choices.append(self._choices[number])
            some._folders.append(self._folders[number])
            some._kinds.append(self._kinds[number])
        return some

    def __len__(self) -> int:
        return len(self._choices)

    @overload
    def __getitem__(self, number: int) -> Point: ...
    @overload
    def __getitem__(self, number: slice) -> Points: ...
    def __getitem__(self, number: int | slice) -> Point | Points:
        if isinstance(number, slice):
            return self._part(range(len(self))[number])
        return self._make(self._choices[number])

    def _make(self, choices: tuple[Choice, ...]) -> Point:
        settings = validate(self._verb, self._composer.tree(choices))
        texts = tuple(choice.text for choice in choices if not choice.text.startswith("sweep."))
        return Point(self._verb, settings, texts, _swept(choices), self._config_dir)


def load(
    verb: str, texts: Sequence[str] = (), *, multirun: bool = False, config_dir: str | None = None
) -> Points:
    """Compose and validate every point that the overrides ask for; one, unless ``multirun``.

    Raises:
        BadInput: with every problem of every point.
    """
    composer = Composer(verb, config_dir)
    parsed, problems = syntax.parse(texts, composer.vocabulary)
    if not multirun:
        parsed = [syntax.as_list(override, composer.vocabulary) for override in parsed]
    swept = [override for override in parsed if override.is_sweep_override()]
    if swept and not multirun:
        problems += [f"{o.input_line}: several values are a sweep; add -m" for o in swept]
        parsed = [override for override in parsed if override not in swept]
    loaded = Points(composer, verb, config_dir)
    try:
        for choices in designs.points(parsed, composer.vocabulary, _sweep_settings(parsed)):
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
    """What the command line says about sampling; it decides which points there are, so it comes before them."""
    named = {o.key_or_group: o.value() for o in overrides if not o.is_sweep_override()}
    own = {key.removeprefix("sweep."): value for key, value in named.items() if key.startswith("sweep.")}
    try:
        return SweepSettings.model_validate(own)
    except ValidationError as error:
        said = error.errors()[0]
        place = ".".join(map(str, said["loc"]))
        raise BadInput(
            f"sweep.{place} = {said['input']}: {said['msg'].replace('Input should', 'must')}"
        ) from None


def content_hash(settings: Settings[Any]) -> str:
    """Twelve hex digits of the resolved configuration without what does not change a cell."""
    tree = {key: value for key, value in settings.tree().items() if key not in NOT_IN_HASH}
    tree["study"] = {key: value for key, value in tree["study"].items() if key not in NOT_IN_HASH_OF_STUDY}
    tree["engine"] = {key: value for key, value in tree["engine"].items() if key not in NOT_IN_HASH_OF_ENGINE}
    return digest(tree)


def digest(value: Any, length: int = 12) -> str:
    """Hex digits of the content of plain data."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=32).hexdigest()[:length]


def to_yaml(tree: Any) -> str:
    """Plain data as YAML, keys in their order, short lists on one line."""
    import yaml

    return yaml.safe_dump(tree, sort_keys=False, default_flow_style=None, width=110, allow_unicode=True)


def validate(verb: str, tree: dict[str, Any]) -> Settings[Any]:
    """Settings from a tree in the shape of the YAML files.

    Raises:
        BadInput: a line for each thing that is wrong; all that can be told at once.
    """
    model = _model(verb)
    own = {key: value for key, value in tree.items() if key in model.model_fields}
    market = {key: value for key, value in tree.items() if key not in model.model_fields}
    if isinstance(market.get("supply"), dict):
        market["supply"] = {"kind": "synthetic", **market["supply"]}
    about = own.get("scenario", {})
    if isinstance(about, dict) and (misplaced := [key for key in about if key in MARKET]):
        raise BadInput(
            f"scenario.{misplaced[0]}: not a key here; a scenario's file begins with the line '# @package _global_'"
        )
    nested = {**own, "scenario": {**about, **market} if isinstance(about, dict) else about}
    reading = read(model, nested)
    problems = list(reading.problems)
    if reading.settings is not None:
        for check in all_checks(reading.settings):
            problems += reading.told(check)
    if problems or reading.settings is None:
        raise BadInput(dict.fromkeys(problems))
    return reading.settings


def _model(verb: str) -> type[Settings[Any]]:
    study: Any = STUDIES[verb].model
    return Settings[study]
