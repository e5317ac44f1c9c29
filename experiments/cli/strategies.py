"""`jointbid strategies`: what is installed, whether a strategy holds what it promises, and a package to begin with."""

from __future__ import annotations

import sys

from ..errors import BadInput
from .parser import Options


def main(options: Options) -> int:
    """List the strategies, check one, or write a package for a new one."""
    if options.action == "list":
        return _list()
    if options.action == "new":
        from .strategies_new import new

        return new(options.one("NAME"), options.dir or ".")
    from .strategies_check import check

    if not options.words:
        raise BadInput(f"strategies check: needs a strategy; usage: {options.usage}")
    return check(options.words[0], options.words[1:])


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
