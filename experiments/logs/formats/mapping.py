"""The YAML file that says what the columns of any CSV or Parquet log are (`supply.mapping`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from ...config.messages import render
from ...errors import BadInput
from ..log_table import Roles
from ..rows.column_rules import Decimal
from .joined_table import OUTCOMES, Filter, JoinedTable, Names, OwnedColumns, Stamp
from .patterns import OWNED, fits, fitting_columns, is_pattern
from .time_column import Name

PER_UNIT = {"cpm": 1_000.0, "impression": 1_000_000.0, "micros": 1.0, "fen_cpm": 10.0}
"""Micros per impression in one unit of a price."""
MISSING = ("", "null", "Null", "NULL", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "None", "\\N")
Unit = Literal["cpm", "impression", "micros", "fen_cpm"]


class Mapping(OwnedColumns):
    """What the columns of a file are; `click` is needed, all others may be left out, also the `price`.

    `tables` are joined to the log by keys; with a table `clicks` among them the log needs no column `click`.

    Names are those in the header, or dotted paths in JSON lines (`site.domain`, `imp.0.bidfloor`). A column may have several
    roles: the floor may also be a feature. Without a `delimiter` it is read off the file.

    `profile`, `context`, `history` and `ad` name feature columns by who owns them; `lists` those among them that hold
    several values in a cell, separated by `list_separator`. `price` is the highest rival bid (or what was paid, in
    second price), `floor` and `bid` are in the same `price_unit`. `known` marks rows whose outcome was seen, where
    losing rows are logged too (`full_information`); `filled` those of the columns `click`, `conversion` and `known` in which any cell that
    holds something is a 1, and an empty one a 0; without it the outcome counts as seen where the price is below
    `bid`. `propensity` is the probability with which the logger showed the ad. `header` lists the columns' names where
    the file has none in its first line.

    Feature columns may be patterns as in `features_ctx_*`. `buckets` gives upper ends of ranges for features that are numbers.
    `no_key` lists what stands in a user's or a key's cell where the person is unknown, as in 0, beside `missing`.
    `filter` keeps some of the rows: a condition in SQL, or values by column. `decimal` is the mark before a fraction. With
    `ids_per_file` users and episodes of two files are never the same.
    """

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    quoted: bool = True
    header: tuple[Name, ...] | None = None
    currency: Name = "currency"
    price_unit: Unit = "cpm"
    price: Name | None = None
    click: Name | None = None
    time: Stamp | None = None
    floor: Name | None = None
    bid: Name | None = None
    conversion: Name | None = None
    weight: Name | None = None
    user: Name | None = None
    campaign: Name | None = None
    episode: Name | None = None
    pctr: Name | None = None
    known: Name | None = None
    propensity: Name | None = None
    filled: Names = ()
    lists: Names = ()
    list_separator: Annotated[str, Field(min_length=1)] = ","
    missing: tuple[str, ...] = MISSING
    no_key: tuple[str, ...] = ()
    full_information: bool = False
    tables: dict[Name, JoinedTable] = Field(default_factory=dict)
    filter: Filter | None = None
    buckets: dict[Name, Annotated[tuple[float, ...], Field(min_length=1)]] = Field(default_factory=dict)
    decimal: Decimal = "."
    ids_per_file: bool = False

    @property
    def roles(self) -> Roles:
        """The feature columns of each data source, in the log itself."""
        return Roles(
            self.profile, self.context, self.ad, frozenset(self.lists) & {*self.features}, self.history
        )

    @property
    def all_roles(self) -> Roles:
        """The feature columns of each data source, those of the tables among them."""
        whose = {
            source: (*getattr(self, source), *(name for table in self.tables.values() for name in getattr(table, source)))
            for source in OWNED
        }  # fmt: skip
        return Roles(lists=frozenset(self.lists), **whose)

    @property
    def keyless(self) -> frozenset[str]:
        """What stands in a key's cell where there is no key."""
        return frozenset((*self.missing, *self.no_key))

    @property
    def outcomes(self) -> frozenset[str]:
        """The columns that would leak as features."""
        found = (self.price, self.click, self.conversion, self.bid, self.pctr, self.known, self.propensity)
        return frozenset(name for name in found if name)

    @property
    def others(self) -> frozenset[str]:
        """The columns that have a role and are named for it."""
        found = (self.user, self.campaign, self.floor, self.weight, self.episode)
        times = self.time.columns if self.time else ()
        return self.outcomes | {name for name in (*found, *times) if name}

    @property
    def person(self) -> tuple[str, ...]:
        """The log's columns that say who it is: `user`, or the key of the first table of people; () where there is none."""
        if self.user:
            return (self.user,)
        return next((tuple(table.key) for table in self.tables.values() if table.is_of_people), ())

    @model_validator(mode="after")
    def _each_column_once(self) -> Mapping:
        features = self.all_roles.features
        twice = sorted({name for name in features if features.count(name) > 1 and not is_pattern(name)})
        if twice:
            raise ValueError(f"{twice[0]}: named in two groups; a column has one owner")
        for group in ("lists", "buckets"):
            stray = [name for name in getattr(self, group) if not any(fits(name, one) for one in features)]
            if stray:
                raise ValueError(f"{group}: {stray[0]} is no column of profile, context, history or ad")
        unsorted = [name for name, edges in self.buckets.items() if list(edges) != sorted(set(edges))]
        if unsorted:
            raise ValueError(f"buckets: {unsorted[0]}: the upper ends must rise")
        leaking = [name for name in features if name in self.outcomes]
        if leaking:
            raise ValueError(f"{leaking[0]}: an outcome, a price or a bid cannot be a feature: it would leak")
        if self.click is None and "clicks" not in self.tables:
            raise ValueError(
                "click: required, and not given: name the column of clicks, or a table clicks in tables"
            )
        if self.click is not None and "clicks" in self.tables:
            raise ValueError(f"click = {self.click}: leave it out where tables has clicks")
        stray = [name for name in self.filled if name not in {self.click, self.conversion, self.known}]
        if stray:
            raise ValueError(f"filled: {stray[0]} is not the column of click, conversion or known")
        if self.conversion is not None and "conversions" in self.tables:
            raise ValueError(f"conversion = {self.conversion}: leave it out where tables has conversions")
        return self

    @model_validator(mode="after")
    def _tables_give_something(self) -> Mapping:
        taken = {"time_us", "campaign", "weight", "user", *OUTCOMES}
        for name, table in self.tables.items():
            where, keys = f"tables.{name}", {*table.key, *table.key.values()}
            if name in OUTCOMES and (table.features or table.valid_from):
                outcomes = "path, key, time, value, within_h, fit, filter, header, delimiter and decimal"
                raise ValueError(f"{where}: holds outcomes; it takes {outcomes}")
            if name not in OUTCOMES and (table.time or table.value or table.within_h):
                raise ValueError(
                    f"{where}: time, value and within_h are of the tables {' and '.join(OUTCOMES)}"
                )
            if table.within_h and not (table.time and self.time and self.time.column):
                raise ValueError(f"{where}.within_h: needs the outcome's time, and the log's")
            if name not in OUTCOMES and not table.features:
                raise ValueError(f"{where}: adds nothing; name columns of profile, context, history or ad")
            if any(stamp and stamp.column is None for stamp in (table.valid_from, table.time)):
                raise ValueError(
                    f"{where}: its times need a column; weekdays and hours do not tell which row is the newer one"
                )
            if table.valid_from and not self.time:
                raise ValueError(f"{where}.valid_from: the log needs a time to be compared with it")
            if known := [column for column in table.features if column in keys]:
                raise ValueError(f"{where}: {known[0]} is a key; who somebody is cannot be a feature")
            if known := [column for column in table.features if column in taken]:
                raise ValueError(f"{where}: {known[0]} is a name that every log has; rename the column")
        own_keys = {column for table in self.tables.values() for column in table.key}
        if known := [column for column in self.features if column in own_keys and column in self.person]:
            raise ValueError(f"{known[0]}: says who somebody is, and cannot be a feature")
        return self

    @property
    def has_patterns(self) -> bool:
        """Whether some of the feature columns are patterns."""
        return any(map(is_pattern, self.all_roles.features))

    def expanded(self, names: Sequence[str], of_tables: dict[str, Sequence[str]] | None = None) -> Mapping:
        """Return the mapping with the columns that its patterns fit, but for keys and columns that are named themselves, also for another role.

        Args:
            names: columns of the log.
            of_tables: columns of each table.

        Raises:
            BadInput: a pattern that fits no column, or columns that may not be features.
        """
        if not self.has_patterns:
            return self
        keys = {key for table in self.tables.values() for key in (*table.key, *table.key.values())}
        made: dict[str, Any] = fitting_columns(self, "", names, keys | self.others, shown=not self.tables)
        tables = {
            name: table.model_dump()
            | fitting_columns(
                table, f"tables.{name}.", (of_tables or {}).get(name, ()), keys | table.others, shown=False
            )
            for name, table in self.tables.items()
        }
        found = [one for part in (made, *tables.values()) for group in OWNED for one in part[group]]
        lists = tuple(one for one in dict.fromkeys(found) if any(fits(one, name) for name in self.lists))
        tree = {**self.model_dump(), **made, "lists": lists, "tables": tables}
        try:
            return Mapping.model_validate(tree)
        except ValidationError as error:
            raise BadInput(f"supply.mapping: {line}" for line in render(error, tree, Mapping)) from None


def read_mapping(path: Path) -> Mapping:
    """Read and check a mapping.

    Raises:
        BadInput: no such file, no YAML, or keys and values that are not allowed, a line each.
    """
    import yaml

    try:
        tree = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise BadInput(f"supply.mapping = {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"supply.mapping = {path}: is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise BadInput(
            f"supply.mapping = {path}: must have keys, as in price: paid; it holds {type(tree).__name__}"
        )
    try:
        return Mapping.model_validate(tree)
    except ValidationError as error:
        raise BadInput(f"{path}: {line}" for line in render(error, tree, Mapping)) from None
