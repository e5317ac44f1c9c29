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
    """Bid requests made by the simulator: an exact number of arrivals on a daily curve, each in one context type."""

    kind: Literal["synthetic"] = "synthetic"
    """Requests that are made (`synthetic`), or those of a `log`."""
    requests: Count = 100_000
    """The number of bid requests of a replication."""
    horizon_h: Annotated[float, Field(gt=0, le=MAX_HOURS)] = 24.0
    """The length of a replication."""
    hourly: tuple[Annotated[float, Field(ge=0, le=1e9)], ...] = FLAT_DAY
    """Relative weights of the hours of a day, or of any number of equal slices of 24 h."""
    context_types: Annotated[int, Field(ge=1, le=MAX_TYPES)] = 2
    """The number of types of context: of pages, placements, hours."""
    floor_share: Rate = 0.0
    """The share of placements with a floor of their own."""
    floor_mu: LogMoney = 0.0
    """The mean of such a floor's logarithm, in log currency per impression."""
    floor_sigma: Annotated[float, Field(ge=0, le=MAX_LOG_SIGMA)] = 0.0
    """The standard deviation of its logarithm."""

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
    """Bid requests taken from a log of real or simulated auctions, in the order of their times."""

    kind: Literal["log"] = "log"
    """Requests of a `log`, or such that are made (`synthetic`)."""
    path: UserPath
    """The log: a file, or a folder of them."""
    test_path: UserPath | None = None
    """A second log of the same form: strategies are learned and tuned on `path` and play this one, as published train/test pairs
    ask for."""
    format: str = "auto"
    """The name of the log's form; `auto` tells it by what is in the file."""
    clicks: UserPath | None = None
    """The file of clicks, where these are apart."""
    mapping: UserPath | None = None
    """The YAML file that says what the columns are."""
    seat: Annotated[str, Field(min_length=1)] = "focal"
    """The bidder whose log it shall be, where the log is of a simulated run."""
    campaign: Annotated[tuple[str, ...], BeforeValidator(_names)] = ()
    """The campaigns whose rows are kept; empty: all."""
    drop_bad: bool = False
    """Whether rows that cannot be used are left out, and counted; otherwise they are an error."""
    requests: Count | None = None
    """The number of rows kept, the first ones; null: all."""
    most_rows: Annotated[int, Field(ge=1_000)] = MOST_ROWS
    """The most rows that are held in memory; of a longer log a sample stands for it."""
    nonclick_weight: Ratio = 1.0
    """The impressions that a row without a click stands for, in a log that was sampled."""
    suspect_tags: tuple[str, ...] = ()
    """Values that look like leakage."""
    find_suspects: bool = True
    """Whether values that look like leakage are looked for, too."""
    min_group: Annotated[int, Field(ge=1, le=1_000_000)] = 20
    """Where the mapping joins tables, the fewest persons in any cell of a result."""
    join_memory_gb: Annotated[float, Field(ge=0.1, le=1_000)] = 1.5
    """The memory that joins take, about; the rest goes to the temporary folder."""
    horizon_h: Annotated[float, Field(gt=0, le=MAX_HOURS)] = 168.0
    """The time over which a log without times is spread."""
    context_types: Literal[1] = 1
    """A log brings no types: its signals are columns."""


Supply = Annotated[SyntheticSupply | LogSupply, Field(discriminator="kind")]
