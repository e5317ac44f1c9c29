"""`jointbid log`: what a real log holds, a scenario fitted to it, and the classic table of strategies on it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..errors import BadInput, closest, path_of

ACTIONS = {
    "inspect": ("log_inspect", "what it is, what it holds, and what to beware of"),
    "calibrate": (
        "log_calibrate",
        "--out scenario.yaml: a synthetic scenario fitted to it, and a page that shows the fit",
    ),
    "synthesize": (
        "log_synthesize",
        "FOLDER [form=all] [rows=N]: write invented logs in every form, or in one, to try the others on",
    ),
    "table": ("log_table", "the classic strategies at budgets from 1/64 to 1/2, tuned on the training part"),
}
"""Action -> module of this package with its `main(call) -> exit code`, and what it does."""
USAGE = "jointbid log {actions} FILE [key=value ...] [options]"
OPTIONS = ("--out",)


@dataclass
class Call:
    """A command line: the action, the log, overrides and options."""

    action: str
    path: str
    overrides: list[str] = field(default_factory=list)
    options: dict[str, str] = field(default_factory=dict)


def main(arguments: Sequence[str]) -> int:
    """Do one thing with one log."""
    words = list(arguments)
    if not words or {"-h", "--help"} & set(words):
        sys.stdout.write(_help())
        return 0
    call = parse(words)
    module = importlib.import_module(f"{__package__}.{ACTIONS[call.action][0]}")
    code: int = module.main(call)
    return code


def parse(words: Sequence[str]) -> Call:
    """Take a command line apart.

    Raises:
        BadInput: no such action or option, no file, or several.
    """
    action, *rest = words
    if action not in ACTIONS:
        raise BadInput(f"log {action}: must be {_any_of(ACTIONS)}{closest(action, ACTIONS)}")
    call, files, left = Call(action, ""), [], list(rest)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if name.startswith("-"):
            if name not in OPTIONS:
                raise BadInput(f"{name}: no such option{closest(name, OPTIONS)}")
            call.options[name] = value if equals else (left.pop(0) if left else "")
            if not call.options[name]:
                raise BadInput(f"{name}: needs a value")
        elif equals and _is_override(word, name):
            call.overrides.append(word)
        else:
            files.append(word)
    if len(files) != 1:
        shown = f"got {', '.join(files)}" if files else "got none"
        raise BadInput(f"log {action}: needs one FILE (or folder), {shown}; usage: {_usage(action)}")
    call.path = files[0]
    return call


def _is_override(word: str, key: str) -> bool:
    """Whether a word with an equals sign is a key=value, and not a file: folders are called `day=2013-06-06`, too."""
    if path_of("log", word).exists():
        return False
    from jointbid.sim.scenario import Scenario

    from ..config.settings import Settings

    first = key.lstrip("+~").partition(".")[0]
    return first in {*Settings.model_fields, *Scenario.model_fields} or "/" not in word


def override(call: Call) -> str:
    """The log's path as an override that Hydra reads as it stands."""
    escaped = call.path.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")
    return f'supply.path="{escaped}"'


def _usage(action: str) -> str:
    return USAGE.format(actions=action)


def _any_of(names: Iterable[str]) -> str:
    return " or ".join(names)


def _help() -> str:
    from ..logs.formats.registry import FORMATS

    width = max(map(len, (*FORMATS, *ACTIONS)))
    actions = "\n".join(f"  {name:{width}}  {about}" for name, (_, about) in ACTIONS.items())
    formats = "\n".join(f"  {name:{width}}  {kind.about}" for name, kind in FORMATS.items())
    return (
        f"{USAGE.format(actions='|'.join(ACTIONS))}\n\n{actions}\n\n"
        "FILE is a file, plain, gzip, bz2 or zstd, or a folder with the files of one log. It is told by its content; these "
        "are known\n(supply.format=NAME):\n\n"
        f"{formats}\n\n"
        "Keys: supply.format, supply.clicks=FILE, supply.mapping=FILE.yaml, supply.campaign, supply.requests, supply.most_rows,\n"
        "supply.nonclick_weight, supply.drop_bad=true, supply.suspect_tags; see docs/logs.md\n"
    )
