"""The types of matplotlib that annotations name. At run time they are `Any`: matplotlib itself is imported when something is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
else:
    Axes = Axis = AxesImage = Figure = Any

__all__ = ["Axes", "AxesImage", "Axis", "Figure"]
