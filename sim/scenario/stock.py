"""Stock: how many units of each product there are to sell, and when the next delivery comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, field_validator

from sim.scenario.base import Count, Hours, Model, Positive, contradictions

if TYPE_CHECKING:
    from sim.scenario import Scenario

MAX_UNITS = 1000
Units = Annotated[Count, Field(le=MAX_UNITS)]
Sales = Annotated[float, Field(ge=0, le=1e6)]


class Stock(Model):
    """The shelves that sales empty. A product is a context type, and each advertiser has a shelf of its own for each.

    A shelf holds ``units`` (one number, or one per context type) at the start and in each delivery. Whoever is going to convert
    has a unit put aside at the click, or at the view, however late the conversion is known; while a shelf is empty ads are clicked
    and nobody buys. Sales are counted every ``step_h``; from the count at which a shelf is found empty a delivery comes with
    probability ``step_h`` / ``lead_h`` at each of the next ones, so that it takes ``lead_h`` on average.

    ``believed_sales_per_h`` is what bidders reckon with who do not see a shelf, or see an old copy of it
    (``strategies.valuations.shelf``): units that an advertiser sells of a product in an hour while there are any (one number, or
    one per context type); null: those of one who knows all and bids truthfully at the landscape's prices.
    """

    units: Units | tuple[Units, ...] = 10
    lead_h: Positive = 48.0
    step_h: Annotated[Hours, Field(gt=1e-3)] = 1.0
    believed_sales_per_h: Sales | tuple[Sales, ...] | None = None

    @field_validator("units", "believed_sales_per_h", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @property
    def most(self) -> int:
        """The most units that a source can show."""
        return max(self.units) if isinstance(self.units, tuple) else self.units


def stock_problems(scenario: Scenario) -> Iterator[str]:
    """What in the rest of a market contradicts its stock."""
    if scenario.stock is None:
        return
    yield from contradictions(
        "stock",
        (
            "supply.kind",
            scenario.supply.kind == "log",
            "synthetic: a log does not say what there was to sell",
        ),
        ("journey", scenario.journey is not None, "null: accounts on a journey buy from whoever they prefer"),
        ("response.family", scenario.response.family != "logit", "logit"),
        ("bidders.values", scenario.bidders.values == "private", "common: a product is the same for all"),
        ("bidders.beliefs", scenario.bidders.beliefs == "winning", "naive"),
        ("bidders.creative", scenario.bidders.creative != "rotated", "rotated"),
    )
    if scenario.response.conversion is None:
        yield "stock: nothing is sold where there are no conversions; set response.conversion, or leave it out"
    shown = scenario.showing("stock")
    if len(shown) > 1:
        yield f"source.{shown[1]}: one source alone may show the stock; make it a copy_of {shown[0]}"
    for name in shown:
        if scenario.source[name].flip_rate_per_h > 0:
            yield f"source.{name}.flip_rate_per_h: stock changes as sales and deliveries do; leave it 0"


def shelf_problems(scenario: Scenario) -> Iterator[str]:
    """What in a stock's own numbers does not fit."""
    stock, contexts = scenario.stock, scenario.types_of("context")
    if stock is None:
        return
    if stock.believed_sales_per_h is None and scenario.rivals.landscape is None:
        yield "stock.believed_sales_per_h = null: is worked out from prices; set rivals.landscape, or say a rate"
    for key in ("believed_sales_per_h", "units"):
        given = getattr(stock, key)
        if isinstance(given, tuple) and len(given) != contexts:
            yield f"stock.{key}: {len(given)} numbers for {contexts} context types"
    if stock.lead_h < stock.step_h:
        yield (
            f"stock.lead_h = {stock.lead_h:g}: must be at least stock.step_h = {stock.step_h:g}, the time between two counts"
        )
