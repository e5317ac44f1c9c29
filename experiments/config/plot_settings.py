"""The settings of plots, and what is wrong with a style."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from jointbid.sim.paths import expand
from jointbid.sim.scenario import Model

from ..errors import closest


class Plot(Model):
    """Whether plots are drawn, as which files, and in which style."""

    enabled: bool = True
    """Whether plots are drawn, and the curves and maps that they show worked out; curves are also where ``money.requests_per_month`` is set."""
    format: Annotated[tuple[Literal["svg", "png", "pdf"], ...], Field(min_length=1)] = ("svg", "png")
    """The kinds of files of a plot."""
    style: str | None = None
    """An mplstyle file, or a style's name in matplotlib, laid over the package's own; null: none."""

    @field_validator("format", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """``svg`` and ``"svg,pdf"`` are lists too."""
        return [word.strip() for word in value.split(",")] if isinstance(value, str) else value

    @field_validator("style")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None:
            value = str(expand(value))
            if problem := _style_problem(value):
                raise ValueError(f"{value}: {problem}")
        return value


def _style_problem(style: str) -> str:
    """Return what is wrong with a style of plots; empty where it can be used."""
    import matplotlib as mpl
    import matplotlib.style

    if style in mpl.style.available:
        return ""
    if not Path(style).is_file():
        return f"no such file, and no style of matplotlib{closest(style, mpl.style.available)}"
    try:
        with mpl.rc_context(), warnings.catch_warnings(record=True) as caught, _quiet("matplotlib"):
            warnings.simplefilter("always")
            read = mpl.rc_params_from_file(style, use_default_template=False)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        return f"no style sheet ({error})"
    if caught:
        return str(caught[0].message)
    return "" if read else "no style sheet: it sets nothing"


@contextmanager
def _quiet(logger: str) -> Iterator[None]:
    """Disable a log whose message is replaced by ours."""
    log = logging.getLogger(logger)
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before
