"""The points of a sweep: every combination of listed values, and Latin hypercube samples of ranges."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from .settings import SweepSettings

if TYPE_CHECKING:
    from hydra.core.override_parser.types import IntervalSweep, Override

DIGITS = 6
"""Significant digits of a sampled value: commands stay readable, and no two samples of a design fall together."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One override at one point: its text ``key=value``, the dotted key or group, and the value."""

    text: str
    key: str
    value: Any = None
    is_swept: bool = False
    is_deletion: bool = False


def points(overrides: Sequence[Override], sweep: SweepSettings) -> Iterator[tuple[Choice, ...]]:
    """Every combination of the listed values, each with every sample of the ranges.

    Raises:
        BadInput: ranges without a number of samples, samples without a range, or a range whose ends are wrong.
    """
    ranges = [override for override in overrides if is_range(override)]
    _check(ranges, sweep)
    listed = [[None] if is_range(o) else _choices(o) for o in overrides]
    samples = list(_samples(ranges, sweep)) if ranges else [()]
    for combination in itertools.product(*listed):
        for sample in samples:
            drawn = iter(sample)
            yield tuple(next(drawn) if choice is None else choice for choice in combination)


def is_range(override: Override) -> bool:
    """Whether it is ``key=interval(low,high)``."""
    return override.is_sweep_override() and not override.is_discrete_sweep()


def _check(ranges: Sequence[Override], sweep: SweepSettings) -> None:
    if ranges and sweep.samples is None:
        raise BadInput(
            f"{ranges[0].input_line}: a range is sampled, so sweep.samples=N must say how often; "
            "or list values, as in key=1,2,3"
        )
    if sweep.samples is not None and not ranges:
        raise BadInput(f"sweep.samples = {sweep.samples}: no range to draw from, as in key=interval(0,1)")
    for override in ranges:
        start, end, is_log = _bounds(override)
        if not start < end or not math.isfinite(start) or not math.isfinite(end):
            raise BadInput(f"{override.input_line}: a range goes from its lower to its upper end")
        if is_log and start <= 0:
            raise BadInput(f"{override.input_line}: a logarithmic range begins above 0")


def _choices(override: Override) -> list[Choice | None]:
    key = override.key_or_group
    if not override.is_sweep_override():
        is_deletion = override.is_delete()
        return [Choice(str(override.input_line), key, override.value(), is_deletion=is_deletion)]
    texts = override.sweep_string_iterator()
    values = map(override._convert_value, override.sweep_iterator())  # noqa: SLF001 - quoted texts, as value() has them
    written = str(override.get_key_element())
    return [
        Choice(f"{written}={text}", key, value, is_swept=True)
        for text, value in zip(texts, values, strict=True)
    ]


def _samples(ranges: Sequence[Override], sweep: SweepSettings) -> Iterator[tuple[Choice, ...]]:
    """A Latin hypercube (McKay, Beckman and Conover, 1979): each range in as many equal parts as there are samples."""
    import numpy as np
    from scipy.stats import qmc

    cube = qmc.LatinHypercube(len(ranges), seed=np.random.default_rng(sweep.seed))
    for row in cube.random(sweep.samples).tolist():
        values = {o.key_or_group: _at(o, share) for o, share in zip(ranges, row, strict=True)}
        yield tuple(Choice(f"{key}={value}", key, value, is_swept=True) for key, value in values.items())


def _at(override: Override, share: float) -> float:
    """The value that lies this far into a range; a whole number where both ends are."""
    start, end, is_log = _bounds(override)
    whole = isinstance(start, int)
    if whole:
        end += 1  # the last number has a part of its own
    value = start * (end / start) ** share if is_log else start + (end - start) * share
    return min(math.floor(value), end - 1) if whole else float(f"{value:.{DIGITS}g}")


def _bounds(override: Override) -> tuple[float, float, bool]:
    interval: IntervalSweep = override.value()  # type: ignore[assignment]
    start, end = interval.start, interval.end
    assert start is not None and end is not None  # noqa: S101, PT018 - the grammar asks for both
    return start, end, "log" in interval.tags
