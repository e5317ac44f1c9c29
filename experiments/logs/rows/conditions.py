"""The rows of a log that a mapping's `filter` keeps: by a condition in SQL, or by columns and their values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...errors import BadInput
from .column_rules import Column, Decimal, as_text, with_points

Bools = NDArray[np.bool_]
LEFT_OUT = "left out by the mapping's filter"
_TABLE = "log"
_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"


class Condition(Protocol):
    """Says which rows of a log are kept, by its raw cells."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that it reads."""

    def keeps(self, cells: Mapping[str, pa.Array]) -> Bools:
        """Return which rows are kept, from the cells of its columns; shape (rows,)."""


class OneOf:
    """Keeps rows on which each named column has one of its values: text in any case, numbers as numbers, 1 and 0 also as true and false."""

    def __init__(self, values: Mapping[str, Any], decimal: str = ".") -> None:
        """Take the values of each column: one, or a list of them; and the mark before the fraction of a cell's number."""
        wanted = {name: some if isinstance(some, (list, tuple)) else [some] for name, some in values.items()}
        self._decimal = decimal
        self._values = {
            name: pa.array([word for one in some for word in _words(one, decimal)], pa.string())
            for name, some in wanted.items()
        }
        self._numbers = {
            name for name, some in wanted.items() if not any(isinstance(one, str) for one in some)
        }
        self.columns = tuple(wanted)

    def keeps(self, cells: Mapping[str, pa.Array]) -> Bools:
        """See `Condition`."""
        kept = []
        for name, some in self._values.items():
            cell = pc.utf8_lower(pc.utf8_trim_whitespace(as_text(cells[name], self._decimal)))
            if name in self._numbers:  # 1.0, as pandas writes whole numbers of a column with gaps
                cell = pc.replace_substring_regex(cell, rf"^([+-]?\d+)[{self._decimal}]0+$", r"\1")
            kept.append(np.asarray(pc.is_in(cell, value_set=some)))
        return np.asarray(np.logical_and.reduce(kept))


class SqlCondition:
    """Keeps rows for which a condition in SQL (DuckDB's) is true.

    A column is a number where most filled cells of its first block are; cells of it that are none are NULL. Else it is text,
    and an empty cell is NULL. Dotted paths need no quotes.
    """

    def __init__(self, text: str, where: str, decimal: str = ".") -> None:
        """Parse the condition.

        Args:
            text: the condition.
            where: the place in the user's file, for messages.
            decimal: the mark before the fraction of a number in the log; in the condition it is a point.

        Raises:
            BadInput: no condition, or one that reads other tables.
        """
        import duckdb

        self._of_the_text = (duckdb.BinderException, duckdb.CatalogException)
        self._text, self._where, self._decimal, self._numbers = text, where, decimal, set[str]()
        self._judged = False
        self._duckdb = duckdb.connect()
        query = f"SELECT 1 FROM {_TABLE} WHERE (\n{text}\n)"  # noqa: S608 - it is parsed alone
        tree = json.loads(self._one("SELECT json_serialize_sql(?)", query))
        if tree["error"] or len(tree["statements"]) != 1:
            raise BadInput(
                f"{where}: {text!r} is not a condition in SQL: {tree.get('error_message', 'one condition is needed')}"
            )
        for node in _nodes(tree["statements"][0]["node"].get("where_clause")):
            if node.get("class") == "SUBQUERY":
                raise BadInput(
                    f"{where}: {text!r} reads another table; a condition is on the columns of the log"
                )
            if node.get("class") == "COLUMN_REF":
                node["column_names"] = [".".join(node["column_names"])]
        found = [node["column_names"][0] for node in _nodes(tree) if node.get("class") == "COLUMN_REF"]
        self.columns = tuple(dict.fromkeys(found))
        if not self.columns:
            raise BadInput(f"{where}: {text!r} names no column of the log")
        self._sql = self._one("SELECT json_deserialize_sql(?::JSON)", json.dumps(tree))
        # The SQL is the user's own, but a condition has no business with files.
        self._duckdb.execute("SET enable_external_access = false")

    def _one(self, sql: str, value: str) -> Any:
        row = self._duckdb.execute(sql, [value]).fetchone()
        assert row is not None  # noqa: S101 - a SELECT of one value has one row
        return row[0]

    def keeps(self, cells: Mapping[str, pa.Array]) -> Bools:
        """See `Condition`."""
        import duckdb

        text = {name: as_text(cells[name], self._decimal) for name in self.columns}
        rows = len(next(iter(text.values())))
        if not self._judged and rows:
            self._numbers = {name for name, column in text.items() if _is_number(self._pointed(column))}
            self._judged = True
        made = {
            name: _numbers(self._pointed(column)) if name in self._numbers else _filled(column)
            for name, column in text.items()
        }
        table = pa.table({**made, "#row": pa.array(np.arange(rows))})
        try:
            self._duckdb.register(_TABLE, table)
            kept = self._duckdb.execute(self._sql.replace("SELECT 1 ", 'SELECT "#row" ', 1)).fetchnumpy()[
                "#row"
            ]
        except duckdb.Error as error:
            raise BadInput(f"{self._where}: {self._text!r} cannot be applied: {self._shown(error)}") from None
        found = np.zeros(rows, dtype=np.bool_)
        found[np.asarray(kept, dtype=np.int64)] = True
        return found

    def _shown(self, error: Exception) -> str:
        """Return what may be shown of an error of DuckDB: nothing of one that came of a cell, which may be an identifier."""
        first = str(error).splitlines()[0]
        if isinstance(error, self._of_the_text):
            return first
        numbers = f"; numbers are {', '.join(sorted(self._numbers))}" if self._numbers else ""
        return f"{first.partition(':')[0]} (not shown, as it may hold a cell){numbers}"

    def _pointed(self, text: pa.Array) -> pa.Array:
        return with_points(text) if self._decimal == "," else text


def only_for(keep: Condition | None, others: Sequence[Column], decimal: Decimal) -> list[Column]:
    """Return the columns that a condition reads beside `others`, which are read anyway."""
    names = {column.name for column in others}
    return [
        Column(name, "id", lenient=True, decimal=decimal)
        for name in (keep.columns if keep else ())
        if name not in names
    ]


def condition_of(value: str | Mapping[str, Any] | None, where: str, decimal: str = ".") -> Condition | None:
    """Return the condition that a `filter` states; None where there is none.

    Raises:
        BadInput: text that is not a condition in SQL.
    """
    if value is None:
        return None
    return SqlCondition(value, where, decimal) if isinstance(value, str) else OneOf(value, decimal)


def _words(value: Any, decimal: str) -> tuple[str, ...]:
    """Return how a value is written."""
    if isinstance(value, str) or value is None:
        return ((value or "").strip().casefold(),)
    text = str(int(value)) if value == int(value) else str(value).casefold().replace(".", decimal)
    return (text, *({"1": ["true"], "0": ["false"]}.get(text, [])))


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object within a tree of JSON."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _nodes(inner)


def _filled(text: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def _is_number(text: pa.Array) -> bool:
    filled = text.filter(pc.not_equal(text, ""))
    return 2 * int(np.asarray(pc.match_substring_regex(filled, _NUMBER)).sum()) > len(filled)


def _numbers(text: pa.Array) -> pa.Array:
    plain = pc.match_substring_regex(text, _NUMBER)
    return pc.if_else(plain, text, pa.scalar(None, pa.string())).cast(pa.float64())
