"""Hydra's part in a configuration: the groups and their files, composed into one tree, into which values are put.

Composing takes Hydra up to 200 ms, a process may load hundreds of scenarios, and a sweep may have ten thousand points: files are
composed once for each choice of groups, for as long as none of them changes.
"""

from __future__ import annotations

import codecs
import functools
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins  # noqa: F401 - loads Hydra's config sources
from hydra.core.singleton import Singleton
from hydra.errors import HydraException
from hydra.version import VersionBase
from omegaconf import OmegaConf
from omegaconf.basecontainer import BaseContainer
from omegaconf.errors import OmegaConfBaseException

from jointbid.strategies.strategy_files import names_a_file

from ..errors import BadInput, path_of
from .keys import known_keys, list_keys
from .overrides import Choice, Vocabulary
from .patch import has, patch, steps_of, without
from .plugin_folders import folders
from .settings import Settings
from .shape import Tree
from .studies import STUDIES, SUITES
from .text import quoted

GROUPS = ("scenario", "auction", "executor", "strategy", "study")
KEPT = 64
"""The number of composed trees that are kept: a sweep over groups comes back to each."""

MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HYDRA_IN_USE = threading.RLock()


def composer(verb: str, config_dir: str | None) -> Composer:
    """Return what composes the configuration of a verb: the same as before, unless a file has changed.

    A folder of the user's is read afresh each time: its files may refer to others anywhere in it.
    """
    if config_dir:
        return Composer(verb, (_search_place(config_dir), *folders()))
    return _kept_composer(verb, folders(), _state_of_files(folders()))


@functools.lru_cache(KEPT)
def _kept_composer(verb: str, places: tuple[str, ...], _state: tuple[Any, ...]) -> Composer:
    return Composer(verb, places)


def _state_of_files(places: Sequence[str]) -> tuple[Any, ...]:
    """Return the names, times and lengths of our YAML files and those of packages."""
    spec = find_spec("jointbid.conf")
    ours = list(spec.submodule_search_locations or ()) if spec else []
    roots = [*ours, *(place.removeprefix("file://") for place in places)]
    files = sorted(file for root in roots for file in Path(root).rglob("*.yaml"))
    return tuple((file, (state := file.stat()).st_mtime_ns, state.st_size) for file in files)


class Composer:
    """Composes the configuration of one verb from our files and those in ``places``."""

    def __init__(self, verb: str, places: Sequence[str]) -> None:
        self._verb = verb
        _check_encoding(places)
        self._search = [f"hydra.searchpath=[{','.join(map(quoted, places))}]"] if places else []
        self._composed = functools.lru_cache(KEPT)(self._compose)
        with _hydra():
            self.vocabulary = self._vocabulary()

    def tree(self, choices: Sequence[Choice]) -> Tree:
        """Return the configuration at one point: the chosen files, with the values put in, one after the other.

        Raises:
            BadInput: Hydra's error in a file, or a reference without a target.
        """
        chosen = [choice for choice in choices if choice.key in GROUPS]
        in_files = [
            choice for choice in chosen if choice.key == "strategy" and names_a_file(str(choice.value))
        ]
        groups = {choice.key: str(choice.value) for choice in chosen if choice not in in_files}
        values = [choice for choice in choices if choice.key not in GROUPS]
        is_log = any(choice.key == "supply.path" for choice in values)
        scenario = STUDIES[self._verb].scenario or ("log" if is_log else None)
        has_file = self._verb in self.vocabulary.groups["study"]
        own = {"study": self._verb if has_file else None, **({"scenario": scenario} if scenario else {})}
        tree = self._composed(tuple({**own, **groups}.items()))
        for choice in in_files:
            tree = patch(tree, "bidders.strategy", {"name": choice.value})
        for choice in values:
            tree = _delete(tree, choice) if choice.is_deletion else patch(tree, choice.key, choice.value)
        if "${" in str(tree):
            tree = _resolve(tree)
        tree = _without_missing(tree)
        if isinstance(tree.get("study"), dict):  # a scenario's file may set keys of other studies too
            of_studies = {key for entry in STUDIES.values() for key in entry.model.model_fields}
            foreign = of_studies - set(STUDIES[self._verb].model.model_fields)
            tree["study"] = {key: value for key, value in tree["study"].items() if key not in foreign}
        return tree

    def _compose(self, groups: tuple[tuple[str, str | None], ...]) -> Tree:
        """Return the files of these groups as Hydra composes them, references unresolved; None: no file of the group."""
        lines = [*self._search, *(f"{name}={quoted(of)}" if of else f"~{name}" for name, of in groups)]
        with _hydra(), _explained():
            composed = compose("config", overrides=lines, return_hydra_config=True)
            chosen = composed.hydra.runtime.choices["scenario"]
            names = [str(key) for key in composed if key != "hydra"]
            tree: Any = OmegaConf.to_container(OmegaConf.masked_copy(composed, names), resolve=False)
        tree.setdefault("study", {})
        about = tree.get("scenario") or {}
        tree["scenario"] = {"name": chosen, **about} if isinstance(about, dict) else about
        return dict(tree)

    def _vocabulary(self) -> Vocabulary:
        """Groups and options found on the search path, and every key of the schema."""
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None  # noqa: S101 - we are inside initialize_config_module
        loader = hydra.config_loader
        groups = {}
        for group in GROUPS:
            options = loader.get_group_options(group, ObjectType.CONFIG, "config", self._search)
            if group == "scenario":  # the markets of the benchmark's suites, each in a folder of its own
                for suite in SUITES:
                    inside = loader.get_group_options(
                        f"{group}/{suite}", ObjectType.CONFIG, "config", self._search
                    )
                    options = [*options, *(f"{suite}/{name}" for name in inside)]
            others = set(STUDIES) - {self._verb} if group == "study" else set()
            groups[group] = sorted(set(options) - others)
        study: Any = STUDIES[self._verb].model
        return Vocabulary(groups, known_keys(Settings[study]), loader, list_keys(Settings[study]))


