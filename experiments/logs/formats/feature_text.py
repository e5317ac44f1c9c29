"""What the text of a feature's cell becomes, in the log and in the tables that are joined to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from ..rows.column_rules import Decimal, number_in
from .mapping import Mapping


def without_gaps(missing: Collection[str]) -> Callable[[str], str]:
    """Return the rule by which spellings of a missing cell are empty text."""
    gone = frozenset(missing)
    return lambda text: "" if text in gone else text


def feature_rule(mapping: Mapping, name: str, decimal: Decimal) -> Callable[[str], str]:
    """Return the rule for a feature's cells: gaps are empty, lists separated by commas, numbers with `buckets` ranges.

    Args:
        mapping: of the log and its tables.
        name: the feature's column.
        decimal: the mark before the fraction of a number in its file.
    """
    clean, edges, mark = without_gaps(mapping.missing), mapping.buckets.get(name), mapping.list_separator
    if edges is not None:
        return lambda text: _range(clean(text), edges, decimal)
    if name in mapping.lists:
        return lambda text: clean(text).replace(mark, ",")
    return clean


def _range(text: str, edges: Sequence[float], decimal: Decimal) -> str:
    """Return the range that holds a number; other text as it is."""
    number = number_in(text, decimal)
    if number is None:
        return text
    end = next((edge for edge in edges if number <= edge), None)
    return f"above {edges[-1]:g}" if end is None else f"up to {end:g}"
