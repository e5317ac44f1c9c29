"""`jointbid help KEY`: what a key of the configuration means, what it may be, and its default."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from ..config.key_help import common, key_helps, matching
from ..config.keys import ANY_NAME
from ..config.points import load
from ..config.settings import Settings
from ..config.studies import STUDIES
from ..config.text import as_yaml
from ..errors import BadInput, closest
from .output import fitted
from .parser import Options

MOST = 12
"""Keys explained in full; of more the names alone are listed."""
SHORT = 60
"""Characters of a value that is printed as a default; of a longer one its own keys are explained."""


def main(options: Options) -> int:
    """Explain each of the keys, whichever verb has it."""
    if not options.words:
        raise BadInput(f"help: needs a KEY; usage: {options.usage}")
    return explain(None, options.words)


def helped(options: Options) -> int:
    """Print the options."""
    sys.stdout.write(options.help)
    return 0


def explain(verb: str | None, words: Sequence[str]) -> int:
    """Print what each word names among the keys of ``verb``, or of all verbs; once for all verbs that say the same of a key.

    Raises:
        BadInput: a word that no key has.
    """
    verbs = list(STUDIES) if verb is None else [verb]
    known = list(dict.fromkeys(place for name in verbs for place in key_helps(name)))
    for word in (word.partition("=")[0] for word in words):
        found = matching(word, known)
        if not found:
            last = {place.rpartition(".")[2]: place for place in known}
            raise BadInput(f"{word}: no key has this name{closest(word, [*known, *last])}")
        if len(found) > MOST:
            sys.stdout.write(
                "\n".join([f"{len(found)} keys have {word}:", *(f"  {place}" for place in found)]) + "\n"
            )
            continue
        for place in found:
            sys.stdout.write("\n".join(_lines(place, verbs)) + "\n")
    return 0


def _lines(place: str, verbs: Sequence[str]) -> Iterator[str]:
    """Yield what the verbs say of a key, each text once, with the values that their default scenarios start from."""
    texts: dict[tuple[str, str], list[str]] = {}
    for verb in verbs:
        if said := key_helps(verb).get(place):
            texts.setdefault((said.meaning, said.allowed), []).append(verb)
    for having in texts.values():
        starts: dict[str, list[str]] = {}
        for verb in having:
            starts.setdefault(_start(verb, place), []).append(verb)
        each = (f"{value} ({', '.join(names)})" for value, names in starts.items())
        default = next(iter(starts)) if len(starts) == 1 else "; ".join(each)
        only = "" if len(having) == len(verbs) else f" ({', '.join(having)})"
        yield from replace(key_helps(having[0])[place], default=default).lines(only)


def _start(verb: str, place: str) -> str:
    """Return the value of a key where the verb's own defaults say one, else the default of its field."""
    # Beside its own keys a verb starts from what its scenario says: one verb of that scenario is enough.
    scenario = STUDIES[verb].scenario
    alike = next(name for name, entry in STUDIES.items() if entry.scenario == scenario)
    value = _value(_tree(verb if place.startswith("study.") else alike), place)
    return value if value and len(value) <= SHORT else key_helps(verb)[place].default


@cache
def _tree(verb: str) -> Mapping[str, Any]:
    return load(verb, [])[0].settings.tree()


def show_common(verb: str, settings: Settings) -> None:
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


def _value(tree: Mapping[str, Any], place: str) -> str:
    """Return the value at a place as YAML has it; empty where the scenario has no such part."""
    node: Any = tree
    for step in place.split("."):
        if not isinstance(node, Mapping) or step not in node:
            return ""
        node = node[step]
    if isinstance(node, Mapping) and node.get("law") == "constant":
        node = {"law": "constant", "mean": node["mean"]}  # the rest is of other laws of a delay
    return as_yaml(node) or "''"
