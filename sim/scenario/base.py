"""What all parts of a scenario share: the base model, units, and numbers with their ranges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from ..paths import expand

Rate = Annotated[float, Field(ge=0, le=1)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(gt=0)]
UserPath = Annotated[str, Field(min_length=1), AfterValidator(lambda path: str(expand(path)))]
"""A file or folder as the user writes it; a leading ``~`` is expanded here."""

MICROS = 1_000_000
"""Micros in one unit of currency."""
MICROS_PER_CPM = 1_000
"""Micros per impression in a CPM of 1.00."""
HOUR_US = 3_600_000_000
"""Microseconds of the simulated clock in one hour."""
MAX_MICROS = 10**15
"""No bid, price, value, margin or budget is larger."""
MAX_MONEY = MAX_MICROS / MICROS
"""The same in currency."""
MAX_CHARGE_MICROS = 10**18
"""The most that one impression can cost: bid x click rate of its slot x impressions that a row of a log stands for."""
MAX_SPEND_MICROS = 2 * 10**18
"""The most that all bidders spend in one run: a run that spends more stops, as 64 bits would overflow."""
MAX_CLICK_RATE = MAX_CHARGE_MICROS / MAX_MICROS
"""The most that a slot multiplies a bid by."""
MAX_RATIO = 1e9
"""No share, weight or multiplier is larger: sums and products of them stay finite."""

MAX_HOURS = 24.0 * 366 * 100
"""A century: times beyond it do not fit the microsecond clock's use of floating point."""

MAX_TYPES = 4096
"""Types of one factor."""

Hours = Annotated[float, Field(ge=0, le=MAX_HOURS)]
LOG_MONEY = (-60.0, 20.0)
LogMoney = Annotated[float, Field(ge=LOG_MONEY[0], le=LOG_MONEY[1])]
"""A location on the scale of log currency per impression."""
MAX_LOG_SIGMA = 10.0
"""The widest spread of a lognormal law of money."""

Money = Annotated[float, Field(ge=0, le=MAX_MONEY)]
"""Currency, at most what fits."""
PositiveMoney = Annotated[float, Field(gt=0, le=MAX_MONEY)]
Coefficient = Annotated[float, Field(ge=-MAX_MONEY, le=MAX_MONEY)]
"""Of a level, in currency or log-odds: products with scores stay finite."""
Ratio = Annotated[float, Field(gt=0, le=MAX_RATIO)]
"""A share, weight or multiplier above 0."""


PARTS_ALONE = {"parts alone": True}
"""The context in which each part is validated by itself: who gives it looks for contradictions between them afterwards."""


def parts_alone(info: ValidationInfo) -> bool:
    """Whether contradictions are somebody else's business."""
    return info.context is not None and "parts alone" in info.context


def contradictions(feature: str, *parts: tuple[str, bool, str]) -> Iterator[str]:
    """What does not go with a feature, of parts that are each a place, whether it is wrong, and what is needed there."""
    for place, wrong, needed in parts:
        if wrong:
            yield f"{place}: with {feature} must be {needed}"


class Model(BaseModel):
    """Base of every part of a scenario: immutable, no unknown keys, also by the aliases of the literature."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, ser_json_inf_nan="constants"
    )
