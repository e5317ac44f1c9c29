"""From command-line overrides to validated settings.

Hydra's compose API is used rather than ``@hydra.main``: every point of a sweep is composed and validated before the
first event of the first, results go into folders named by content, and all problems are listed at once.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from experiments import overrides as syntax
from experiments.errors import BadInput, closest
from experiments.plugin_configs import folders
from experiments.problems import known_keys, render
from experiments.settings import ABOUT, STUDIES, Settings
from sim.scenario import Scenario

SHIPPED = "pkg://conf"
GROUPS = ("scenario", "auction", "executor", "strategy", "study")
NOT_IN_HASH = ("results_dir", "executor", "plot")
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

    @property
    def folder(self) -> Path:
        """``<results_dir>/<study>/<scenario>-<hash12>``: named by everything that determines a cell."""
        name = self.settings.scenario.name.replace("/", "_")
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


def load(
    verb: str, texts: Sequence[str] = (), *, multirun: bool = False, config_dir: str | None = None
) -> list[Point]:
    """Compose and validate every point that the overrides ask for; one, unless ``multirun``.

    Raises:
        BadInput: with every problem of every point.
    """
    from hydra import initialize_config_module

    with initialize_config_module("conf", version_base="1.3"):
        places = [*([_searchable(config_dir)] if config_dir else []), *folders()]
        search = [f"hydra.searchpath=[{','.join(map(_quoted, places))}]"] if places else []
        vocabulary = _vocabulary(verb, search)
        parsed, problems = syntax.parse(texts, vocabulary)
        swept = [override for override in parsed if override.is_sweep_override()]
        if swept and not multirun:
            problems += [f"{o.input_line}: several values are a sweep; add -m" for o in swept]
            parsed = [override for override in parsed if override not in swept]
        keys = [override.get_key_element().lstrip("+~") for override in swept]
        loaded = []
        for chosen in syntax.points(parsed):
            try:
                settings = _compose(verb, chosen, search, vocabulary)
            except BadInput as error:
                problems += [problem for problem in error.problems if problem not in problems]
            else:
                values = (text.lstrip("+~").partition("=")[::2] for text in chosen)
                own = {key: value for key, value in values if key in keys}
                loaded.append(Point(verb, settings, tuple(chosen), own, config_dir))
    if problems:
        raise BadInput(problems)
    return loaded


def content_hash(settings: Settings[Any]) -> str:
    """Twelve hex digits of the resolved configuration without what does not change a cell."""
    tree = {key: value for key, value in settings.tree().items() if key not in NOT_IN_HASH}
    tree["study"] = {key: value for key, value in tree["study"].items() if key not in NOT_IN_HASH_OF_STUDY}
    return digest(tree)


def digest(value: Any, length: int = 12) -> str:
    """Hex digits of the content of plain data."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=32).hexdigest()[:length]


def to_yaml(tree: Any) -> str:
    """Plain data as YAML, keys in their order, short lists on one line."""
    import yaml

    return yaml.safe_dump(tree, sort_keys=False, default_flow_style=None, width=110, allow_unicode=True)


def _searchable(config_dir: str) -> str:
    path = Path(config_dir).expanduser().resolve()
    if not path.is_dir():
        raise BadInput(f"--config-dir {config_dir}: not a folder")
    return f"file://{path}"


def _quoted(place: str) -> str:
    """As Hydra's grammar takes any text."""
    escaped = place.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _vocabulary(verb: str, search: list[str]) -> syntax.Vocabulary:
    """Groups and options found on the search path, and every key of the schema."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.core.object_type import ObjectType
    from hydra.core.plugins import Plugins  # noqa: F401 - loads Hydra's config sources

    hydra = GlobalHydra.instance().hydra
    assert hydra is not None  # noqa: S101 - we are inside initialize_config_module
    loader = hydra.config_loader
    groups = {}
    for group in GROUPS:
        options = loader.get_group_options(group, ObjectType.CONFIG, "config", search)
        groups[group] = sorted(set(options) - (set(STUDIES) - {verb} if group == "study" else set()))
    return syntax.Vocabulary(groups, known_keys(_model(verb)), loader)


def _compose(
    verb: str, chosen: Sequence[str], search: list[str], vocabulary: syntax.Vocabulary
) -> Settings[Any]:
    parsed, _ = syntax.parse(chosen, vocabulary)
    lines = [line for override in parsed for line in syntax.for_hydra(override, vocabulary)]
    if not any(line.startswith("study=") for line in lines):
        lines.insert(0, f"study={verb}")
    if _names_a_log(lines):
        lines.insert(0, "scenario=log")
    tree = _tree([*search, *lines])
    if isinstance(tree.get("study"), dict):
        tree["study"] = {key: value for key, value in tree["study"].items() if key not in _others(verb)}
    return validate(verb, tree)


def _names_a_log(lines: Sequence[str]) -> bool:
    """Whether a log is given and no scenario for it."""
    keys = [line.partition("=")[0].lstrip("+~") for line in lines]
    return "supply.path" in keys and "scenario" not in keys


def _others(verb: str) -> set[str]:
    """Keys of other studies: a scenario's file may set them, and this verb has no use for them."""
    return {key for model in STUDIES.values() for key in model.model_fields} - set(STUDIES[verb].model_fields)


