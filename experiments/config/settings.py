"""Everything that a command is a function of, validated: the scenario, the study, and where and how it runs."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field, field_validator

from jointbid.sim.paths import expand
from jointbid.sim.scenario import Model, Scenario, StrategySpec
from jointbid.sim.scenario.base import Count, UserPath

from ..errors import closest
from .collaboration import Collaboration, carried_out
from .first_party import FirstParty
from .study_settings import Arm, Learner, Money, Valuation, Who
from .value_settings import Replay


class RunStudy(Model):
    """One simulation: which arm's data the focal bidder holds, in which replication."""

    arm: Arm = "joint"
    """The data that the focal bidder holds: an information set such as `profile+context`, or an arm of the ladder."""
    replication: Annotated[int, Field(ge=0)] = 0
    """The number of the replication; the random numbers follow from it and `seed`."""
    strategies: tuple[StrategySpec, ...] = ()
    """Where there are some, they play a match, a seat each, all with the arm's data."""
    who: Who = "unilateral"
    """Who else gets the data: none of the rivals (`unilateral`), all (`universal`), or a number of bidders with the focal one."""
    others: Arm = "none"
    """The data of bidders that do not get them."""
    valuation: Valuation = "bayes"
    """Values by the true model (`bayes`), or learned from `train_requests` randomised impressions (`learned`)."""
    train_requests: Annotated[int, Field(ge=2, le=10**9)] = 100_000
    """The randomised impressions that values are learned from, where they are learned."""
    learner: Learner = "ridge"
    """How they are learned; `ftrl` and `thompson` go on learning while they bid."""
    log: bool = False
    """Whether to write every auction too, a row a request and slot (docs/auction-log.md)."""
    trajectories: bool = False
    """Whether to write each bidder's control steps too, in the columns of AuctionNet's training data (docs/train-a-bidder.md)."""
    bids: Literal["logged", "strategy"] = "logged"
    """The bids on a log of this engine: those in the log, or those of the strategy."""
    replay: Replay = Replay()
    """How a log is played."""
    weekly: bool = False
    """Whether to play the channels of `touchpoints` in place of the focal bidder, and write them by week (docs/weekly.md)."""
    weekly_start: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] = "2024-01-01"
    """The day on which the first week begins."""
    weekly_areas: Annotated[int, Field(ge=4, le=10_000)] = 20
    """The number of areas of a test that leaves out whole areas."""

    @field_validator("weekly_start")
    @classmethod
    def _is_a_day(cls, day: str) -> str:
        date.fromisoformat(day)  # says what is wrong with it
        return day


EXECUTORS = {
    "serial": "tasks:Serial",
    "process": "processes:Processes",
    "ray": "ray_cluster:Cluster",
}
"""Executor -> module and class in ``jointbid.experiments.execution``; the class is made with ``ExecutorSettings``."""

if TYPE_CHECKING:
    ExecutorName = str
else:
    ExecutorName = Literal[tuple(EXECUTORS)]


class ExecutorSettings(Model):
    """Where cells run: in this process, in processes of this machine, or on a Ray cluster."""

    name: ExecutorName = "process"
    """Where cells run: `serial`, in this process; `process`, in processes of this machine; `ray`, on a Ray cluster."""
    jobs: Count | None = None
    """The number of processes, or of tasks at once on Ray; null is one a core."""
    fail_fast: bool = False
    """Whether to stop at the first cell that fails."""
    address: str | None = None
    """The Ray cluster: `auto`, `host:port` or `ray://host:port`; null starts one on this machine."""
    ship_code: bool = True
    """Whether this installation's packages are sent to the cluster's nodes."""


class SweepSettings(Model):
    """The number of samples of ranges (``key=interval(low,high)``) in a sweep, and the seed of the design."""

    samples: Annotated[int, Field(ge=2)] | None = None
    """The number of samples of the ranges in a sweep with key=interval(low,high)."""
    seed: Annotated[int, Field(ge=0)] = 1
    """The seed of the design of samples."""


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


class Report(Model):
    """The unit of money in tables, plots and sentences."""

    per: Annotated[float, Field(gt=0, le=1e15, allow_inf_nan=False)] = 1e6
    """The bid requests that amounts are stated for."""


Study = TypeVar("Study", bound=Model)


MAX_SEED = 2**63 - 1


class Settings(Model, Generic[Study]):
    """One resolved configuration. The study's own settings come with its verb, see ``STUDIES`` in `studies`.

    Each part is validated by itself; ``jointbid.experiments.config.validation.validate`` finds contradictions between them.
    """

    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 1
    """The seed of all random numbers; the same seed and configuration give the same numbers."""
    results_dir: UserPath = "results"
    """The folder that results are written to, and looked for in."""
    executor: ExecutorSettings = ExecutorSettings()
    """Where cells run."""
    sweep: SweepSettings = SweepSettings()
    """How ranges of a sweep are sampled."""
    study: Study
    """The settings of the verb's own study."""
    money: Money = Money()
    """Costs and volume."""
    collaboration: Collaboration | None = None
    """How far two departments work together; null: as far as the sources say."""
    first_party: FirstParty | None = None
    """Data that the firm builds up itself; null: none."""
    report: Report = Report()
    """The unit of money."""
    plot: Plot = Plot()
    """How plots are drawn."""
    scenario: Scenario
    """The market as it was given; `market` is what is simulated."""

    @property
    def market(self) -> Scenario:
        """The scenario as it is at the firm's level of collaboration."""
        plan = self.collaboration
        return self.scenario if plan is None else carried_out(self.scenario, plan)

    def tree(self) -> dict[str, Any]:
        """Return plain data in the shape of the YAML files: the scenario's parts stand at the top level."""
        data = self.model_dump(mode="python")
        market = data.pop("scenario")
        about = {key: market.pop(key) for key in ABOUT}
        order = ["seed", "results_dir", "executor", "sweep", "study", "money", "report", "plot"]
        order[-1:-1] = [key for key in ("collaboration", "first_party") if data[key] is not None]
        return _plain({**{key: data[key] for key in order}, "scenario": about, **market})


ABOUT = ("name", "question", "currency")
"""Fields of a scenario under ``scenario`` in YAML; its other parts stand beside it."""


def _plain(value: Any) -> Any:
    """Tuples as lists and numpy-free scalars: what YAML and JSON can hold."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


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
