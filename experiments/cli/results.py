"""`jointbid results`: which studies there are, SQL over all of them, and what may go."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import BadInput, closest, path_of

USAGE = 'jointbid results list | query "SQL" | clean [--delete] [--finished]   [results_dir=DIR]\n'
HELP = """
list    a line a study: what it is, how it stands, when it ran
query   SQL over the views studies, summary, cells, timeseries and points; each row says which study it is of.
        A table on a terminal, CSV elsewhere.
clean   what is unfinished, damaged or of other code, with its size; nothing is deleted without --delete, and no
        finished study without --finished, which takes those of other code too
"""
ACTIONS = ("list", "query", "clean")
DEFAULT = "results"


def main(arguments: Sequence[str]) -> int:
    """List, ask or clean."""
    words = [word for word in arguments if not word.startswith("results_dir=")]
    places = [word.partition("=")[2] for word in arguments if word.startswith("results_dir=")]
    results = path_of("results_dir", places[-1]) if places else Path(DEFAULT)
    if not words or {"-h", "--help"} & set(words):
        sys.stdout.write(USAGE + HELP)
        return 0
    action, *rest = words
    if action not in ACTIONS:
        raise BadInput(f"results {action}: must be list, query or clean{closest(action, ACTIONS)}")
    if action == "list" and not rest:
        return _list(results)
    if action == "query" and len(rest) == 1:
        return _query(results, rest[0])
    flags = {"--delete", "--finished"}
    if action == "clean" and not (unknown := [word for word in rest if word not in flags]):
        return _clean(results, delete="--delete" in rest, finished="--finished" in rest)
    if action == "clean":
        raise BadInput(f"results clean {unknown[0]}: no such option{closest(unknown[0], flags)}")
    raise BadInput(f"results {' '.join(words)}: usage: {USAGE.strip()}")


def _list(results: Path) -> int:
    from ..storage.catalogue import scan

    entries = scan(results)
    columns = ["study", "scenario", "hash", "status", "seed", "started", "s", "auctions", "version"]
    rows = [
        (e.study, e.scenario, e.hash, e.status, e.seed, e.started, e.wall_seconds, e.auctions, e.version)
        for e in entries
    ]
    _show(columns, rows)
    states: dict[str, int] = {}
    for entry in entries:
        states[entry.status] = states.get(entry.status, 0) + 1
    said = ", ".join(f"{count:,} {status}" for status, count in sorted(states.items()))
    sys.stderr.write(
        f"{len(entries):,} studies in {results}: {said}\n" if entries else f"no study in {results}\n"
    )
    return 0


def _query(results: Path, sql: str) -> int:
    from ..storage.catalogue import query

    _show(*query(results, sql))
    return 0


def _clean(results: Path, *, delete: bool, finished: bool) -> int:
    from ..storage.catalogue import remove, waste

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
    return 0


def _show(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """A table on a terminal; CSV for whatever reads it elsewhere."""
    if not sys.stdout.isatty():
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([columns, *rows] if columns else [])
        return
    from rich import box
    from rich.table import Table

    from ..report.tables import show

    table = Table(*columns, box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*("" if value is None else _text(value) for value in row))
    show(table)


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
