"""The points that a study verb's command line asks for, and the texts that it can print instead."""

from __future__ import annotations

import sys

from ..config.points import Points, load
from ..config.studies import STUDIES
from ..errors import BadInput
from .parser import Options


def points(options: Options) -> Points | None:
    """Return the points to run; None where the resolved configuration is asked for, which is printed."""
    if options.cfg not in {None, "job"}:
        raise BadInput(f"--cfg {options.cfg}: must be job")
    found = load(options.verb, options.words, multirun=options.multirun, config_dir=options.config_dir)
    if options.cfg:
        sys.stdout.write("---\n".join(point.yaml for point in found))
        return None
    if options.cell is not None and len(found) > 1:
        raise BadInput("--cell: one cell of one study; not of a sweep (-m)")
    return found


def helped(options: Options) -> int:
    """Print a study verb's options, and every key with its value."""
    (point,) = load(options.verb, config_dir=options.config_dir)
    keys = "\n".join(f"  {line}" for line in point.yaml.splitlines())
    sys.stdout.write(
        f"jointbid {options.verb}: {STUDIES[options.verb].question or STUDIES[options.verb].summary}\n\n{options.help}\n"
        f"Every key, with its value in the scenario {point.settings.scenario.name} (nested keys are joined by dots, "
        f"as in supply.requests=20000):\n\n{keys}\n"
    )
    return 0
