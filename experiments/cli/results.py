"""`jointbid results`: which studies there are, SQL over all of them, and what may go."""

from __future__ import annotations

import csv
import shlex
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import BadInput
from ..storage.catalogue import Entry, scan
from ..storage.query import query
from ..storage.waste import remove, waste
from .output import fitted
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
    changes = [" ".join(_changed(entry)) for entry in entries]
    if sys.stdout.isatty():
        for entry, changed in zip(entries, changes, strict=True):
            started = (entry.started or "")[:16].replace("T", " ")
            sys.stdout.write(f"{Path(entry.folder).relative_to(results)}  {entry.status}  {started}\n")
            sys.stdout.write(textwrap.indent(fitted(changed), "    ") + "\n" if changed else "")
    else:
        columns = (
            "study",
            "scenario",
            "hash",
            "status",
            "seed",
            "started",
            "s",
            "auctions",
            "version",
            "changed",
        )
        rows = [
            (e.study, e.scenario, e.hash, e.status, e.seed, e.started, e.wall_seconds, e.auctions, e.version, changed)
            for e, changed in zip(entries, changes, strict=True)
        ]  # fmt: skip
        _show(columns, rows)
    states = Counter(entry.status for entry in entries)
    counts = ", ".join(f"{count:,} {status}" for status, count in sorted(states.items()))
    sys.stderr.write(
        f"{len(entries):,} {'study' if len(entries) == 1 else 'studies'} in {results}: {counts}\n"
        if entries
        else f"no study in {results}\n"
    )


def _changed(entry: Entry) -> Iterator[str]:
    """Yield the settings of a study's command that differ from the scenario's own, without those that change no number."""
    from ..config.points import NOT_IN_HASH
    from ..report.folders.settings_diff import defaults
    from ..report.sweep import value_of

    words = shlex.split(entry.command or "")[2:]
    known = defaults(entry.study, entry.scenario) if any("=" in word for word in words) else {}
    for word in words:
        key, equals, value = word.partition("=")
        is_setting = equals and key != "scenario" and key.partition(".")[0] not in NOT_IN_HASH
        if is_setting and value_of(known.get(key, "")) != value_of(value):  # 0.50 is 0.5
            yield word


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
