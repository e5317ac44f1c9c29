"""Stock: how many units of each product there are to sell, and when the next delivery comes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import Count, Hours, Model, Positive

MAX_UNITS = 1000
Units = Annotated[Count, Field(le=MAX_UNITS)]
Sales = Annotated[float, Field(ge=0, le=1e6)]


class Stock(Model):
    """The shelves that sales empty. A product is a context type, and each advertiser has a shelf of its own for each.

    For a person who is going to convert a unit is put aside at the click, or at the view, however late the conversion is known; while a
    shelf is empty ads are clicked and none converts.

    """

    units: Units | tuple[Units, ...] = 10
    """The units of a shelf at the start and in each delivery: one number, or one per context type."""
    lead_h: Positive = 48.0
    """How long a delivery takes on average."""
    step_h: Annotated[Hours, Field(gt=1e-3)] = 1.0
    """How often sales are counted; from the count at which a shelf is found empty a delivery comes with probability `step_h` /
    `lead_h` at each of the next ones."""
    believed_sales_per_h: Sales | tuple[Sales, ...] | None = None
    """The units that an advertiser sells of a product in an hour while there are any, as bidders reckon it who see no shelf, or
    an old copy of it: one number, or one per context type; null: those of one who knows all and bids truthfully at the
    landscape's prices."""

    @property
    def most(self) -> int:
        """The most units that a source can show."""
        return max(self.units) if isinstance(self.units, tuple) else self.units
