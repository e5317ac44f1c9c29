"""Options that every study verb takes, and what they print before anything is run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from ..config.points import Point, Points, load
from ..errors import BadInput, closest

OPTIONS = {
    "-m, --multirun": "run every combination of the values in key=1,2,3, each in its own folder",
    "--cfg job": "print the resolved configuration and stop",
    "--config-dir DIR": "a folder with configuration files of your own (DIR/scenario/mine.yaml)",
    "--cell NAME": "run one cell of the study alone and show it, as failures.jsonl says",
    "-h, --help": "this text",
}


@dataclass
class Options:
    """A study's command line, taken apart."""

    overrides: list[str]
    multirun: bool = False
    print_config: bool = False
    help: bool = False
    config_dir: str | None = None
    cell: str | None = None


@dataclass
class Todo:
    """What a study verb is to do: the points, and one cell alone where that is asked for."""

    points: Points
    cell: str | None = None


def parse(arguments: Sequence[str]) -> Options:
    """Tell options from overrides.

    Raises:
        BadInput: an option that does not exist, or one without its value.
    """
    found = Options([])
    left = list(arguments)
    while left:
        word, equals, value = left.pop(0).partition("=")
        if word in {"-m", "--multirun"}:
            found.multirun = True
        elif word in {"-h", "--help"}:
            found.help = True
        elif word in {"--cfg", "--config-dir", "--cell"}:
            value = value if equals else (left.pop(0) if left else "")
            _set(found, word, value)
        elif word.startswith("-"):
            known = ["--multirun", "--cfg", "--config-dir", "--cell", "--help", "-m", "-h"]
            raise BadInput(f"{word}: no such option{closest(word, known)}")
        else:
            found.overrides.append(f"{word}{equals}{value}")
    return found


def points(verb: str, about: str, arguments: Sequence[str]) -> Todo | None:
    """The points to run; none where the arguments only ask for a text, which is printed."""
    options = parse(arguments)
    if options.help:
        sys.stdout.write(_help(verb, about, load(verb, config_dir=options.config_dir)[0]))
        return None
    found = load(verb, options.overrides, multirun=options.multirun, config_dir=options.config_dir)
    if options.print_config:
        sys.stdout.write("---\n".join(point.yaml for point in found))
        return None
    if options.cell is not None and len(found) > 1:
        raise BadInput("--cell: one cell of one study; not of a sweep (-m)")
    return Todo(found, options.cell)


def _set(found: Options, word: str, value: str) -> None:
    if word == "--config-dir":
        if not value:
            raise BadInput("--config-dir: needs a folder")
        found.config_dir = value
    elif word == "--cell":
        if not value:
            raise BadInput("--cell: needs the name of a cell, as failures.jsonl has it")
        found.cell = value
    elif value != "job":
        raise BadInput(f"--cfg {value}: must be job")
    else:
        found.print_config = True


def _help(verb: str, about: str, point: Point) -> str:
    width = max(map(len, OPTIONS))
    options = "\n".join(f"  {name:{width}}  {text}" for name, text in OPTIONS.items())
    keys = "\n".join(f"  {line}" for line in point.yaml.splitlines())
    return (
        f"jointbid {verb}: {about}\n\nUsage: jointbid {verb} [key=value ...] [options]\n\n{options}\n\n"
        f"Every key, with its value in the scenario {point.settings.scenario.name} (nested keys are joined by dots, "
        f"as in supply.requests=20000):\n\n{keys}\n"
    )
