"""`yzx` text, as make-ipinyou-data writes it and optimal-rtb, rlb-dp and rtbarbitrage read it: `click price index:value ...`.

A feature is a number; `featindex.txt` beside the file, where it lies there, says what each stands for (`column:value`, a
tab, the number), and so which house owns it. A line with one field begins an episode and is its id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...errors import BadInput
from ..log_table import Roles, WonLog
from ..rows import columns as make
from ..rows.columns import NULLS, PRICE_MAX
from ..rows.delimited import Form, Rows, read_rows
from ..rows.number_cells import Column, numbers_of
from ..rows.row_audit import Account
from .click_price_pctr import FACTS, MICROS_PER_FEN_CPM, ROW_US, Episodes, campaign_of
from .ipinyou import ROLES, SCHEMA

FEATURES = "features"
_HEADER = ("click", "weekday", "hour", *SCHEMA)
_FORM = Form("\x01", ("line",), quoted=False)
"""A line is one cell: the separator is a byte that no such file has."""
_CLICK, _PRICE = Column("click", "integer", 0, 1), Column("price", "number", 0, PRICE_MAX)
_MOST = 10**9


@dataclass(frozen=True)
class Meaning:
    """What the feature numbers stand for: `column[number]`, an index of `names` (-1 unknown), and `value[number]`."""

    names: tuple[str, ...]
    column: NDArray[np.int64]
    value: list[str]

    @classmethod
    def read(cls, path: Path) -> Meaning:
        """Read a `featindex.txt`.

        Raises:
            BadInput: a line that is not `column:value`, a tab, a number.
        """
        known: dict[int, tuple[str, str]] = {}
        for row, line in enumerate(path.read_text("utf-8", errors="backslashreplace").splitlines(), 1):
            text, _, number = line.rpartition("\t")
            if not number.strip().isdecimal() or int(number) > 10**8:
                raise BadInput(
                    f"{path}, row {row}, column 'index': {number!r:.80} is not a whole number from 0 to 100000000"
                )
            place, _, told = text.partition(":")
            known[int(number)] = (_HEADER[int(place)] if place.isdecimal() and int(place) < 27 else "", told)
        there = {name for name, _ in known.values()}
        names = tuple(name for name in (*ROLES.features, "slotprice") if name in there)
        size = max(known, default=0) + 1
        column, values = np.full(size, -1, dtype=np.int64), [""] * size
        for index, (name, value) in known.items():
            column[index] = names.index(name) if name in names else -1
            values[index] = "" if value in NULLS else value
        return cls(names, column, values)

    @property
    def roles(self) -> Roles:
        """Who owns the columns, as in the other iPinYou forms; the floor's bucket is the context's."""
        groups = {
            group: tuple(name for name in ROLES.of(group) if name in self.names)
            for group in ("profile", "context", "ad")
        }
        floor = ("slotprice",) if "slotprice" in self.names else ()
        return Roles(
            groups["profile"], groups["context"] + floor, groups["ad"], ROLES.lists & set(self.names)
        )

    def text(self, lists: pa.ListArray, number: NDArray[np.int64]) -> dict[str, Any]:
        """The columns of some rows from their feature numbers."""
        begin = np.asarray(lists.offsets)
        row = np.repeat(np.arange(len(lists)), np.diff(begin))
        column = np.where(
            number < len(self.column), self.column[np.minimum(number, len(self.column) - 1)], -1
        )
        values, found = np.array(self.value, dtype=object), {}
        for place, name in enumerate(self.names):
            mine = column == place
            if name in self.roles.lists:
                offsets = np.concatenate([[0], np.cumsum(np.bincount(row[mine], minlength=len(lists)))])
                tags = pa.array(values[number[mine]], pa.string())
                found[name] = pc.binary_join(
                    pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), tags), ","
                )
                continue
            code = np.full(len(lists), -1, dtype=np.int64)
            code[row[mine]] = number[mine]
            held, inverse = np.unique(code, return_inverse=True)
            found[name] = make.from_codes(
                inverse, ["" if number < 0 else self.value[number] for number in held]
            )
        return found


@dataclass(frozen=True)
class Yzx(WonLog):
    """Reader of `yzx` files."""

    meaning: Meaning | None

    @property
    def roles(self) -> Roles:
        """By the meaning of the features, where it is known; else they are one list that is nobody's in particular."""
        return self.meaning.roles if self.meaning else Roles(context=(FEATURES,), lists=frozenset({FEATURES}))

    @property
    def facts(self) -> tuple[str, ...]:
        """What the rows do not show."""
        told = "featindex.txt says what the features are" if self.meaning else (
            "without featindex.txt beside the file nobody can tell profile from context: all features count as context"
        )  # fmt: skip
        return (*FACTS, told)

    def chunks(self, account: Account) -> Iterator[pa.Table]:
        """See `Reader`."""
        seen = 0
        for file in self.files:
            episodes = Episodes(account)
            for block in read_rows(file, (Column("line", "id"),), account, _FORM):
                rows = _parsed(str(file), block, account, episodes)
                n = len(rows)
                if self.meaning:
                    text = self.meaning.text(
                        rows["features"], np.asarray(rows["features"].flatten().cast(pa.int64()))
                    )
                else:
                    text = {FEATURES: pc.binary_join(rows["features"], ",")}
                yield make.chunk(
                    {
                        "time_us": (seen + np.arange(n)) * ROW_US,
                        "campaign": make.constant(campaign_of(file), n),
                        "click": rows["click"],
                        "price_micros": make.micros(rows["price"], MICROS_PER_FEN_CPM),
                        "floor_micros": np.zeros(n, dtype=np.int64),
                        "weight": self.weight(rows["click"]),
                        "episode": episodes.of(rows.numbers),
                        **text,
                    }
                )
                seen += n


def _parsed(file: str, block: Rows, account: Account, episodes: Episodes) -> Rows:
    """Lines taken apart: click, price, and the features as a list of numbers."""
    line = pc.utf8_trim_whitespace(pc.replace_substring(block["line"], "\t", " "))
    short = np.asarray(pc.less(pc.count_substring(line, " "), 2))
    for i in np.flatnonzero(short):
        text, number = line[int(i)].as_py(), int(block.numbers[i])
        if not episodes.takes(number, text):
            account.complain(
                file, number, f": {text[:80]!r} is not 'click price index:value ...'", "ragged row"
            )
    whole = Rows({"line": line}, block.numbers).without(short)
    parts = pc.split_pattern(whole["line"], " ", max_splits=2)
    cells = [pc.list_element(parts, i) if len(whole) else pa.array([], pa.string()) for i in range(3)]
    click, no_click = numbers_of(cells[0], _CLICK)
    price, no_price = numbers_of(cells[1], _PRICE)
    features, no_features = _features(cells[2])
    wrong = no_click | no_price | no_features
    for i in np.flatnonzero(wrong):
        named, rule, name = (
            (0, _CLICK.allowed, "click") if no_click[i] else (1, _PRICE.allowed, "price") if no_price[i] else
            (2, "whole numbers with a value each, as in 12:1", "features")
        )  # fmt: skip
        what = f", column {name!r}: {cells[named][int(i)].as_py()[:80]!r} is not {rule}"
        account.complain(file, int(whole.numbers[i]), what, f"bad {name}")
    return Rows({"click": click, "price": price, "features": features}, whole.numbers).without(wrong)


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
