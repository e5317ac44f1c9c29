"""The settings of the study ``value``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from jointbid.sim.scenario import Model
from jointbid.sim.scenario.base import Count, Positive

from .replay_settings import Replay
from .study_settings import (
    Arm,
    Curve,
    EitherOrBoth,
    Learner,
    Overtaking,
    Range,
    Replications,
    Tune,
    Who,
)

Value = bool | int | float | str | tuple[float, ...]
"""What a key may be swept over."""


class Swept(Model):
    """One curve: what joining is worth over the ``values`` of one key, ``over``, everything else as it is.

    ``set`` gives further keys for the whole curve, and each of ``lines`` (name -> keys) draws one of its own. Keys are
    those of the command line, ``study.train_requests`` among them. ``name`` is that of its plot; else it is the key's last part.
    """

    over: Annotated[str, Field(min_length=1)]
    values: Annotated[tuple[Value, ...], Field(min_length=1)]
    set: dict[str, Any] = Field(default_factory=dict)
    lines: dict[str, dict[str, Any]] = Field(default_factory=dict)
    name: str = ""

    @property
    def title(self) -> str:
        """The name of its plot."""
        return self.name or self.over.rpartition(".")[2]


class SmallWorlds(Model):
    """The size of the range over plausible settings: this number of ``worlds``, each with few requests and replications."""

    worlds: Annotated[int, Field(ge=11)] = 20
    requests: Count = 10_000
    replications: Annotated[Replications, Field(ge=2)] = 2


class ValueStudy(Model):
    """The study ``value``: the ladder of arms, replicated, its curves and the map.

    ``tune`` retunes a parameter of the strategy in each arm, of ``rivals`` too where these are ``adapted``.
    ``valuation=both`` plays every arm with exact and with learned values, and states what learning costs. ``lattice`` plays every information set, not only no source, each alone and all. ``curves`` say over what the value of
    joint data is followed; null: the match rate of the first source.
    ``range`` is the size of the range of that value over markets drawn from the ``ranges``; null: none is stated. ``worlds``
    is the number of markets drawn instead where more is asked of them, each worked on like a point of a curve. ``overtaking`` also plays two plans
    for the same money, and states the month from which one stays ahead of the other. ``upgrade`` names keys, with values, that make the joint
    data better, and states what that is worth.

    ``half_width`` (optional, in the table's unit of money) asks for the value of joint data to within that much: a
    pilot of 10 further replications then fixes how many are needed, at most ``max_replications``. ``replay`` is for logs.
    """

    replications: Replications = 30
    half_width: Positive | None = None
    max_replications: Annotated[Replications, Field(ge=10)] = 1_000
    who: Who = "unilateral"
    others: Arm = "none"
    rivals: Literal["frozen", "adapted"] = "frozen"
    tune: Tune | None = None
    silo: Arm = "best_single"
    valuation: EitherOrBoth = "bayes"
    train_requests: Annotated[int, Field(ge=2, le=10**9)] = 100_000
    learner: Learner = "logistic"
    lattice: bool = True
    curves: tuple[Swept, ...] | None = None
    curve: Curve = Curve()
    worlds: Annotated[int, Field(ge=0)] = 0
    ranges: tuple[Range, ...] = ()
    range: SmallWorlds | None = None
    overtaking: Overtaking | None = None
    upgrade: dict[str, Any] | None = None
    replay: Replay = Replay()
