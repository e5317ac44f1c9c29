"""Feature columns that a mapping names by patterns, as in `features_ctx_*`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from ...errors import BadInput
from .joined_table import OwnedColumns

OWNED = tuple(OwnedColumns.model_fields)
"""The keys of feature columns, by who owns them."""


def fitting_columns(
    part: OwnedColumns, where: str, names: Sequence[str], reserved: Collection[str], *, shown: bool
) -> dict[str, tuple[str, ...]]:
    """Return the feature columns of the log, or of a table, by group, patterns being what they fit.

    Args:
        part: the mapping or the table.
        where: its place in the user's file, for messages.
        names: its columns.
        reserved: those of them that have another role.
        shown: whether a message may hold the names, which are a person's data where the header is missing.

    Raises:
        BadInput: a pattern that fits no column.
    """
    groups: dict[str, tuple[str, ...]] = {group: getattr(part, group) for group in OWNED}
    named = {name for columns in groups.values() for name in columns if not is_pattern(name)}
    taken = {name.casefold() for name in (*reserved, *named)}
    made: dict[str, tuple[str, ...]] = {}
    for group, columns in groups.items():
        found: list[str] = []
        for one in columns:
            fitting = [name for name in names if fits(name, one) and name.casefold() not in taken]
            if is_pattern(one) and not fitting:
                there = f"; there are {', '.join(names)[:300]}" if shown else ""
                raise BadInput(f"supply.mapping: {where}{group}: no column fits {one!r}{there}")
            found += fitting if is_pattern(one) else [one]
        made[group] = tuple(dict.fromkeys(found))
    return made


def is_pattern(name: str) -> bool:
    """Return whether a column's name stands for all that fit it."""
    return "*" in name


def fits(name: str, pattern: str) -> bool:
    """Return whether a column's name is another one, or fits it as a pattern, in any case."""
    return fnmatchcase(name.casefold(), pattern.casefold())
