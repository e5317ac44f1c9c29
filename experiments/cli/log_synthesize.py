"""`jointbid log synthesize FOLDER [form=all] [rows=N]`, and form=four_tables with persons, match_rate and seed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from ..errors import BadInput, closest, path_of, refused
from ..logs.synthetic.forms import FORMS, ROWS, write_all
from ..logs.synthetic.four_tables import write_four_tables
from .log import Call
from .output import put

FOUR_TABLES = "four_tables"
"""The form of several files with known truth, which `all` does not write."""
MOST = 1_000_000_000
WHOLE = {
    "all": {"rows": (20, 10_000_000)},
    FOUR_TABLES: {"rows": (1_000, MOST), "persons": (10, MOST), "seed": (0, 2**31)},
}
"""Form -> its keys of whole numbers, with the least and the most; single forms have those of `all`."""


def main(call: Call) -> int:
    """Write invented logs into a folder, and say what to read."""
    given = dict(word.split("=", 1) for word in call.overrides)
    folder, form = path_of("FOLDER", call.path), given.pop("form", "all")
    if problems := list(_problems(form, given)):
        raise BadInput(problems)
    numbers = {key: int(text) for key, text in given.items() if key != "match_rate"}
    with refused(f"{folder}: cannot be written to"):
        if form == FOUR_TABLES:
            said = _four_tables(folder, numbers, float(given.get("match_rate", "0.7")))
        else:
            said = _forms(folder, numbers.get("rows", ROWS), FORMS if form == "all" else (form,))
    put(said)
    return 0


def _problems(form: str, given: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the form, the keys, and their values."""
    known = ("all", *FORMS, FOUR_TABLES)
    if form not in known:
        yield f"form = {form}: must be one of {', '.join(known)}{closest(form, known)}"
    whole = WHOLE.get(form, WHOLE["all"])
    allowed: Collection[str] = ("form", *whole, *(["match_rate"] if form == FOUR_TABLES else []))
    more = "" if form == FOUR_TABLES else f" (and, of {FOUR_TABLES}, persons, match_rate, seed)"
    for key, text in given.items():
        if key not in allowed:
            yield f"{key}: no such key{closest(key, allowed)}; allowed: {', '.join(allowed)}{more}"
        elif key == "match_rate":
            if not _is_share(text):
                yield f"match_rate = {text}: must be a number above 0, up to 1"
        elif not text.isdecimal() or not whole[key][0] <= int(text) <= whole[key][1]:
            low, high = whole[key]
            yield f"{key} = {text}: must be a whole number from {low:,} to {high:,}"


def _is_share(text: str) -> bool:
    try:
        return 0 < float(text) <= 1
    except ValueError:
        return False


def _forms(folder: Path, rows: int, forms: Collection[str]) -> str:
    """Write a log in each form; return what to read."""
    mapping = f" supply.mapping={folder / 'shop.yaml'}"
    paths = write_all(folder, rows, forms=forms)
    return "\n".join(
        f"{name}: {path}{mapping if name.startswith('mapped') else ''}" for name, path in paths.items()
    )


def _four_tables(folder: Path, numbers: Mapping[str, int], match_rate: float) -> str:
    """Write impressions, clicks, orders and CRM with known truth; return what to do with them."""
    rows = numbers.get("rows", 200_000)
    known = write_four_tables(folder, rows, numbers.get("persons"), match_rate, numbers.get("seed", 7))
    return (
        f"{folder}: impressions.csv ({rows:,} rows), clicks.csv ({known['clicks']:,}), orders.csv, crm.parquet, mapping.yaml\n"
        f"Joining is worth {known['value_of_joint_data']:.4g} {known['unit']} (truth.json), to who knows how people respond\n"
        f"Next: jointbid log join {folder / 'impressions.csv'} supply.mapping={folder / 'mapping.yaml'}"
    )
