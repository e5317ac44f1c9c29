"""`jointbid log`: what a real log contains, a scenario fitted to it, and the classic table of strategies on it."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, field

from ..config.text import quoted
from ..errors import path_of
from .output import fitted
from .parser import Options

KEYS = """
FILE is a file, plain, gzip, bz2 or zstd, or a folder with the files of one log.
Its content decides the format; these are known (supply.format=NAME):

{formats}

Keys: supply.format, supply.clicks=FILE, supply.mapping=FILE.yaml, supply.campaign, supply.requests, supply.most_rows, supply.nonclick_weight, supply.drop_bad=true, supply.suspect_tags, supply.min_group, supply.join_memory_gb
See docs/logs.md and, on tables joined by keys, docs/your-files.md
"""


@dataclass
class Call:
    """One log, the overrides of its configuration, and the file to write."""

    path: str
    overrides: list[str] = field(default_factory=list)
    out: str | None = None


def main(options: Options) -> int:
    """Run an action of `jointbid log`."""
    overrides = [word for word in options.words if _is_override(word)]
    options.words = [word for word in options.words if word not in overrides]
    call = Call(options.one("FILE (or folder)"), overrides, options.out)
    code: int = importlib.import_module(f"{__package__}.log_{options.action}").main(call)
    return code


def helped(options: Options) -> int:
    """Print the options, and the formats of logs."""
    from ..logs.formats.registry import all_formats

    known = all_formats()
    width = max(map(len, known))
    formats = "\n".join(f"  {name:{width}}  {kind.about}" for name, kind in known.items())
    sys.stdout.write(fitted(options.help + KEYS.format(formats=formats)))
    return 0


def _is_override(word: str) -> bool:
    """Return whether a word with an equals sign is a key=value, and not a file: folders are called `day=2013-06-06`, too."""
    key, equals, _ = word.partition("=")
    if not equals or path_of("log", word).exists():
        return False
    from jointbid.sim.scenario import Scenario

    from ..config.settings import Settings

    first = key.lstrip("+~").partition(".")[0]
    return first in {*Settings.model_fields, *Scenario.model_fields} or "/" not in word


def override(call: Call) -> str:
    """Return the log's path as an override that is read as it stands."""
    return f"supply.path={quoted(call.path)}".replace("${", "\\${")
