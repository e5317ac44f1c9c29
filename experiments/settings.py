"""Everything that a command is a function of, validated: the scenario, the study, and where and how it runs."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import Field, field_validator, model_validator

from experiments.errors import closest
from experiments.lattice import MOST_SOURCES
from experiments.plans import plan_problems
from experiments.replay.settings import Replay
from experiments.studies.options import (
    AdoptionStudy,
    Arm,
    AttributionStudy,
    Curve,
    EitherOrBoth,
    Learner,
    Money,
    Overtaking,
    Playing,
    Range,
    SensitivityStudy,
    TournamentStudy,
    Tune,
    Valuation,
    Who,
)
from sim.collaboration import Collaboration, carried_out
from sim.first_party import FirstParty
from sim.scenario import Model, Scenario
from sim.scenario.base import Count, Positive

LOG_ARMS = ("none", "profile", "context", "stacked", "joint", "split_budget", "summed")
"""Of a study that replays a log, whose houses are two."""
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


class ValueStudy(Model):
    """The study ``value``: the ladder of arms, replicated, its curves and the map.

    ``tune`` retunes a parameter of the strategy in each arm, of ``rivals`` too where these are ``adapted``.
    ``valuation=both`` plays every arm with exact and with learned values, and tells what learning costs. ``lattice`` asks for every information set, not only no source, each alone and all. ``curves`` say over what the value of
    joint data is followed; null: the match rate of the first source.
    ``worlds`` draws so many markets from the ``ranges``, each worked on like a point of a curve. ``overtaking`` also plays two plans
    for the same money, and tells the month from which one stays ahead of the other.

    ``half_width`` (optional, in the table's unit of money) asks for the value of joint data to within that much: a
    pilot of 10 further replications then fixes how many are needed, at most ``max_replications``. ``replay`` is for logs.
    """

    replications: Count = 30
    half_width: Positive | None = None
    max_replications: Annotated[int, Field(ge=10)] = 1_000
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
    overtaking: Overtaking | None = None
    replay: Replay = Replay()


class RunStudy(Model):
    """One simulation: which arm's data the focal bidder holds, in which replication.

    ``strategies``, where there are some, play a match instead, a seat each, all with the arm's data.
    ``log`` also writes every auction, a row a request and slot (docs/auction-log.md). ``bids`` says what is bid on a log of
    this engine: what was bid then, or what the strategy bids; ``replay`` is for logs.
    """

    arm: Arm = "joint"
    replication: Annotated[int, Field(ge=0)] = 0
    strategies: tuple[Playing, ...] = ()
    who: Who = "unilateral"
    others: Arm = "none"
    valuation: Valuation = "bayes"
    train_requests: Annotated[int, Field(ge=2, le=10**9)] = 100_000
    learner: Learner = "logistic"
    log: bool = False
    bids: Literal["logged", "strategy"] = "logged"
    replay: Replay = Replay()


class ExecutorSettings(Model):
    """Where cells run: in this process, in ``jobs`` processes (null: one a core), or as ``jobs`` tasks at once on Ray.

    ``fail_fast`` stops at the first cell that fails. ``address`` is the Ray cluster's: ``auto``, ``host:port`` or
    ``ray://host:port``; null starts one on this machine. ``ship_code`` sends this installation's packages to its nodes.
    """

    name: Literal["serial", "process", "ray"] = "process"
    jobs: Count | None = None
    fail_fast: bool = False
    address: str | None = None
    ship_code: bool = True


class SweepSettings(Model):
    """How often ranges (``key=interval(low,high)``) are sampled in a sweep, and the seed of the design."""

    samples: Annotated[int, Field(ge=2)] | None = None
    seed: Annotated[int, Field(ge=0)] = 1


class Plot(Model):
    """Whether plots are drawn, as which files, and in which style.

    ``style`` is a path to an mplstyle file, or a style's name in matplotlib; it is laid over the package's own.
    """

    enabled: bool = True
    format: Annotated[tuple[Literal["svg", "png", "pdf"], ...], Field(min_length=1)] = ("svg", "png")
    style: str | None = None

    @field_validator("format", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """``svg`` and ``"svg,pdf"`` are lists too."""
        return [word.strip() for word in value.split(",")] if isinstance(value, str) else value

    @field_validator("style")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        if value is not None:
            from experiments.plots.style import style_problem

            if problem := style_problem(value):
                raise ValueError(f"{value}: {problem}")
        return value


Study = TypeVar("Study", bound=Model)


class Settings(Model, Generic[Study]):
    """One resolved configuration. The study's own settings come with its verb, see ``STUDIES``.

    ``scenario`` is as it was given; ``market`` is what is simulated, after what the firm does about its data.
    """

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    results_dir: Annotated[str, Field(min_length=1)] = "results"
    executor: ExecutorSettings = ExecutorSettings()
    sweep: SweepSettings = SweepSettings()
    study: Study
    money: Money = Money()
    collaboration: Collaboration | None = None
    first_party: FirstParty | None = None
    plot: Plot = Plot()
    scenario: Scenario

    @model_validator(mode="after")
    def _arms_exist(self) -> Self:
        from experiments.arms import arms_of

        sources = tuple(self.scenario.source)
        if len(sources) > MOST_SOURCES:
            raise ValueError(f"source: {len(sources)} sources; a study takes at most {MOST_SOURCES}")
        known = LOG_ARMS if self.scenario.supply.kind == "log" else arms_of(self.scenario)
        silos = ("best_single", *(arm for arm in known if arm != "joint"))
        for key, allowed in (("arm", known), ("others", known), ("silo", silos)):
            given = getattr(self.study, key, None)
            if given is not None and given not in allowed:
                choice = ", ".join(allowed)
                raise ValueError(f"study.{key} = {given}: must be one of {choice}{closest(given, allowed)}")
        return self

    @model_validator(mode="after")
    def _journeys_are_not_learned(self) -> Self:
        if self.scenario.journey is not None and self._learns:
            raise ValueError(
                f"study.valuation = {self._valuation}: must be bayes where there is a journey; purchases follow months after an "
                "impression, and a log of randomised impressions knows only what follows at once"
            )
        return self

    @model_validator(mode="after")
    def _beliefs_are_worked_out(self) -> Self:
        if self._learns and self.scenario.bidders.beliefs == "winning":
            raise ValueError(
                f"study.valuation = {self._valuation}: with bidders.beliefs=winning must be bayes"
            )
        return self

    @model_validator(mode="after")
    def _unmatched_can_be_learned(self) -> Self:
        learner = getattr(self.study, "learner", "")
        if self._learns and learner in {"ftrl", "thompson"}:
            for name in self.scenario.originals(self.scenario.source):
                if self.scenario.source[name].unmatched == "prior":
                    raise ValueError(
                        f"source.{name}.unmatched = prior: with study.learner={learner} must be signal"
                    )
        return self

    @model_validator(mode="after")
    def _plans_to_compare_exist(self) -> Self:
        plans, kinds = getattr(self.study, "overtaking", None), self.scenario.bidders.kinds
        if plans is None:
            return self
        problems = [
            f"study.overtaking.{key} = {name}: must be one of bidders.kinds; there is: {', '.join(kinds) or 'none'}{closest(name, kinds)}"
            for key, name in plans
            if name not in kinds
        ]
        if plans.slow == plans.fast:
            problems.append(f"study.overtaking: {plans.slow} cannot overtake itself; name two kinds")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @model_validator(mode="after")
    def _who_exists(self) -> Self:
        count = self.scenario.bidders.count
        who = getattr(self.study, "who", None)
        if isinstance(who, int) and who > count:
            raise ValueError(f"study.who = {who}: must be at most bidders.count = {count}")
        return self

    @model_validator(mode="after")
    def _plans_fit(self) -> Self:
        of_value = self.study if isinstance(self.study, ValueStudy) else None
        problems = plan_problems(
            self.scenario,
            self.collaboration,
            self.first_party,
            self.money,
            silo=of_value.silo if of_value else None,
            tunes=of_value is not None and of_value.tune is not None,
        )
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def market(self) -> Scenario:
        """The scenario as it is at the firm's level of collaboration."""
        plan = self.collaboration
        return self.scenario if plan is None else carried_out(self.scenario, plan)

    @property
    def _valuation(self) -> str:
        return str(getattr(self.study, "valuation", "bayes"))

    @property
    def _learns(self) -> bool:
        return self._valuation in {"learned", "both"}

    def tree(self) -> dict[str, Any]:
        """As plain data, in the shape of the YAML files: the scenario's parts stand at the top level."""
        data = self.model_dump(mode="python")
        market = data.pop("scenario")
        about = {key: market.pop(key) for key in ABOUT}
        order = ["seed", "results_dir", "executor", "sweep", "study", "money", "plot"]
        order[-1:-1] = [key for key in ("collaboration", "first_party") if data[key] is not None]
        return _plain({**{key: data[key] for key in order}, "scenario": about, **market})


ABOUT = ("name", "question", "currency")
"""What stands under ``scenario`` in YAML; the other parts of a scenario stand beside it."""

STUDIES: dict[str, type[Model]] = {
    "value": ValueStudy,
    "run": RunStudy,
    "tournament": TournamentStudy,
    "adoption": AdoptionStudy,
    "sensitivity": SensitivityStudy,
    "attribution": AttributionStudy,
}
"""Verb -> the settings of its study."""


def _plain(value: Any) -> Any:
    """Tuples as lists and numpy-free scalars: what YAML and JSON can hold."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
