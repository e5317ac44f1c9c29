"""A check of what a strategy changes for all others of its process."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from .case import Case, check
from .failure import expect
from .life import live

REMEDIES = {
    "numpy's error handling": "np.seterr() holds for all: with np.errstate(divide='ignore'): around the line",
    "the shared generator of numpy": "np.random.seed() and np.random.rand() are shared: chance comes from requests['uniform']",
    "the shared generator of Python": "random.seed() and random.random() are shared: chance comes from requests['uniform']",
    "the environment": "os.environ is shared: use an attribute",
    "the working directory": "os.chdir() holds for all: Path(__file__).parent finds files beside the strategy",
}


@check
def side_effects(case: Case) -> None:
    """It leaves the process as it is: numpy's error handling, shared generators, the environment, the working directory."""
    handlings: tuple[Literal["ignore", "warn"], ...] = ("warn", "ignore")
    live(case, case.fresh())  # a library that is imported meanwhile may change something once
    for number, handling in enumerate(handlings):
        with _as_it_was():
            np.seterr(all=handling)
            np.random.seed(number)  # noqa: NPY002 - what strategies may wrongly use
            random.seed(number)
            before = _shared()
            live(case, case.fresh())
            after = _shared()
        changed = [name for name in before if before[name] != after[name]]
        expect(
            not changed,
            f"after a life {', '.join(REMEDIES)} are as they were",
            f"{' and '.join(changed)} changed",
            "; ".join(REMEDIES[name] for name in changed),
        )


def _shared() -> dict[str, Any]:
    """Return what all strategies of a process share, by name."""
    numbers = np.random.get_state(legacy=False)  # noqa: NPY002
    place, values = numbers["state"]["pos"], numbers["state"]["key"].tobytes()
    found = (np.geterr(), (place, values), random.getstate(), dict(os.environ), Path.cwd())
    return dict(zip(REMEDIES, found, strict=True))


@contextmanager
def _as_it_was() -> Iterator[None]:
    """Put what is shared back afterwards."""
    before, numbers = _shared(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        np.seterr(**before["numpy's error handling"])
        np.random.set_state(numbers)  # noqa: NPY002
        random.setstate(before["the shared generator of Python"])
        for name in set(os.environ) - set(before["the environment"]):
            del os.environ[name]
        os.environ.update(before["the environment"])
        os.chdir(before["the working directory"])
