"""Plots and pages are made from results that are written already: one that fails is reported, and costs nothing else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reported(what: str) -> Iterator[None]:
    """Report an error in the block in one line on stderr; a full disk or a folder that cannot be written stays an error."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a drawing library raises, the study's numbers are there
        text = " ".join(str(error).split())
        sys.stderr.write(
            f"{what}: cannot be made ({type(error).__name__}: {text}); all other results are written\n"
        )
