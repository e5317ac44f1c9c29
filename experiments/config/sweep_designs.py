"""The points of a sweep: every combination of listed values, and Latin hypercube samples of ranges."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import BadInput
from .overrides import LAWS, REPLACED, Vocabulary
from .settings import SweepSettings

if TYPE_CHECKING:
    from hydra.core.override_parser.types import IntervalSweep, Override

DIGITS = 6
"""Significant digits of a sampled value: commands stay readable, and no two samples of a design fall together."""
COMPOSED = ("auction.type", "supply.path", *REPLACED)
"""Keys that change more than their own place."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One override as it is at one point.

    Attributes:
        text: ``key=value``.
        key: the dotted key or the group.
        value: what it is set to, where it ``is_plain``.
        is_plain: the value can be put into a composed configuration; anything else Hydra has to compose.
        is_swept: it differs from point to point.
    """

    text: str
    key: str
    value: Any = None
    is_plain: bool = False
    is_swept: bool = False


def points(
    overrides: Sequence[Override], vocabulary: Vocabulary, sweep: SweepSettings
) -> Iterator[tuple[Choice, ...]]:
    """Every combination of the listed values, each with every sample of the ranges.

    Raises:
        BadInput: ranges without a number of samples, or samples without a range; a range that is none.
    """
    ranges = [override for override in overrides if is_range(override)]
    _check(ranges, sweep)
    listed = [[None] if is_range(o) else _choices(o, overrides, vocabulary) for o in overrides]
    samples = list(_samples(ranges, overrides, vocabulary, sweep)) if ranges else [()]
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


def _choices(override: Override, others: Sequence[Override], vocabulary: Vocabulary) -> list[Choice | None]:
    if not override.is_sweep_override():
        return [Choice(str(override.input_line), override.key_or_group)]
    key = str(override.get_key_element())
    texts = [f"{key}={text}" for text in override.sweep_string_iterator()]
    alone = _stands_alone(override, others, vocabulary)
    return [
        Choice(text, key.lstrip("+"), _plain(value), alone and _is_plain(value), is_swept=True)
        for text, value in zip(texts, override.sweep_iterator(), strict=True)
    ]


def _samples(
    ranges: Sequence[Override], others: Sequence[Override], vocabulary: Vocabulary, sweep: SweepSettings
) -> Iterator[tuple[Choice, ...]]:
    """A Latin hypercube (McKay, Beckman and Conover, 1979): each range in as many equal parts as there are samples."""
    import numpy as np
    from scipy.stats import qmc

    cube = qmc.LatinHypercube(len(ranges), seed=np.random.default_rng(sweep.seed))
    alone = [_stands_alone(override, others, vocabulary) for override in ranges]
    for row in cube.random(sweep.samples).tolist():
        values = [_at(override, share) for override, share in zip(ranges, row, strict=True)]
        yield tuple(
            Choice(f"{o.key_or_group}={value}", o.key_or_group, value, is_alone, is_swept=True)
            for o, value, is_alone in zip(ranges, values, alone, strict=True)
        )


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


def _stands_alone(override: Override, others: Sequence[Override], vocabulary: Vocabulary) -> bool:
    """Whether its value goes to one place of the configuration, which no other override touches."""
    key = override.key_or_group
    if key in vocabulary.groups or key.rpartition(".")[2] in LAWS or key.startswith(COMPOSED):
        return False
    return not any(o is not override and _overlap(key, o.key_or_group) for o in others)


def _overlap(one: str, other: str) -> bool:
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _plain(value: Any) -> Any:
    from hydra.core.override_parser.types import QuotedString

    return value.text if isinstance(value, QuotedString) else value


def _is_plain(value: Any) -> bool:
    found = _plain(value)
    if isinstance(found, str):
        return "$" not in found and "?" not in found and "\\" not in found
    return found is None or isinstance(found, (bool, int, float))
