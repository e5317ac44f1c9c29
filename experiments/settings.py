"""Everything that a command is a function of, validated: the scenario, the study, and where and how it runs."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from experiments.replay.settings import Replay
from sim.scenario import Model, Scenario, StrategySpec
from sim.scenario.base import Count, Positive, Rate

Arm = Literal["none", "profile", "context", "stacked", "joint", "split_budget", "summed"]
Silo = Literal["best_single", "none", "profile", "context", "stacked", "split_budget", "summed"]
Who = Literal["unilateral", "universal"] | Annotated[int, Field(ge=1)]
Valuation = Literal["bayes", "learned"]
Learner = Literal["logistic", "table", "cell_means", "ftrl", "thompson"]
Correlation = Annotated[float, Field(ge=-1, le=1)]


class Curve(Model):
    """The grids behind two plots: value against match rate, and the map of redundancy and interaction.

    Each point is the same world with ``requests`` bid requests and ``replications`` replications.
    """

    requests: Count = 20_000
    replications: Annotated[int, Field(ge=2)] = 5
    match_rate: tuple[Rate, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    redundancy: tuple[Correlation, ...] = (-0.8, -0.4, 0.0, 0.4, 0.8)
    interaction: tuple[Annotated[float, Field(allow_inf_nan=False)], ...] = (-0.2, -0.1, 0.0, 0.1, 0.2)


class ValueStudy(Model):
    """The study ``value``: the ladder of arms, replicated, and its two curves.

    ``half_width`` (optional, in the table's unit of money) asks for the value of joint data to within that much: a
    pilot of 10 further replications then fixes how many are needed, at most ``max_replications``. ``replay`` is for logs.
    """

    replications: Count = 30
    half_width: Positive | None = None
    max_replications: Annotated[int, Field(ge=10)] = 1_000
    who: Who = "unilateral"
    silo: Silo = "best_single"
    valuation: Valuation = "bayes"
    train_requests: Annotated[int, Field(ge=2, le=10**9)] = 100_000
    learner: Learner = "logistic"
    curve: Curve = Curve()
    replay: Replay = Replay()


class RunStudy(Model):
    """One simulation: which arm's data the focal bidder holds, in which replication.

    ``strategies``, where there are some, play a match instead, a seat each, all with the arm's data.
    ``log`` also writes every auction, a row a request and slot (docs/auction-log.md).
    """

    arm: Arm = "joint"
    replication: Annotated[int, Field(ge=0)] = 0
    strategies: tuple[Playing, ...] = ()
    who: Who = "unilateral"
    valuation: Valuation = "bayes"
    train_requests: Annotated[int, Field(ge=2, le=10**9)] = 100_000
    learner: Learner = "logistic"
    log: bool = False


def _by_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


Playing = Annotated[StrategySpec, BeforeValidator(_by_name)]
"""A strategy by its name, or by a mapping with its parameters beside the name."""


class TournamentStudy(Model):
    """The study ``tournament``: ``strategies`` in one market together and, with ``pairings``, each two of them.

    All seats hold the data of ``arm`` and have ``bidders.budget``.
    """

    strategies: Annotated[tuple[Playing, ...], Field(min_length=2)]
    pairings: bool = True
    replications: Count = 20
    arm: Arm = "joint"
    valuation: Valuation = "bayes"
    train_requests: Annotated[int, Field(ge=2, le=10**9)] = 100_000
    learner: Learner = "logistic"


class ExecutorSettings(Model):
    """Where cells run: in this process, or in ``jobs`` processes (null: one a core)."""

    name: Literal["serial", "process"] = "process"
    jobs: Count | None = None


class Plot(Model):
    """Whether plots are drawn."""

    enabled: bool = True


Study = TypeVar("Study", bound=Model)


class Settings(Model, Generic[Study]):
    """One resolved configuration. The study's own settings come with its verb, see ``STUDIES``."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    results_dir: Annotated[str, Field(min_length=1)] = "results"
    executor: ExecutorSettings = ExecutorSettings()
    study: Study
    plot: Plot = Plot()
    scenario: Scenario

    @model_validator(mode="after")
    def _who_exists(self) -> Self:
        count = self.scenario.bidders.count
        who = getattr(self.study, "who", None)
        if isinstance(who, int) and who > count:
            raise ValueError(f"study.who = {who}: must be at most bidders.count = {count}")
        return self

    def tree(self) -> dict[str, Any]:
        """As plain data, in the shape of the YAML files: the scenario's parts stand at the top level."""
        data = self.model_dump(mode="python")
        market = data.pop("scenario")
        about = {key: market.pop(key) for key in ABOUT}
        order = ("seed", "results_dir", "executor", "study", "plot")
        return _plain({**{key: data[key] for key in order}, "scenario": about, **market})


ABOUT = ("name", "question", "currency")
"""What stands under ``scenario`` in YAML; the other parts of a scenario stand beside it."""

STUDIES: dict[str, type[Model]] = {"value": ValueStudy, "run": RunStudy, "tournament": TournamentStudy}
"""Verb -> the settings of its study."""


def _plain(value: Any) -> Any:
    """Tuples as lists and numpy-free scalars: what YAML and JSON can hold."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
