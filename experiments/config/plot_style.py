"""Whether a style that a user names for the plots can be used."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

from ..errors import closest


def style_problem(style: str) -> str:
    """What is wrong with a style; empty where it can be used."""
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


@contextlib.contextmanager
def _quiet(logger: str) -> Iterator[None]:
    """Disable a log whose message is given in our own words."""
    log = logging.getLogger(logger)
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before
