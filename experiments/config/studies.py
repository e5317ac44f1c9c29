"""The registry of studies: verb, question, settings, class and default scenario of each.

Nothing heavy is imported here: settings and class are named by their place, and imported when one of them is used. A new study
is one class, its settings, and one entry in ``STUDIES``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jointbid.sim.scenario import Model


SUITES = ("v1",)
"""Folders of ``conf/scenario``, each the markets of one version of the benchmark."""


@dataclass(frozen=True)
class StudyEntry:
    """A study as it is known before it is imported.

    Attributes:
        summary: what the verb gives, for the list of all verbs.
        settings: the model of ``study.*``, as "module:class" of this package.
        study: the study, as "module:class" of ``jointbid.experiments.studies``; empty where the verb runs no cells of a study.
        question: what the study answers, for the verb's own help.
        scenario: the scenario that it starts from; None: that of ``config.yaml``.
        heading: the title of its page, after the verb's name.
        answers: its plots that answer the question; the first that is there leads its page.
        names: the key that words without ``=`` are listed under, ``jointbid benchmark mine.py:Mine``; empty: the verb takes no such words.
    """

    summary: str
    settings: str
    study: str = ""
    question: str = ""
    heading: str = ""
    answers: tuple[str, ...] = ()
    scenario: str | None = None
    names: str = ""

    @property
    def model(self) -> type[Model]:
        """The model of ``study.*``."""
        module, _, name = self.settings.partition(":")
        found: type[Model] = getattr(import_module(f"{__package__}.{module}"), name)
        return found


STUDIES: Mapping[str, StudyEntry] = {
    "value": StudyEntry(
        summary="the main job: what joining the data is worth, in a table, plots and one sentence",
        heading="what joint data is worth",
        answers=("levels", "own_data", "overtaking", "log_ladder"),
        question="what is it worth to join the two departments' data on each bid request?",
        settings="value_settings:ValueSettings",
        study="value.study:Value",
    ),
    "run": StudyEntry(
        summary="one simulation: per-bidder and time-series tables, pacing plot, what the calendar did",
        heading="one simulation",
        settings="run_settings:RunSettings",
    ),
    "tournament": StudyEntry(
        summary="strategies against each other: ranking with paired intervals, payoffs, regret",
        heading="strategies against each other",
        answers=("ranks",),
        question="which strategy earns most against the others, with the same data, budgets and requests?",
        settings="study_settings:TournamentSettings",
        study="tournament.study:Tournament",
        scenario="tournament",
    ),
    "benchmark": StudyEntry(
        summary="strategies on a fixed suite of markets and seeds: scores from no information (0) to hindsight (100)",
        heading="strategies on a fixed suite of markets",
        answers=("scores",),
        question="how much of what hindsight would earn do strategies earn, in markets and on seeds that none was tuned on?",
        settings="study_settings:BenchmarkSettings",
        study="benchmark.study:Benchmark",
        scenario="v1/suite",
        names="study.strategies",
    ),
    "adoption": StudyEntry(
        summary="adoption curve, best responses, and how many adopt in equilibrium at a cost",
        heading="who adopts joint data",
        answers=("adoption",),
        question="how many bidders will hold the data, and who gains and loses on the way?",
        settings="study_settings:AdoptionSettings",
        study="adoption:Adoption",
    ),
    "sensitivity": StudyEntry(
        summary="which factors move the value of joint data: Morris, then Sobol, over stated ranges",
        heading="what the value of joint data depends on",
        answers=("tornado",),
        question="which of the uncertain inputs move the value of joint data?",
        settings="study_settings:SensitivitySettings",
        study="sensitivity:Sensitivity",
    ),
    "attribution": StudyEntry(
        summary="rules of attribution against what channels did, and what budgets set by them cost",
        heading="what channels are credited with, and what they did",
        answers=("credit",),
        question="what did each channel do, what is it credited with, and what does the mistake cost?",
        settings="study_settings:AttributionSettings",
        study="attribution.study:Attribution",
        scenario="touchpoints",
    ),
}
"""Verb -> its study."""
