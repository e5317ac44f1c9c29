"""What joining tables to a log gives, in tables and in words; no cell stands for fewer than `supply.min_group` keys."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from rich.table import Table

from ...logs.formats.joins.join_counts import JoinCounts, TableCounts
from ..tables import text_table

NEVER_FITS = "no key fits: there is nothing to join"
UNLIKE = 3.0
"""Standard errors by which match rates of clicks and other rows must differ to be remarked on."""


def cell(count: int, least: int) -> str:
    """Return a count; one of 1 to `least` - 1 is not shown."""
    return f"fewer than {least}" if 0 < count < least else f"{count:,}"


def part(count: int, whole: int, least: int) -> str:
    """Return a count that is part of a whole which stands beside it: neither it nor the rest is shown where it is small."""
    rest = whole - count
    if 0 < rest < least:
        return f"more than {max(whole - least, 0):,}" if whole > least else f"of {whole:,} not shown"
    return cell(count, least)


def join_tables(counts: JoinCounts, least: int) -> Iterator[Table]:
    """Yield the keys and rows on each side, and coverage by time and by click.

    Args:
        counts: what was counted.
        least: persons that a cell stands for at least (`supply.min_group`).
    """
    rows = [(name, *_sides(table, least)) for name, table in counts.tables.items()]
    heads = (
        "rows",
        "keys",
        "keys with\nseveral rows",
        "log rows with\na record",
        "log rows\nwithout",
        "log keys\nmatched",
        "log keys\nunmatched",
        "table keys\nnot in the log",
    )
    yield text_table(
        "What each table joins to", rows, ("table", str), *((head, str) for head in heads), caption=""
    )
    lines = []
    for name, table in counts.tables.items():
        if table.is_outcome:
            continue
        for begin, end, found, there, keys in table.coverage:
            if there and keys >= least:
                lines.append(
                    (name, f"{_moment(begin)} to {_moment(end)}", f"{there:,}", f"{found / there:.1%}")
                )
        for label, side in (("rows with a click", 1), ("rows without a click", 0)):
            total = table.clicks[:, side].sum()
            if table.click_keys[:, side].max() >= least:
                lines.append((name, label, f"{total:,.0f}", f"{table.clicks[1, side] / total:.1%}"))
        for label, side in (("click rate with a record", 1), ("click rate without", 0)):
            total = table.clicks[side].sum()
            if table.click_keys[side].max() >= least:
                lines.append((name, label, f"{total:,.0f}", f"{table.clicks[side, 1] / total:.3%}"))
    yield text_table(
        "Coverage by time and by click",
        lines,
        ("table", str),
        ("part", str),
        ("rows", str),
        ("share", str),
        caption="",
        left=2,
    )


def _sides(table: TableCounts, least: int) -> tuple[str, ...]:
    found, rows = table.rows
    matched, keys = table.keys
    safe = not 0 < table.never_met < least  # else it could be worked out from the keys on both sides
    return (
        f"{table.loaded.rows.read:,}",
        cell(table.loaded.keys, least),
        cell(table.loaded.repeated, least),
        part(found, rows, least)
        if keys - matched >= least or keys == matched
        else f"{found / max(rows, 1):.0%}",
        part(rows - found, rows, least)
        if matched >= least or not matched
        else f"{1 - found / max(rows, 1):.0%}",
        part(matched, keys, least) if safe else _near(matched, least),
        part(keys - matched, keys, least) if safe else _near(keys - matched, least),
        part(table.never_met, table.loaded.keys, least),
    )


def _near(count: int, least: int) -> str:
    return f"about {round(count / least) * least:,}"


def _moment(time_us: int) -> str:
    if time_us > 5 * 365 * 86_400_000_000:
        return str(pd.Timestamp(time_us, unit="us").strftime("%Y-%m-%d %H h"))
    return f"hour {time_us / 3.6e9:.0f}"


def join_sentences(counts: JoinCounts, least: int) -> Iterator[str]:
    """Yield the account of rows, and what it means."""
    yield f"log: {counts.log}"
    if counts.persons is not None:
        yield f"log: {cell(counts.persons, least)} persons; folds and intervals of jointbid value go by person"
    yield from (f"log: {note}" for note in counts.notes)
    for name, table in counts.tables.items():
        yield f"{name}: {table.loaded.rows}"
        yield from (f"{name}: {text}" for text in _of_table(table, least))


def _of_table(table: TableCounts, least: int) -> Iterator[str]:
    found, rows = table.rows
    share = found / max(rows, 1)
    if not found and not table.early:
        yield NEVER_FITS + ("" if any(table.fits.values()) else "; are these the right columns?")
    elif table.is_outcome:
        known = table.loaded.keys
        lost = table.never_met / max(known, 1)
        yield f"{share:.2%} of the log's rows have one" + (
            f"; {lost:.0%} of the table's keys find no row of the log"
            + (": most of it is lost, and click rates are too low" if lost > 0.5 else "")
            if table.never_met
            else "; each finds its row"
        )
        if share > 0.5:
            yield "that is most of them: if it has rows without an outcome, too, say which count, as in filter: {clicked: 1} for this table in the mapping"
    else:
        sides = (
            f" {_share(table, 1):.0%} of the clicks have one, and {_share(table, 0):.0%} of the other rows"
            if table.clicks.sum(axis=0).all()
            else ""
        )
        yield f"{share:.0%} of the log's rows have a record; of the others joint data know no more than the log itself.{sides}"
        yield from _bias(table)
    if table.early:
        yield f"{table.early / max(rows, 1):.0%} of the log's rows come before the first record of their key is valid: they count as unmatched"
    if table.without_key:
        yield f"{table.without_key / max(rows, 1):.1%} of the log's rows have no key: they count as unmatched"
    if table.loaded.repeated and not table.is_outcome:
        taken = f"{cell(table.loaded.repeated, least)} keys have several rows, of which the last in the file is taken"
        yield (
            f"{taken}; for {cell(table.loaded.unlike, least)} of them rows differ: is the key that of one person, and is there a valid_from?"
            if table.loaded.unlike
            else f"{taken}; the others are the same"
        )
    most = 0  # the later forms fit what the earlier ones do: each but the exact one takes off space, and hashes fold case
    for form, count in table.fits.items():
        if count > most:
            most = count
            yield f"{cell(count, least)} unmatched keys of the log fit {_FORMS[form]}: say fit: {form} for this table in the mapping"
    if table.since_export and found:
        yield "no valid_from: its columns are as they were when it was exported, and may know what happened after the impression"


_FORMS = {
    "trim": "without the space around them",
    "number": "without leading zeros and decimals",
    "case": "where upper and lower case are one",
    "sha256": "as the SHA-256 of the other side's",
    "md5": "as the MD5 of the other side's",
}


def _share(table: TableCounts, click: int) -> float:
    return float(table.clicks[1, click] / table.clicks[:, click].sum())


def _bias(table: TableCounts) -> Iterator[str]:
    """Yield a remark where clicks match more or less often than other rows, by more than chance."""
    totals = table.clicks.sum(axis=0)
    if totals.min() < 1:
        return
    clicked, other = _share(table, 1), _share(table, 0)
    overall = float(table.clicks[1].sum() / totals.sum())
    error = np.sqrt(overall * (1 - overall) * (1 / totals[0] + 1 / totals[1]))
    if error > 0 and abs(clicked - other) > UNLIKE * error:
        more = "more" if clicked > other else "less"
        yield (
            f"clicks match {more} often than other rows: where the key is recorded because of the click (a login after it), the match itself "
            "tells the outcome, and joining looks better than it is"
        )
    else:
        yield "clicks match as often as other rows: the match itself tells nothing of the outcome"
