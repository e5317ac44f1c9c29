"""Hydra's side of a configuration: what there is to choose from, and the tree that overrides compose.

Composing takes Hydra some 50 ms, and a sweep may have ten thousand points. What differs from one point to the next is mostly
a number in one place: it is put there in a tree that was composed once, and validated as any other.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import BadInput, path_of
from . import overrides as syntax
from .messages import known_keys, list_keys
from .plugin_folders import folders
from .settings import Settings
from .studies import STUDIES
from .sweep_designs import Choice

GROUPS = ("scenario", "auction", "executor", "strategy", "study")
KEPT = 64
"""So many composed trees are kept: a sweep over groups comes back to each."""

_HYDRA_IN_USE = threading.RLock()


class Composer:
    """Composes the configuration of one verb."""

    def __init__(self, verb: str, config_dir: str | None) -> None:
        self._verb = verb
        places = [*([_searchable(config_dir)] if config_dir else []), *folders()]
        _check_encoding(places)
        self._search = [f"hydra.searchpath=[{','.join(map(_quoted, places))}]"] if places else []
        self._shared = functools.lru_cache(KEPT)(self._template)
        with _hydra():
            self.vocabulary = self._vocabulary()

    def tree(self, choices: Sequence[Choice]) -> dict[str, Any]:
        """The configuration at one point as plain data, in the shape of the YAML files.

        Raises:
            BadInput: what Hydra says about it.
        """
        plain = [choice for choice in choices if choice.is_plain]
        if plain:
            put = self._shared(tuple(choice.text for choice in choices if not choice.is_plain))
            for choice in plain:
                put = _put(put, choice)
            if put is not None:
                return put
        return self._composed(tuple(choice.text for choice in choices))[0]

    def _template(self, texts: tuple[str, ...]) -> dict[str, Any] | None:
        """The tree of these overrides, for values to be put into.

        None where it cannot serve: a place refers to another, so that a value put in one would have to change both; or
        these overrides alone make no configuration.
        """
        try:
            tree, is_literal = self._composed(texts)
        except BadInput:
            return None
        return tree if is_literal else None

    def _composed(self, texts: tuple[str, ...]) -> tuple[dict[str, Any], bool]:
        """The tree as Hydra composes it, and whether no place in it refers to another."""
        with _hydra():
            parsed, _ = syntax.parse(texts, self.vocabulary)
            lines = [line for override in parsed for line in syntax.for_hydra(override, self.vocabulary)]
            own = {"study": self._verb, "scenario": STUDIES[self._verb].scenario}
            given = {line.partition("=")[0] for line in lines}
            lines[:0] = [
                f"{group}={option}" for group, option in own.items() if option and group not in given
            ]
            if _names_a_log(lines):
                lines.insert(0, "scenario=log")
            tree, is_literal = _tree([*self._search, *lines])
        if isinstance(tree.get("study"), dict):
            foreign = _others(self._verb)
            tree["study"] = {key: value for key, value in tree["study"].items() if key not in foreign}
        return tree, is_literal

    def _vocabulary(self) -> syntax.Vocabulary:
        """Groups and options found on the search path, and every key of the schema."""
        from hydra.core.global_hydra import GlobalHydra
        from hydra.core.object_type import ObjectType
        from hydra.core.plugins import Plugins  # noqa: F401 - loads Hydra's config sources

        hydra = GlobalHydra.instance().hydra
        assert hydra is not None  # noqa: S101 - we are inside initialize_config_module
        loader = hydra.config_loader
        groups = {}
        for group in GROUPS:
            options = loader.get_group_options(group, ObjectType.CONFIG, "config", self._search)
            others = set(STUDIES) - {self._verb} if group == "study" else set()
            groups[group] = sorted(set(options) - others)
        study: Any = STUDIES[self._verb].model
        return syntax.Vocabulary(groups, known_keys(Settings[study]), loader, list_keys(Settings[study]))


@contextmanager
def _hydra() -> Iterator[None]:
    """Hydra initialised with our configuration, and afterwards as the host program has it.

    The host may be a Hydra application itself, or compose here from several threads; Hydra keeps its state per process.
    """
    from hydra import initialize_config_module
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.singleton import Singleton
    from hydra.version import VersionBase
    from omegaconf.basecontainer import BaseContainer

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


def _put(tree: dict[str, Any] | None, choice: Choice) -> dict[str, Any] | None:
    """The tree with one value in its place; None where there is no such place yet."""
    if tree is None:
        return None
    changed = dict(tree)
    node, (*steps, last) = changed, choice.key.split(".")
    for step in steps:
        if not isinstance(node.get(step), dict):
            return None
        node[step] = dict(node[step])
        node = node[step]
    node[last] = choice.value
    return changed


def _searchable(config_dir: str) -> str:
    path = path_of("--config-dir", config_dir).resolve()
    if not path.is_dir():
        raise BadInput(f"--config-dir {config_dir}: not a folder")
    return f"file://{path}"


def _check_encoding(places: Sequence[str]) -> None:
    """Refuse YAML files that begin with a byte-order mark: Hydra then misses their first line, and blames another."""
    files = (file for place in places for file in Path(place.removeprefix("file://")).glob("*/*.yaml"))
    if marked := [str(file) for file in sorted(files) if _starts_with_a_mark(file)]:
        raise BadInput(
            f"{file}: begins with a byte-order mark; save it as UTF-8 without one" for file in marked
        )


def _starts_with_a_mark(file: Path) -> bool:
    try:
        with file.open("rb") as content:
            return content.read(3).startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"))
    except OSError:
        return False


def _quoted(place: str) -> str:
    """As Hydra's grammar takes any text."""
    escaped = place.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _names_a_log(lines: Sequence[str]) -> bool:
    """Whether a log is given and no scenario for it."""
    keys = [line.partition("=")[0].lstrip("+~") for line in lines]
    return "supply.path" in keys and "scenario" not in keys


def _others(verb: str) -> set[str]:
    """Keys of other studies: a scenario's file may set them, and this verb has no use for them."""
    known = {name: set(entry.model.model_fields) for name, entry in STUDIES.items()}
    return set().union(*known.values()) - known[verb]


def _tree(lines: list[str]) -> tuple[dict[str, Any], bool]:
    """The composed configuration as plain data, with the scenario's name filled in from its file."""
    import yaml
    from hydra import compose
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        composed = compose("config", overrides=lines, return_hydra_config=True)
        chosen = composed.hydra.runtime.choices["scenario"]
        names = [str(key) for key in composed if key != "hydra"]
        written = OmegaConf.to_container(OmegaConf.masked_copy(composed, names), resolve=False)
        is_literal = "${" not in str(written)
        own = OmegaConf.create({name: composed[name] for name in names})
        plain: Any = _without_missing(OmegaConf.to_container(own, resolve=True))
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, OSError, UnicodeError) as error:
        reasons = [str(error)] + ([str(error.__cause__)] if error.__cause__ else [])
        raise BadInput(" ".join(" ".join(reasons).split())) from None
    scenario = plain.get("scenario") or {}
    plain["scenario"] = {"name": chosen, **scenario} if isinstance(scenario, dict) else scenario
    return plain, is_literal


def _without_missing(value: Any) -> Any:
    """The tree without what is marked ``???``, so that it is reported as not given."""
    if isinstance(value, Mapping):
        return {key: _without_missing(item) for key, item in value.items() if item != "???"}
    return value
