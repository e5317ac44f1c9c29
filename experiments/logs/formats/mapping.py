"""The YAML file that says what the columns of any CSV or Parquet log are (`supply.mapping`)."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from jointbid.sim.scenario import Model

from ...config.messages import render
from ...errors import BadInput
from ..log_table import Roles
from .time_column import Name, TimeColumn

PER_UNIT = {"cpm": 1_000.0, "impression": 1_000_000.0, "micros": 1.0, "fen_cpm": 10.0}
"""Micros per impression in one unit of a price."""
MISSING = ("", "null", "Null", "NULL", "NA", "NaN", "nan", "None", "\\N")
Unit = Literal["cpm", "impression", "micros", "fen_cpm"]
Cell = str | int | float | bool | None


class Mapping(Model):
    """What the columns of a file are; `click` is needed, all others may be left out, also the `price`.

    Names are those in the header, or dotted paths in JSON lines (`site.domain`, `imp.0.bidfloor`). A column may have several
    roles: the floor may also be a feature. Without a `delimiter` it is read off the file.

    `profile`, `context`, `history` and `ad` name feature columns by who owns them; `lists` those among them that hold
    several values in a cell, separated by `list_separator`. `price` is the highest rival bid (or what was paid, in second
    price), `floor` and `bid` are in the same `price_unit`. `known` marks rows whose outcome was seen, where losing rows are
    logged too (`full_information`); without it the outcome counts as seen where the price is below `bid`. `propensity` is the probability with which the logger showed the ad. `header` lists the columns' names where the file has none in its first line.

    Feature columns may be patterns as in `features_ctx_*`. `buckets` gives upper ends of ranges for features that are numbers.
    `filter` keeps some of the rows: a condition in SQL, or values by column. `decimal` is the mark before a fraction. With
    `ids_per_file` users and episodes of two files are never the same.
    """

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    quoted: bool = True
    header: tuple[Name, ...] | None = None
    currency: Name = "currency"
    price_unit: Unit = "cpm"
    price: Name | None = None
    click: Name
    time: TimeColumn | None = None
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
    profile: tuple[Name, ...] = ()
    context: tuple[Name, ...] = ()
    history: tuple[Name, ...] = ()
    ad: tuple[Name, ...] = ()
    lists: tuple[Name, ...] = ()
    list_separator: Annotated[str, Field(min_length=1)] = ","
    missing: tuple[str, ...] = MISSING
    full_information: bool = False
    filter: str | dict[Name, Cell | list[Cell]] | None = None
    buckets: dict[Name, Annotated[tuple[float, ...], Field(min_length=1)]] = Field(default_factory=dict)
    decimal: Literal[".", ","] = "."
    ids_per_file: bool = False

    @property
    def roles(self) -> Roles:
        """The feature columns of each data source."""
        return Roles(self.profile, self.context, self.ad, frozenset(self.lists), self.history)

    @field_validator("time", mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _each_column_once(self) -> Mapping:
        features = (*self.profile, *self.context, *self.history, *self.ad)
        twice = sorted({name for name in features if features.count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]}: named in two groups; a column has one owner")
        for group in ("lists", "buckets"):
            stray = [
                name for name in getattr(self, group) if not any(fnmatchcase(name, one) for one in features)
            ]
            if stray:
                raise ValueError(f"{group}: {stray[0]} is no column of profile, context, history or ad")
        unsorted = [name for name, edges in self.buckets.items() if list(edges) != sorted(set(edges))]
        if unsorted:
            raise ValueError(f"buckets: {unsorted[0]}: the upper ends must rise")
        if self.filter is not None and not self.filter:
            raise ValueError("filter: needs a condition, or values by column")
        leaking = [
            name
            for name in features
            if name
            in {self.price, self.click, self.conversion, self.bid, self.pctr, self.known, self.propensity}
        ]
        if leaking:
            raise ValueError(f"{leaking[0]}: an outcome, a price or a bid cannot be a feature: it would leak")
        return self

    def expanded(self, names: Sequence[str]) -> Mapping:
        """Return the mapping with the columns that its patterns fit, of those named; a column that is named itself is left out.

        Raises:
            BadInput: a pattern that fits no column.
        """
        groups = {group: getattr(self, group) for group in _GROUPS}
        if not any(_is_pattern(one) for columns in groups.values() for one in columns):
            return self
        own = {name for columns in groups.values() for name in columns if not _is_pattern(name)}
        made: dict[str, tuple[str, ...]] = {}
        for group, columns in groups.items():
            found: list[str] = []
            for one in columns:
                fitting = [name for name in names if fnmatchcase(name, one) and name not in own]
                if _is_pattern(one) and not fitting:
                    raise BadInput(
                        f"supply.mapping: {group}: no column fits {one!r}; there are {', '.join(names)[:300]}"
                    )
                found += fitting if _is_pattern(one) else [one]
            made[group] = tuple(dict.fromkeys(found))
        lists = tuple(
            name
            for columns in made.values()
            for name in columns
            if any(fnmatchcase(name, one) for one in self.lists)
        )
        return Mapping.model_validate({**self.model_dump(), **made, "lists": lists})


_GROUPS = ("profile", "context", "history", "ad")


def _is_pattern(name: str) -> bool:
    return "*" in name


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
