"""The YAML file that says what the columns of any CSV or Parquet log are (`supply.mapping`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from jointbid.sim.scenario import Model

from ...config.messages import render
from ...errors import BadInput
from ..log_table import Roles

PER_UNIT = {"cpm": 1_000.0, "impression": 1_000_000.0, "micros": 1.0, "fen_cpm": 10.0}
"""Micros per impression in one unit of a price."""
MISSING = ("", "null", "Null", "NULL", "NA", "NaN", "nan", "None", "\\N")
Unit = Literal["cpm", "impression", "micros", "fen_cpm"]
Name = Annotated[str, Field(min_length=1)]


class TimeColumn(Model):
    """Which column is the time, and how it is written: a count of s, ms, us, ns or h; `iso`; digits as in `yyyyMMddHH`."""

    column: Name
    unit: Literal[
        "s", "ms", "us", "ns", "h", "iso",
        "yyMMddHH", "yyyyMMdd", "yyyyMMddHH", "yyyyMMddHHmm", "yyyyMMddHHmmss", "yyyyMMddHHmmssSSS",
    ] = "iso"  # fmt: skip


class Mapping(Model):
    """What the columns of a file are; `price` and `click` are needed, all others may be left out.

    Names are those in the header, or dotted paths in JSON lines (`site.domain`, `imp.0.bidfloor`). A column may have several
    roles: the floor may also be a feature. Without a `delimiter` it is read off the file.

    `profile`, `context`, `history` and `ad` name feature columns by who owns them; `lists` those among them that hold
    several values in a cell, separated by `list_separator`. `price` is the highest rival bid (or what was paid, in second
    price), `floor` and `bid` are in the same `price_unit`. `known` marks rows whose outcome was seen, where losing rows are
    logged too (`full_information`); without it the outcome counts as seen where the price is below `bid`. `header` lists the columns' names where the file has none in its first line.
    """

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    quoted: bool = True
    header: tuple[Name, ...] | None = None
    currency: Name = "currency"
    price_unit: Unit = "cpm"
    price: Name
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
    profile: tuple[Name, ...] = ()
    context: tuple[Name, ...] = ()
    history: tuple[Name, ...] = ()
    ad: tuple[Name, ...] = ()
    lists: tuple[Name, ...] = ()
    list_separator: Annotated[str, Field(min_length=1)] = ","
    missing: tuple[str, ...] = MISSING
    full_information: bool = False

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
        stray = [name for name in self.lists if name not in features]
        if stray:
            raise ValueError(f"lists: {stray[0]} is no column of profile, context, history or ad")
        leaking = [
            name
            for name in features
            if name in {self.price, self.click, self.conversion, self.bid, self.pctr, self.known}
        ]
        if leaking:
            raise ValueError(f"{leaking[0]}: an outcome, a price or a bid cannot be a feature: it would leak")
        return self


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
