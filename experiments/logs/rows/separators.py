"""What separates the cells of a text file, read off its lines."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Sequence

SEPARATORS = ("\t", ",", ";", "|", "\x01")
"""The last one is Hive's."""


def cells_of(line: str, separator: str, *, quoted: bool = True) -> list[str]:
    """Return the cells of a line, without the space around them."""
    text = line.rstrip("\r\n")
    cells = next(csv.reader([text], delimiter=separator), []) if quoted else text.split(separator)
    return [cell.strip() for cell in cells]


def by_names(header: str, wanted: Collection[str]) -> str:
    """Return the separator under which most of the wanted names stand in the header; of equal ones that with more cells."""
    names = {name.casefold() for name in wanted}

    def fits(separator: str) -> tuple[int, int]:
        cells = [cell.casefold() for cell in cells_of(header, separator)]
        return len(names.intersection(cells)), len(cells)

    return max((*SEPARATORS, " "), key=fits)


def by_width(lines: Sequence[str], width: int, *, quoted: bool = True) -> str:
    """Return the separator under which most lines have `width` cells."""

    def fits(separator: str) -> int:
        return sum(len(cells_of(line, separator, quoted=quoted)) == width for line in lines)

    return max((*SEPARATORS, " "), key=fits)


def by_count(lines: Sequence[str]) -> str:
    """Return the separator that cuts most lines into the same number of cells.

    Of separators that do so equally well the tab is taken, which hardly occurs within a cell, then that with more cells.
    """

    def fits(separator: str) -> tuple[int, bool, int]:
        widths = Counter(len(cells_of(line, separator)) for line in lines)
        width, agreeing = max(widths.items(), key=lambda item: (item[0] > 1, item[1]))
        return (agreeing, separator == "\t", width) if width > 1 else (0, False, 0)

    return max(SEPARATORS, key=fits)
