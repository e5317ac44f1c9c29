"""Bid requests: synthetic, or those of a log."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from .base import (
    HOUR_US,
    MAX_HOURS,
    MAX_LOG_SIGMA,
    MAX_TYPES,
    Count,
    LogMoney,
    Model,
    Rate,
    Ratio,
    UserPath,
)

FLAT_DAY = (1.0,) * 24
MOST_ROWS = 1_000_000
MAX_REQUESTS_PER_H = HOUR_US // 4
"""One in four microseconds on average: no two requests share one."""


def _names(value: Any) -> Any:
    """One name or several; a name may look like a number."""
    several = value if isinstance(value, list | tuple) else [] if value is None else [value]
    return tuple(str(name) if isinstance(name, int) else name for name in several)


class SyntheticSupply(Model):
    """Bid requests made by the simulator: an exact number of arrivals on a daily curve, each in one context type.

    ``hourly`` are relative weights of the hours of a day (any positive number of equal slices of 24 h).
    A share ``floor_share`` of placements carries a floor, lognormal(``floor_mu``, ``floor_sigma``) in log currency
    per impression.
    """

    kind: Literal["synthetic"] = "synthetic"
    requests: Count = 100_000
    """The number of bid requests of a replication."""
    horizon_h: Annotated[float, Field(gt=0, le=MAX_HOURS)] = 24.0
    """The length of a replication."""
    hourly: tuple[Annotated[float, Field(ge=0, le=1e9)], ...] = FLAT_DAY
    context_types: Annotated[int, Field(ge=1, le=MAX_TYPES)] = 2
    """The number of types of context: of pages, placements, hours."""
    floor_share: Rate = 0.0
    floor_mu: LogMoney = 0.0
    floor_sigma: Annotated[float, Field(ge=0, le=MAX_LOG_SIGMA)] = 0.0

    @model_validator(mode="after")
    def _fits_the_clock(self) -> Self:
        if not self.hourly or sum(self.hourly) <= 0:
            raise ValueError("hourly needs at least one weight above 0")
        if self.requests > self.horizon_h * MAX_REQUESTS_PER_H:
            raise ValueError(
                f"requests = {self.requests}: at most {MAX_REQUESTS_PER_H:,} an hour, as the clock counts microseconds; "
                f"have fewer than that in {self.horizon_h:g} h, or a longer horizon_h"
            )
        return self


class LogSupply(Model):
    """Bid requests taken from a log of real or simulated auctions, in the order of their times.

    ``test_path`` is a second log of the same form: strategies are learned and tuned on ``path`` and play ``test_path``, as published
    train/test pairs ask for. ``format`` names the log's form; ``auto`` tells it by what is in the file. ``clicks`` is the file of clicks where these
    are apart, ``mapping`` the YAML file that says what the columns are, ``seat`` the bidder whose log it shall be where the
    log is of a simulated run. ``campaign`` keeps the rows of the campaigns that it names. ``drop_bad`` leaves rows out that
    cannot be used, and counts them. ``requests`` is the number of rows kept, the first ones. At most ``most_rows`` are held in memory; of a
    longer log a sample stands for it. In a sampled log a row without a click stands for ``nonclick_weight`` impressions.
    ``suspect_tags`` are values that look like leakage; those that are found beside them are added unless ``find_suspects``
    is off. Where the mapping joins tables, no result has a cell of fewer than ``min_group`` persons, and the joins take about
    ``join_memory_gb`` of memory, the rest going to the temporary folder.
    """

    kind: Literal["log"] = "log"
    path: UserPath
    """The log: a file, or a folder of them."""
    test_path: UserPath | None = None
    format: str = "auto"
    clicks: UserPath | None = None
    mapping: UserPath | None = None
    seat: Annotated[str, Field(min_length=1)] = "focal"
    campaign: Annotated[tuple[str, ...], BeforeValidator(_names)] = ()
    drop_bad: bool = False
    requests: Count | None = None
    most_rows: Annotated[int, Field(ge=1_000)] = MOST_ROWS
    nonclick_weight: Ratio = 1.0
    suspect_tags: tuple[str, ...] = ()
    find_suspects: bool = True
    min_group: Annotated[int, Field(ge=1, le=1_000_000)] = 20
    join_memory_gb: Annotated[float, Field(ge=0.1, le=1_000)] = 1.5
    horizon_h: Annotated[float, Field(gt=0, le=MAX_HOURS)] = 168.0
    """The time over which a log without times is spread."""
    context_types: Literal[1] = 1
    """A log brings no types: its signals are columns."""


Supply = Annotated[SyntheticSupply | LogSupply, Field(discriminator="kind")]
