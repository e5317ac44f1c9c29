"""Everything that a command is a function of, validated: the scenario, the study, and where and how it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, NamedTuple, cast

from pydantic import Field
from typing_extensions import TypeVar

from jointbid.sim.scenario import Model, Scenario
from jointbid.sim.scenario.base import Count, UserPath

from .collaboration import Collaboration, carried_out
from .first_party import FirstParty
from .plot_settings import Plot
from .shape import to_yaml_shape
from .study_settings import JoiningCosts

EXECUTORS = {
    "serial": "serial:Serial",
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


class Unit(NamedTuple):
    """The unit that money is stated in: ``scale`` bid requests, and its ``name``, "CNY per million bid requests"."""

    scale: float
    name: str


class MoneyUnit(Model):
    """The unit of money in tables, plots and sentences."""

    per: Annotated[float, Field(gt=0, le=1e15, allow_inf_nan=False)] = 1e6
    """The bid requests that amounts are stated for."""


StudySettings_co = TypeVar("StudySettings_co", bound=Model, covariant=True, default=Model)
"""The settings of a verb's own study; where a function reads none of them, any study's."""
OwnSettings = TypeVar("OwnSettings", bound=Model)


MAX_SEED = 2**63 - 1


class Settings(Model, Generic[StudySettings_co]):
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
    study: StudySettings_co
    """The settings of the verb's own study."""
    money: JoiningCosts = JoiningCosts()
    """Costs and volume."""
    collaboration: Collaboration | None = None
    """How far two departments work together; null: as far as the sources say."""
    first_party: FirstParty | None = None
    """Data that the firm builds up itself; null: none."""
    report: MoneyUnit = MoneyUnit()
    """The unit of money."""
    plot: Plot = Plot()
    """How plots are drawn."""
    scenario: Scenario
    """The market as it was given; `played_scenario` is what is simulated."""

    @property
    def unit(self) -> Unit:
        """The unit that money is stated in, by `report.per`."""
        per, names = self.report.per, {1.0: "request", 1e6: "million bid requests"}
        return Unit(per, f"{self.scenario.currency} per {names.get(per, f'{per:,.12g} bid requests')}")

    @property
    def played_scenario(self) -> Scenario:
        """The scenario as it is at the firm's level of collaboration."""
        collaboration = self.collaboration
        return self.scenario if collaboration is None else carried_out(self.scenario, collaboration)

    def of(self, study: type[OwnSettings]) -> Settings[OwnSettings]:
        """Return these settings, typed as those of a verb whose own settings are a `study`.

        Raises:
            TypeError: they are of another verb.
        """
        if not isinstance(self.study, study):
            raise TypeError(f"{type(self.study).__name__} where {study.__name__} is expected")
        return cast("Settings[OwnSettings]", self)

    def tree(self) -> dict[str, Any]:
        """Return plain data in the shape of the YAML files: the scenario's parts stand at the top level."""
        data = self.model_dump(mode="python")
        order = ["seed", "results_dir", "executor", "sweep", "study", "money", "report", "plot", "scenario"]
        order[-2:-2] = [key for key in ("collaboration", "first_party") if data[key] is not None]
        return to_yaml_shape({key: data[key] for key in order})
