"""The mechanisms by name: a line here, after the others, and a file in this folder with its ``charge``.

Their numbers follow from the order of the lines, and stand in logs and in OpenRTB messages: a line between others changes both.
"""

from __future__ import annotations

FILES = {
    "second_price": "second_price",
    "first_price": "first_price",
    "soft_floor": "soft_floor",
    "gsp": "second_price",  # what second price is where there are several slots
    "vcg": "vcg",
}
"""Auction type -> the file that charges for it."""

MECHANISMS = {name: number for number, name in enumerate(FILES)}
"""Auction type -> its number in columns and kernels."""
