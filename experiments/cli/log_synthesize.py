"""`jointbid log synthesize FOLDER [form=all] [rows=N]`, and form=four_tables with persons, match_rate and seed."""

from __future__ import annotations

import sys
from pathlib import Path

from ..errors import BadInput, closest, path_of
from ..logs.synthetic.forms import FORMS, ROWS, write_all
from ..logs.synthetic.four_tables import write_four_tables
from .log import Call
from .output import put

LEAST_ROWS, MOST_ROWS = 20, 10_000_000
MOST_OF_TABLES = 1_000_000_000
FOUR_TABLES = "four_tables"
"""The form of several files with known truth, which `all` does not write."""


def main(call: Call) -> int:
    """Write invented logs into a folder, and say what to read."""
    given = dict(word.split("=", 1) for word in call.overrides)
    if given.get("form") == FOUR_TABLES:
        return _four_tables(path_of("FOLDER", call.path), given)
    form, rows = given.pop("form", "all"), given.pop("rows", str(ROWS))
    problems = [
        f"{key}: no such key{closest(key, ('form', 'rows'))}; allowed: form, rows (and, of {FOUR_TABLES}, persons, match_rate, seed)"
        for key in given
    ]
    known = (*FORMS, FOUR_TABLES)
    if form not in {"all", *FORMS}:
        problems.append(f"form = {form}: must be one of all, {', '.join(known)}{closest(form, known)}")
    if not rows.isdecimal() or not LEAST_ROWS <= int(rows) <= MOST_ROWS:
        problems.append(f"rows = {rows}: must be a whole number from {LEAST_ROWS} to {MOST_ROWS:,}")
    if problems:
        raise BadInput(problems)
    folder = path_of("FOLDER", call.path)
    try:
        paths = write_all(folder, int(rows), forms=FORMS if form == "all" else (form,))
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written to ({error.strerror})") from None
    for name, path in paths.items():
        mapping = f" supply.mapping={folder / 'shop.yaml'}" if name.startswith("mapped") else ""
        sys.stdout.write(f"{name}: {path}{mapping}\n")
    return 0


def _four_tables(folder: Path, given: dict[str, str]) -> int:
    """Write impressions, clicks, orders and CRM with known truth, and say what to do with them."""
    allowed = ("form", "rows", "persons", "match_rate", "seed")
    problems = [
        f"{key}: no such key{closest(key, allowed)}; allowed: {', '.join(allowed)}"
        for key in given
        if key not in allowed
    ]
    whole = {"rows": (1_000, MOST_OF_TABLES), "persons": (10, MOST_OF_TABLES), "seed": (0, 2**31)}
    for key, (low, high) in whole.items():
        text = given.get(key, str(low))
        if not text.isdecimal() or not low <= int(text) <= high:
            problems.append(f"{key} = {text}: must be a whole number from {low:,} to {high:,}")
    try:
        match_rate = float(given.get("match_rate", "0.7"))
    except ValueError:
        match_rate = -1.0
    if not 0 < match_rate <= 1:
        problems.append(f"match_rate = {given['match_rate']}: must be a number above 0, up to 1")
    if problems:
        raise BadInput(problems)
    rows, seed = int(given.get("rows", "200000")), int(given.get("seed", "7"))
    persons = int(given["persons"]) if "persons" in given else None
    try:
        known = write_four_tables(folder, rows, persons, match_rate, seed)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written to ({error.strerror})") from None
    put(
        f"{folder}: impressions.csv ({rows:,} rows), clicks.csv ({known['clicks']:,}), orders.csv, crm.parquet, mapping.yaml\n"
        f"Joining is worth {known['value_of_joint_data']:.4g} {known['unit']} (truth.json), to who knows how people respond\n"
        f"Next: jointbid log join {folder / 'impressions.csv'} supply.mapping={folder / 'mapping.yaml'}"
    )
    return 0
