"""`jointbid strategies`: what is installed, whether a strategy holds what it promises, and a package to begin with."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..errors import BadInput, closest

USAGE = """jointbid strategies list
jointbid strategies check NAME-or-FILE:CLASS [param=value ...]
jointbid strategies new NAME [--dir DIR]
"""
ABOUT = """list   what is installed, built in or from packages, with what each says of itself
check  run every check of the kit on one: an installed one by name, or a class in a file; 1 where one fails
new    write a package with a strategy, its configuration and its test, which passes as it is
"""


def main(arguments: Sequence[str]) -> int:
    """Do one of them."""
    words = list(arguments)
    if not words or {"-h", "--help"} & set(words):
        sys.stdout.write(f"{USAGE}\n{ABOUT}")
        return 0
    action, *rest = words
    if action == "list" and not rest:
        return _list()
    if action == "check" and rest:
        from .strategies_check import check

        return check(rest[0], rest[1:])
    if action == "new" and rest:
        from .strategies_new import new

        return new(rest)
    if action in {"list", "check", "new"}:
        raise BadInput(f"strategies {' '.join(words)}: usage: {_usage(action)}")
    known = ["list", "check", "new"]
    raise BadInput(f"strategies {action}: must be list, check or new{closest(action, known)}")


def _usage(action: str) -> str:
    return next(line for line in USAGE.splitlines() if f" {action}" in line)


def _list() -> int:
    """A line a strategy; one that cannot be loaded is a line, too."""
    from jointbid.strategies.listing import Listed, listing

    header = Listed("name", "from", "made for", "learns", "chance", "budget", "bids a second", "what it does")
    rows = [header, *listing()]
    columns = ("name", "origin", "meant_for", "learns", "chance", "budget", "speed")
    widths = {
        name: max(len(getattr(row, name)) for row in rows if not row.error or name in {"name", "origin"})
        for name in columns
    }
    for row in rows:
        shown = columns[:2] if row.error else columns
        cells = [f"{getattr(row, name):{widths[name]}}" for name in shown]
        sys.stdout.write("  ".join([*cells, row.error or row.about]).rstrip() + "\n")
    return 0
