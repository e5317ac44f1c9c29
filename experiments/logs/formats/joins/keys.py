"""Keys as salted hashes: no raw identifier is handed on, or written anywhere.

A key is hashed as it is read, by MD5 over the study's salt and the key, of which 63 bits are kept. Among 100 million keys two share a number with
a probability of about .05 %. The salt is made of the joined files' own content: the same study gives the same numbers, and
only with the files can identifiers be tried out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ....errors import BadInput
from ..joined_table import Fit

NO_KEY = 0
"""The number of a row without a key."""
FITS: tuple[Fit, ...] = ("exact", "trim", "number", "case", "sha256", "md5")
_SCIENTIFIC = r"^\s*\d[.,](?P<digits>\d+)[eE]\+?(?P<power>\d{1,3})\s*$"
_JUDGED, _BIG_SAMPLE = 10_000, 200_000
"""Rows of a block by which keys are judged."""
_FEW, _OFTEN, _PERSONS = 0.05, 20, 20
"""A key may be a placeholder on more than this part of the rows, at this many times the median of all keys, which are at least this many."""
BETWEEN = "\x1f"
_BETWEEN = f"chr({ord(BETWEEN)})"
_ODD_NAME = re.compile(r"[@/\\]|\d.*\d.*\d")


def salt_of(parts: Iterable[bytes]) -> str:
    """Return the salt of a study: a digest of the files that it joins."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def one_form(column: str, fit: Fit) -> str:
    """Return SQL that writes the key in a column in the form in which keys are compared."""
    folded = f"lower(trim({column}))"
    if fit in {"sha256", "md5"}:
        digits = 64 if fit == "sha256" else 32
        is_hash = f"regexp_full_match({folded}, '[0-9a-f]{{{digits}}}')"
        return f"CASE WHEN {is_hash} THEN {folded} ELSE {fit}({folded}) END"
    whole = f"regexp_replace(regexp_replace(trim({column}), '[.]0*$', ''), '^[+]?0+([0-9])', '\\1')"
    return {"exact": column, "trim": f"trim({column})", "number": whole, "case": folded}[fit]


def hashed(columns: Sequence[str], fit: Fit, missing: Collection[str]) -> str:
    """Return SQL for the number of a key of one or more columns; 0 where one of them is missing.

    Args:
        columns: quoted names of text columns.
        fit: how keys are compared.
        missing: the spellings of a missing value.

    Parameters of the statement: the salt, as `$salt`.
    """
    forms = [one_form(column, fit) for column in columns]
    text = f" || {_BETWEEN} || ".join([f"$salt || {forms[0]}", *forms[1:]])
    number = f"greatest(1, (md5_number({text}) & 9223372036854775807)::BIGINT)"
    # Most keys are longer than any of the spellings: these need not be trimmed and looked up.
    most = max(len(spelling.encode()) for spelling in missing)
    plain = " AND ".join(
        f"strlen({column}) > {most} AND NOT prefix({column}, ' ') AND NOT suffix({column}, ' ')"
        for column in columns
    )
    gone = " OR ".join(f"{column} IS NULL OR trim({column}) IN {text_list(missing)}" for column in columns)
    if fit == "number":  # 0.00 is the missing key 0
        gone += "".join(f" OR {form} IN {text_list(missing)}" for form in forms)
        return f"CASE WHEN {gone} THEN {NO_KEY} ELSE {number} END"
    return f"CASE WHEN {plain} THEN {number} WHEN {gone} THEN {NO_KEY} ELSE {number} END"


def text_list(values: Collection[str]) -> str:
    """Return SQL of a list of texts, in parentheses."""
    return "(" + ", ".join("'" + value.replace("'", "''") + "'" for value in sorted(values)) + ")"


def refuse_rounded(where: str, cells: pa.Array) -> None:
    """Raise `BadInput` where keys went through a spreadsheet that wrote long numbers as 1.23457E+12: many people have the same one then."""
    judged = cells[:_JUDGED]
    parts = pc.extract_regex(judged, _SCIENTIFIC).drop_null()
    digits = pc.utf8_length(pc.struct_field(parts, "digits"))
    lost = pc.less(digits, pc.struct_field(parts, "power").cast(pa.int64()))
    if (pc.sum(lost).as_py() or 0) > _FEW * len(judged):
        raise BadInput(
            f"{where}: many keys are numbers without their last digits, as spreadsheets write long ones (1.23457E+12): "
            "different people have the same key; export them again as text"
        )


def may_be_placeholder(keys: NDArray[np.int64]) -> bool:
    """Return whether one key may be that of all unknown people, as 0 is in many exports, by how often it stands on the rows."""
    judged = keys[keys != NO_KEY][:_BIG_SAMPLE]
    _, rows = np.unique(judged, return_counts=True)
    return len(rows) >= _PERSONS and rows.max() > max(
        _FEW * len(keys[:_BIG_SAMPLE]), _OFTEN * np.median(rows)
    )


def plain_text(cells: Any) -> pa.Array:
    """Return cells as one Arrow array of text."""
    whole = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    return whole.cast(pa.string())


def safe_names(names: Sequence[str]) -> str:
    """Return column names for a message, without what may be a value: the first row of a file without a header."""
    shown = [name if not _ODD_NAME.search(name) else "(not shown)" for name in names]
    return ", ".join(shown)[:200]
