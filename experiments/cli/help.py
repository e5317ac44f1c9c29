"""`jointbid help KEY`: what a key of the configuration means, what it may be, and its default."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..config.key_help import KeyHelp, common, key_helps, matching, shown
from ..config.keys import ANY_NAME
from ..config.settings import Settings
from ..config.studies import STUDIES
from ..errors import BadInput, closest
from .output import fitted
from .parser import Options

MOST = 12
"""Keys explained in full; of more the names alone are listed."""


def main(options: Options) -> int:
    """Explain each of the keys, of all verbs that have it."""
    if not options.words:
        raise BadInput(f"help: needs a KEY; usage: {options.usage}")
    return explain(None, options.words)


def helped(options: Options) -> int:
    """Print the options."""
    sys.stdout.write(options.help)
    return 0


def explain(verb: str | None, words: Sequence[str]) -> int:
    """Print what each word names among the keys of ``verb``, or of all verbs.

    Raises:
        BadInput: a word that no key has.
    """
    known = _known(verb)
    for word in (word.partition("=")[0] for word in words):
        found = matching(word, list(known))
        if not found:
            last = {place.rpartition(".")[2]: place for place in known}
            raise BadInput(f"{word}: no key has this name{closest(word, [*known, *last])}")
        if len(found) > MOST:
            sys.stdout.write(
                "\n".join([f"{len(found)} keys have {word}:", *(f"  {place}" for place in found)]) + "\n"
            )
            continue
        for place in found:
            for said, verbs in known[place].items():
                own = (
                    said
                    if len(known[place]) == 1
                    else replace(said, place=f"{place}  (jointbid {', '.join(verbs)})")
                )
                sys.stdout.write("\n".join(own.lines()) + "\n")
    return 0


def show_common(verb: str, settings: Settings[Any]) -> None:
    """Print the keys of ``verb`` that are used most, each with its meaning and its value in ``settings``."""
    known, tree = key_helps(verb), settings.tree()
    first = next(iter(settings.scenario.source), None)
    sys.stdout.write(
        fitted(
            f"Keys that are used most, with their values in the scenario {settings.scenario.name}. `jointbid help KEY` "
            f"explains every other, and `jointbid {verb} --cfg job` lists them all.\n\n"
        )
    )
    for place in common(known):
        if ANY_NAME in place and first is None:
            continue
        here = place.replace(ANY_NAME, first or "")
        sys.stdout.write(
            "\n".join(known[place].brief(here, _value(tree, here), settings.scenario.currency)) + "\n"
        )


def _known(verb: str | None) -> Mapping[str, Mapping[KeyHelp, list[str]]]:
    """Return key -> what is said of it, with the verbs of which that is said."""
    found: dict[str, dict[KeyHelp, list[str]]] = {}
    for name in STUDIES if verb is None else [verb]:
        for place, said in key_helps(name).items():
            found.setdefault(place, {}).setdefault(said, []).append(name)
    return found


def _value(tree: Mapping[str, Any], place: str) -> str:
    """Return the value at a place as YAML has it; empty where the scenario has no such part."""
    node: Any = tree
    for step in place.split("."):
        if not isinstance(node, Mapping) or step not in node:
            return ""
        node = node[step]
    if isinstance(node, Mapping) and node.get("law") == "constant":  # its other keys say nothing
        node = {"law": "constant", "mean": node["mean"]}
    return shown(node)
