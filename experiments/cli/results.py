"""`jointbid results`: which studies there are, SQL over all of them, and what may go."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import BadInput
from ..storage.catalogue import query, remove, scan, waste
from .parser import Options


def main(options: Options) -> int:
    """List, query or clean."""
    results = options.results_dir()
    if options.action == "query":
        _show(*query(results, options.one('"SQL"')))
        return 0
    if options.words:
        raise BadInput(f"{options.command}: takes no {options.words[0]}; usage: {options.usage}")
    if options.action == "list":
        _list(results)
    else:
        _clean(results, delete=options.delete, finished=options.finished)
    return 0


def _list(results: Path) -> None:
    entries = scan(results)
    columns = ["study", "scenario", "hash", "status", "seed", "started", "s", "auctions", "version"]
    rows = [
        (e.study, e.scenario, e.hash, e.status, e.seed, e.started, e.wall_seconds, e.auctions, e.version)
        for e in entries
    ]
    _show(columns, rows)
    states = Counter(entry.status for entry in entries)
    counts = ", ".join(f"{count:,} {status}" for status, count in sorted(states.items()))
    sys.stderr.write(
        f"{len(entries):,} studies in {results}: {counts}\n" if entries else f"no study in {results}\n"
    )


def _clean(results: Path, *, delete: bool, finished: bool) -> None:
    total = count = 0
    for found in waste(results, finished=finished):
        size = found.size
        if delete and not remove(found):
            continue
        total, count = total + size, count + 1
        first = found.folder if found.folders else found.files[0]
        more = f" and {len(found.files) - 1} more" if not found.folders and len(found.files) > 1 else ""
        sys.stdout.write(f"{_bytes(size):>9}  {found.why}: {first}{more}\n")
        for path in found.kept:
            sys.stdout.write(f"{'':9}  kept, not written by jointbid: {path}\n")
    if not count:
        sys.stdout.write(f"nothing to clean in {results}\n")
    elif delete:
        sys.stdout.write(f"{_bytes(total)} freed\n")
    else:
        sys.stdout.write(f"{_bytes(total)} would be freed; nothing is deleted without --delete\n")


def _show(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Print a table on a terminal, CSV elsewhere."""
    if not sys.stdout.isatty():
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([columns, *rows] if columns else [])
        return
    from rich import box
    from rich.table import Table

    from ..report.tables import show

    table = Table(*columns, box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(f"{v:.6g}" if isinstance(v, float) else "" if v is None else str(v) for v in row))
    show(table)


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
