"""The account of a log's rows while it is read: used, dropped and why, or rejected with a message."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from ...errors import BadInput

SHOWN = 20
"""The most unlike problems of one log that are listed, and of like ones the most rows; the rest are counted."""
_OF_WHOLE_ROWS = {"ragged row", "row that is no JSON object"}
_ROW_TEXT = re.compile(r": ['\"b].*$", re.DOTALL)
"""The text of a row, at the end of the message on it."""
_CELL = re.compile(r"(, column (?:'[^']*'|\"[^\"]*\")): .* is not ", re.DOTALL)
"""The text of a cell, in the message on it."""


def _without_text(what: str, reason: str) -> str:
    """Return a message on a row without what stands in it."""
    if reason in _OF_WHOLE_ROWS:
        return _ROW_TEXT.sub("", what) or " is not a JSON object"
    return _CELL.sub(r"\1: its cell (not shown, as files joined by keys hold identifiers) is not ", what)


def _rows(numbers: list[int]) -> str:
    """Return the numbers of rows in words."""
    listed = ", ".join(map(str, numbers))
    if len(numbers) > 3 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        listed = f"{numbers[0]} to {numbers[-1]}"
    return f"row{'s' * (len(numbers) > 1)} {listed}"


@dataclass
class RowAudit:
    """The rows of one log: ``read == used + sum(dropped.values())`` once it has been read to its end.

    Attributes:
        path: the log, for messages.
        drop_bad: leave out rows that cannot be used, and count them, instead of refusing the log.
        tolerant: the same, for a reader that shows the first of them.
        private: show no text of a row, as it may hold identifiers.
        read: rows seen.
        used: rows handed on.
        dropped: rows left out, by reason.
        notes: what else was decided on the way, in words, with how often.
        problems: the rows that cannot be used, by file and what is wrong with them.
    """

    path: str
    drop_bad: bool = False
    tolerant: bool = False
    private: bool = False
    read: int = 0
    used: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    problems: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    bad: int = 0

    def reject(self, file: str, row: int, what: str, reason: str) -> None:
        """Record one unusable row, dropped under `reason`; the first of them are kept to be shown."""
        self.dropped[reason] += 1
        self.bad += 1
        if self.private:
            what = _without_text(what, reason)
        rows = self.problems.get((file, what))
        if rows is None and len(self.problems) < SHOWN:
            rows = self.problems[file, what] = []
        if rows is not None and len(rows) < SHOWN:
            rows.append(row)

    def check(self) -> None:
        """Raise `BadInput` where a row could not be used and may not be dropped."""
        if self.problems and not (self.tolerant or self.drop_bad):
            raise BadInput(self.shown)

    @property
    def shown(self) -> list[str]:
        """What is wrong with the first rows that cannot be used, a line for like ones, and the number of the others."""
        found = sorted((file, rows, what) for (file, what), rows in self.problems.items())
        lines = [f"{file}, {_rows(rows)}{what}" for file, rows, what in found]
        left = self.bad - sum(map(len, self.problems.values()))
        return [*lines, f"{self.path}: {left} more rows like these"] if left else lines

    def finish(self) -> None:
        """The log is at its end: raise `BadInput` for rows that could not be used, or where none was left."""
        self.check()
        if not self.used:
            why = ", ".join(f"{count} x {reason}" for reason, count in self.dropped.items() if count)
            raise BadInput(
                [*self.shown, f"{self.path}: has no rows" + (f" that can be used ({why})" if why else "")]
            )

    @property
    def reasons(self) -> dict[str, int]:
        """Rows left out by reason, those reasons that occurred."""
        return {reason: count for reason, count in sorted(self.dropped.items()) if count}

    @property
    def sentences(self) -> tuple[str, ...]:
        """The notes as sentences."""
        return tuple(f"{count:,} {what}" for what, count in self.notes.items() if count)