@contextmanager
def _hydra() -> Iterator[None]:
    """Hydra initialised with our configuration, and afterwards as the host program has it.

    The host may be a Hydra application itself, or compose here from several threads; Hydra keeps its state per process.
    """
    with _HYDRA_IN_USE:
        instances, resolvers = Singleton._instances, dict(BaseContainer._resolvers)  # noqa: SLF001 - no public way
        hosts: dict[type, Any] = {
            kind: instances.pop(kind) for kind in (GlobalHydra, VersionBase) if kind in instances
        }
        try:
            with initialize_config_module("jointbid.conf", version_base="1.3"):
                yield
        finally:
            for kind in (GlobalHydra, VersionBase):
                instances.pop(kind, None)
            instances.update(hosts)
            BaseContainer._resolvers = resolvers  # noqa: SLF001 - Hydra registers its own over the host's


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what Hydra and OmegaConf say of files and references into a message."""
    try:
        yield
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, OSError, UnicodeError) as error:
        reasons = [str(error)] + ([str(error.__cause__)] if error.__cause__ else [])
        raise BadInput(" ".join(" ".join(reasons).split())) from None


def _resolve(tree: Tree) -> Tree:
    """Return the tree with each reference, such as ``${seed}``, replaced by what it refers to."""
    with _hydra(), _explained():
        resolved: Any = OmegaConf.to_container(OmegaConf.create(tree), resolve=True)
        return dict(resolved)


def _delete(tree: Tree, choice: Choice) -> Tree:
    steps, node = steps_of(choice.key), tree
    if not has(tree, choice.key):
        raise BadInput(f"{choice.text}: there is nothing to delete")
    for step in steps:
        node = node[step]
    if choice.value is not None and choice.value != node:
        raise BadInput(f"{choice.text}: its value is {node}")
    return without(tree, steps)


def _search_place(config_dir: str) -> str:
    path = path_of("--config-dir", config_dir).resolve()
    if not path.is_dir():
        raise BadInput(f"--config-dir {config_dir}: not a folder")
    return f"file://{path}"


def _check_encoding(places: Sequence[str]) -> None:
    """Refuse YAML files that begin with a byte-order mark: Hydra then misses their first line, and blames another."""
    problems = []
    for file in sorted(
        file for place in places for file in Path(place.removeprefix("file://")).glob("*/*.yaml")
    ):
        with suppress(OSError), file.open("rb") as content:
            if content.read(3).startswith(MARKS):
                problems.append(f"{file}: begins with a byte-order mark; save it as UTF-8 without one")
    if problems:
        raise BadInput(problems)


def _without_missing(value: Any) -> Any:
    """The tree without what is marked ``???``, so that it is reported as not given."""
    if isinstance(value, Mapping):
        return {key: _without_missing(item) for key, item in value.items() if item != "???"}
    return value