def _tree(lines: list[str]) -> dict[str, Any]:
    """The composed configuration as plain data, with the scenario's name filled in from its file."""
    import yaml
    from hydra import compose
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        composed = compose("config", overrides=lines, return_hydra_config=True)
        chosen = composed.hydra.runtime.choices["scenario"]
        tree = {str(key): value for key, value in composed.items() if key != "hydra"}
        plain: Any = _without_missing(OmegaConf.to_container(OmegaConf.create(tree), resolve=True))
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, OSError, UnicodeError) as error:
        reasons = [str(error)] + ([str(error.__cause__)] if error.__cause__ else [])
        raise BadInput(" ".join(" ".join(reasons).split())) from None
    scenario = plain.get("scenario") or {}
    plain["scenario"] = {"name": chosen, **scenario} if isinstance(scenario, dict) else scenario
    return plain


def validate(verb: str, tree: dict[str, Any]) -> Settings[Any]:
    """Settings from a tree in the shape of the YAML files.

    Raises:
        BadInput: a line for each thing that is wrong.
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
    try:
        settings = model.model_validate(nested)
    except ValidationError as error:
        raise BadInput(render(error, nested, model)) from None
    _check_strategy(settings)
    _check_floors(settings)
    _check_memory(settings.scenario)
    if booleans := list(_booleans(tree, settings.tree())):
        raise BadInput([f"{place}: must be a number or a name, not true or false" for place in booleans])
    return settings


def _check_strategy(settings: Settings[Any]) -> None:
    """Make the strategy once: its name, its parameters and what it demands of the market are then known to be right."""
    from strategies.market import Market
    from strategies.registry import UnknownStrategyError, make

    if settings.scenario.supply.kind == "log":  # a replay has policies of its own
        return
    try:
        make(settings.scenario.bidders.strategy, Market.of(settings.scenario))
    except UnknownStrategyError as error:
        raise BadInput(f"bidders.strategy: {error}") from None


def _check_floors(settings: Settings[Any]) -> None:
    """Floors of bidders' own are for bidders that there are."""
    from experiments.studies.arms import bidder_names

    names = bidder_names(settings.scenario.bidders.count)
    unknown = [name for name in settings.scenario.auction.bidder_floor_cpm if name not in names]
    if unknown:
        raise BadInput(
            [
                f"auction.bidder_floor_cpm.{name}: no such bidder{closest(name, names)}; there is: {', '.join(names)}"
                for name in unknown
            ]
        )


def _check_memory(scenario: Scenario) -> None:
    """What is remembered of people fits, with every bidder's caps."""
    from experiments.studies.arms import bidder_names
    from sim.memory import open_memory

    names = bidder_names(scenario.bidders.count)
    try:
        open_memory(scenario.audience.people, dict.fromkeys(names, scenario.bidders.terms), names)
    except ValueError as error:
        raise BadInput(str(error)) from None


def _booleans(given: Any, read: Any, place: str = "") -> Iterator[str]:
    """Places where true or false was given and something else was read: pydantic takes them for 1 and 0."""
    if isinstance(given, dict) and isinstance(read, dict):
        for key in given.keys() & read.keys():
            yield from _booleans(given[key], read[key], f"{place}.{key}".lstrip("."))
    elif isinstance(given, bool) and not isinstance(read, bool):
        yield place


def _model(verb: str) -> type[Settings[Any]]:
    study: Any = STUDIES[verb]
    return Settings[study]


def _without_missing(value: Any) -> Any:
    """The tree without what is marked ``???``, so that it is reported as not given."""
    if isinstance(value, dict):
        return {key: _without_missing(item) for key, item in value.items() if item != "???"}
    return value
