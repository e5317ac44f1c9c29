"""`yzx` text, as make-ipinyou-data writes it and optimal-rtb, rlb-dp and rtbarbitrage read it: `click price index:value ...`.

A feature is a number; `featindex.txt` beside the file, where it lies there, says what each stands for. A line with one field
begins an episode and is its id. `yzbx` (rk2900's DLF and drsa) has the bid after the price: rows with a price at or above it
were lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..log_table import Reader, Roles
from ..rows import log_columns as make
from ..rows.checked_rows import Rows
from ..rows.column_rules import Column, flag, numbers_of
from ..rows.delimited import Form, read_rows
from ..rows.files import order_of
from ..rows.log_columns import PRICE_MAX
from ..rows.row_audit import RowAudit
from .click_price_pctr import FACTS, MICROS_PER_FEN_CPM, Episodes, campaign_of, episode_log
from .featindex import FeatureIndex

FEATURES = "features"
_UNLISTED = (
    "features have numbers that featindex.txt does not have (is it of another log?); they are left out"
)
_NO_INDEX = "without featindex.txt beside the file profile and context cannot be distinguished: all features count as context"
_APART = "each campaign numbers its features anew: they are kept apart"
_LOST = "prices and bids are taken for fen CPM; a row with a price at or above its bid was lost, and its outcome is unknown"
_FEATURE_RULE = "whole numbers with a value each, as in 12:1"
_FORM = Form("\x01", ("line",), quoted=False)
"""A line is one cell: the separator is a byte that no such file has."""
_LEADING = (flag("click"), Column("price", "number", 0, PRICE_MAX))


def yzx(
    files: Sequence[Path], nonclick_weight: float, meaning: FeatureIndex | None, *, with_bids: bool = False
) -> Reader:
    """Read `yzx` files, or `yzbx` ones, which have the bid of each auction, won or lost.

    Roles are those of `meaning`, where it is known; else the features are one list, of the context.
    """
    several = len(set(map(campaign_of, files))) > 1
    leading = (*_LEADING, Column("bid", "number", 0, PRICE_MAX)) if with_bids else _LEADING

    def read(
        file: Path, campaign: str, audit: RowAudit, episodes: Episodes
    ) -> Iterator[tuple[Rows, dict[str, Any]]]:
        for block in read_rows(file, (Column("line", "id"),), audit, _FORM):
            rows = _parsed(block, audit, episodes, leading)
            lists, outcome = rows[FEATURES], _outcome(rows, audit) if with_bids else {}
            if meaning:
                numbers = np.asarray(lists.flatten().cast(pa.int64()))
                audit.notes[_UNLISTED] += meaning.unlisted(numbers)
                yield rows, {**outcome, **meaning.text(lists, numbers)}
                continue
            if several:
                names = pc.binary_join_element_wise(campaign, lists.flatten(), "/")
                lists = pa.ListArray.from_arrays(lists.offsets, names)
            yield rows, {**outcome, FEATURES: pc.binary_join(lists, ",")}

    if meaning:
        known: tuple[str, ...] = (
            f"featindex.txt says what the features are; it numbers them by {meaning.dialect}",
        )
    else:
        known = (_NO_INDEX, *([_APART] if several else []))
    first = _LOST if with_bids else FACTS[0]
    facts = (first, *FACTS[1:], *known, *order_of(files))
    roles = meaning.roles if meaning else Roles(context=(FEATURES,), lists=frozenset({FEATURES}))
    return episode_log(files, nonclick_weight, read, roles=roles, facts=facts, full_information=with_bids)


def _outcome(rows: Rows, audit: RowAudit) -> dict[str, Any]:
    """Return the click, whether it is known, and the bid, of auctions won and lost."""
    won = rows["price"] < rows["bid"]
    audit.notes["clicks stand on rows that were lost; they are not used"] += int(rows["click"][~won].sum())
    return {
        "click": np.where(won, rows["click"], 0),
        "known": won,
        "bid_micros": make.micros(rows["bid"], MICROS_PER_FEN_CPM),
    }


def _parsed(block: Rows, audit: RowAudit, episodes: Episodes, leading: Sequence[Column]) -> Rows:
    """Take lines apart: the leading numbers, and the features as a list of numbers."""
    count = len(leading)
    line = pc.utf8_trim_whitespace(pc.replace_substring(block["line"], "\t", " "))
    short = np.asarray(pc.less(pc.count_substring(line, " "), count))
    for i in np.flatnonzero(short):
        text, number = line[int(i)].as_py(), int(block.numbers[i])
        if not episodes.takes(number, text):
            expected = " ".join(column.name for column in leading)
            what = f": {text[:80]!r} is not '{expected} index:value ...'"
            audit.reject(block.file, number, what, "ragged row")
    whole = replace(block, columns={"line": line}).without(short)
    parts = pc.split_pattern(whole["line"], " ", max_splits=count)
    cells = [pc.list_element(parts, i) if len(whole) else pa.array([], pa.string()) for i in range(count + 1)]
    wrong = np.zeros(len(whole), dtype=bool)
    for column, cell in zip((*leading, None), cells, strict=True):
        name, rule = (column.name, column.allowed) if column else (FEATURES, _FEATURE_RULE)
        whole.columns[name], bad = numbers_of(cell, column) if column else _features(cell)
        whole.reject(bad & ~wrong, audit, name, cell, rule)
        wrong |= bad
    del whole.columns["line"]
    return whole.without(wrong)


def _features(text: pa.Array) -> tuple[pa.ListArray, NDArray[np.bool_]]:
    """Feature numbers as lists of text, those with the value 0 left out; and which rows hold something else."""
    lists = pc.split_pattern(text, " ")
    tokens = lists.flatten()
    begin = np.asarray(lists.offsets) - (lists.offsets[0].as_py() if len(lists) else 0)
    row = np.repeat(np.arange(len(lists)), np.diff(begin))
    if pc.all(pc.ends_with(tokens, ":1")).as_py():
        number, is_one = pc.utf8_slice_codeunits(tokens, 0, -2), np.ones(len(tokens), dtype=bool)
    else:
        parts = pc.extract_regex(tokens, r"^(?P<i>\d{1,9}):(?P<v>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)$")
        fits = np.asarray(parts.is_valid())
        number = pc.if_else(pa.array(fits), pc.struct_field(parts, 0), "x")
        value = np.asarray(pc.if_else(pa.array(fits), pc.struct_field(parts, 1), "nan").cast(pa.float64()))
        is_one = value != 0
    plain = np.asarray(pc.match_substring_regex(number, r"^\d{1,9}$"))
    wrong = np.bincount(row[~plain], minlength=len(lists)) > 0
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row[is_one], minlength=len(lists)))])
    kept = number if is_one.all() else number.filter(pa.array(is_one))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), kept), wrong
