"""`jointbid log synthesize FOLDER [form=all] [rows=N]`."""

from __future__ import annotations

import sys

from ..errors import BadInput, closest, path_of
from ..logs.synthetic.forms import FORMS, ROWS, write_all
from .log import Call

LEAST_ROWS, MOST_ROWS = 20, 10_000_000


def main(call: Call) -> int:
    """Write invented logs into a folder, and say what to read."""
    given = dict(word.split("=", 1) for word in call.overrides)
    form, rows = given.pop("form", "all"), given.pop("rows", str(ROWS))
    problems = [f"{key}: no such key{closest(key, ('form', 'rows'))}; allowed: form, rows" for key in given]
    if form not in {"all", *FORMS}:
        problems.append(f"form = {form}: must be one of all, {', '.join(FORMS)}{closest(form, FORMS)}")
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
