"""The rows of a joined table, checked as those of a log, without an identifier in any message."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from ....errors import BadInput, closest
from ...rows.checked_rows import Rows
from ...rows.column_rules import Column, Decimal
from ...rows.compression import head
from ...rows.conditions import Condition, condition_of, only_for
from ...rows.delimited import Form, as_asked, below, form_of, header
from ...rows.files import logs_in
from ...rows.log_columns import PRICE_MAX
from ...rows.parquet import parquet_names
from ...rows.partitions import partition_of
from ...rows.row_audit import RowAudit
from ...rows.times import Clock
from ..any_file import kind_of, names_in, rows_of
from ..joined_table import JoinedTable
from ..mapping import Mapping
from .keys import safe_names


@dataclass
class TableRows:
    """Reads one table; `audit` has the account of its rows afterwards.

    Attributes:
        name: of the table in the mapping.
        mapping: of the log and its tables.
        folder: from which their paths count.
        drop_bad: leave out rows that cannot be used.
    """

    name: str
    mapping: Mapping
    folder: Path
    drop_bad: bool = False

    @cached_property
    def table(self) -> JoinedTable:
        """What the mapping says of it."""
        return self.mapping.tables[self.name]

    @cached_property
    def path(self) -> Path:
        """The file or folder."""
        return self.folder / Path(self.table.path).expanduser()

    @cached_property
    def audit(self) -> RowAudit:
        """Rows read, used, dropped and why."""
        return RowAudit(str(self.path), drop_bad=self.drop_bad, private=True)

    @cached_property
    def clock(self) -> Clock | None:
        """Of its `valid_from` or `time`; None without one."""
        return Clock(self.table.stamp.unit) if self.table.stamp else None

    @property
    def decimal(self) -> Decimal:
        """The mark before the fraction of a number."""
        return self.table.decimal or self.mapping.decimal

    @property
    def files(self) -> list[Path]:
        """The files of the table.

        Raises:
            BadInput: no such file or folder.
        """
        try:
            return logs_in(self.path, mapped=True)
        except BadInput as error:
            raise BadInput(f"tables.{self.name}.path = {self.table.path}: {error}") from None

    @property
    def names(self) -> Sequence[str]:
        """The names of the columns of its first file.

        Raises:
            BadInput: a first line that holds none of the key's columns.
        """
        if self.table.header:
            return self.table.header
        keys = [Column(name, "id", lenient=True) for name in self.table.key.values()]
        found = names_in(file := self.files[0], self.table.delimiter, quoted=self.mapping.quoted)
        if not {name.casefold() for name in found} & {key.name.casefold() for key in keys}:
            check_names(f"tables.{self.name}, {file}", found, keys, file)
        return found

    @property
    def columns(self) -> list[Column]:
        """Every column that the mapping names, with the rule of its role."""
        table = self.table
        found = [
            Column(name, "id", lenient=True, role=f"@key {i}") for i, name in enumerate(table.key.values())
        ]
        if table.stamp:
            found.append(Column(table.stamp.column or "", "time", role="@at", reader=self.clock))
        if table.value:
            value = Column(table.value, "number", -PRICE_MAX, PRICE_MAX, role="@value", decimal=self.decimal)
            found.append(replace(value, missing=self.mapping.missing))
        found += [Column(name, lenient=True, decimal=self.decimal) for name in table.features]
        return found + only_for(self.keep, found, self.decimal)

    @cached_property
    def keep(self) -> Condition | None:
        """Which of its rows count; None: all."""
        return condition_of(self.table.filter, f"tables.{self.name}.filter", self.decimal)

    def rows(self) -> Iterator[Rows]:
        """Yield the rows, block by block.

        Raises:
            BadInput: a file that cannot be used, or (at the end) rows that cannot and may not be dropped.
        """
        wanted, files = self.columns, self.files
        try:
            for file in files:
                yield from self._of_file(file, wanted)
            self.audit.check()
        except BadInput as error:
            raise BadInput(self._without_names(line, files) for line in error.problems) from None

    def _without_names(self, text: str, files: Sequence[Path]) -> str:
        """Return a message in which the files of a folder are numbered, as their names may be identifiers (`customer=7/part-0.parquet`)."""
        for number, file in enumerate(files if self.path.is_dir() else (), 1):
            text = text.replace(str(file), f"{self.path}, file {number} of {len(files)}")
        return text

    def _of_file(self, file: Path, wanted: Sequence[Column]) -> Iterator[Rows]:
        check_file(f"tables.{self.name}, {file}", file, wanted, self._form)
        return rows_of(file, wanted, self.audit, partial(self._form, file), self.keep)

    def _form(self, file: Path) -> Form:
        return form_of(
            file, self.columns, self.table.delimiter, self.table.header, quoted=self.mapping.quoted
        )


def check_file(
    where: str, file: Path, wanted: Sequence[Column], form_of_text: Callable[[Path], Form]
) -> None:
    """Raise `BadInput` for a file that lacks columns, without a word of what stands in it.

    Args:
        where: the beginning of messages.
        file: text with a header, JSON lines or Parquet.
        wanted: its columns.
        form_of_text: returns how it is laid out, where it is text.
    """
    kind = kind_of(file, where)
    if kind == "json" or not head(file).strip():
        return
    if kind == "parquet":
        names = parquet_names(file, where)
    else:
        form = form_of_text(file)
        names = list(form.names or header(file, form))
    check_names(where, [*as_asked(names, wanted), *partition_of(file)], wanted, file)


def check_names(where: str, names: Sequence[str], wanted: Sequence[Column], file: Path) -> None:
    """Raise `BadInput` for columns that are not there; what may be an identifier in place of a header is not shown."""
    absent = [name for name in dict.fromkeys(column.name for column in wanted) if name not in names]
    if len(absent) == len({column.name for column in wanted}):
        raise BadInput(
            f"{where}: its first line holds none of the columns {', '.join(absent)}; has it a header? (it is not shown, as it may hold identifiers)"
            + below(file, absent)
        )
    if absent:
        known = [name for name in names if name in safe_names([name])]
        raise BadInput(
            f"{where}: has no column {name!r}{closest(name, known)}; it has {safe_names(names)}"
            for name in absent
        )
