"""The two shapes of a configuration: that of the YAML files and the command line, and that of the settings.

In the YAML files the parts of a market stand at the top level, so that a key is short (``supply.requests``), and a Hydra group such as
``auction`` can be one of them; in `Settings` they are parts of its ``scenario``, which is what the simulation takes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from jointbid.sim.scenario import Scenario

from ..errors import BadInput

Tree = dict[str, Any]
"""A configuration as plain data."""
ABOUT = ("name", "question", "currency")
"""Fields of a scenario under ``scenario`` in YAML; its other parts stand beside it."""


def to_model(tree: Mapping[str, Any], fields: Collection[str]) -> Tree:
    """Return a tree of the YAML files in the shape of the settings, whose own fields these are.

    Raises:
        BadInput: a part of the market that stands under ``scenario``.
    """
    own = {key: value for key, value in tree.items() if key in fields}
    market = {key: value for key, value in tree.items() if key not in fields}
    if isinstance(market.get("supply"), dict):
        market["supply"] = {"kind": "synthetic", **market["supply"]}
    about = own.get("scenario", {})
    if not isinstance(about, dict):
        return own
    for key in about:
        if key in Scenario.model_fields and key not in ABOUT:
            raise BadInput(
                f"scenario.{key}: not a key here; a scenario's file begins with the line '# @package _global_'"
            )
    return {**own, "scenario": {**about, **market}}


def to_yaml_shape(data: Mapping[str, Any]) -> Tree:
    """Return plain data of settings in the shape of the YAML files, its parts in their order."""
    market = dict(data["scenario"])
    about = {key: market.pop(key) for key in ABOUT}
    own = {key: value for key, value in data.items() if key != "scenario"}
    tree: Tree = plain({**own, "scenario": about, **market})
    return tree


def in_yaml(place: str) -> str:
    """``scenario.supply.requests`` -> ``supply.requests``: where a part of the scenario stands in the YAML files."""
    first, _, rest = place.partition(".")
    return rest if first == "scenario" and rest and rest.split(".")[0] not in ABOUT else place


def plain(value: Any) -> Any:
    """Return the value with lists for tuples, as YAML and JSON have them."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value
