"""Several studies side by side: their estimands in one table, differences with intervals, and what sets them apart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from jointbid.sim.paths import expand

from ...errors import BadInput
from ...estimate.intervals import LEVEL, Estimate, paired_difference
from ...estimate.ladder import PROFIT, arms_by_replication, decomposition_weights
from ...storage.names import POINTS
from ..numbers import estimate_of
from ..sweep import headline_rows, value_of
from .settings_diff import differing, flat
from .study import StudyFolder, load_study, studies_in

HEADLINE = ("value_of_joint_data", "same_request_step", "joint_model_step", "net_value")
"""Estimands that stand in a column of their own."""
DRAWS = ("seed", "supply.", "audience.", "rivals.")
"""Keys that decide which people, requests and prices a replication has: pairs need them to be the same."""
AT_ONCE = 12
"""Beyond this number of studies each is a row and no longer a column."""
STUDY_KEYS = ("study.replications", "study.max_replications", "study.half_width", "study.point")

DIFFERENCE_COLUMNS = (
    "study", "against", "estimand", "unit", "estimate", "ci_low", "ci_high", "n_replications", "method",
)  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """Studies in the order in which they were named; the first is what the others are compared with."""

    studies: tuple[StudyFolder, ...]

    @cached_property
    def configs(self) -> list[dict[str, str]]:
        """Each study's configuration, flat."""
        return [flat(study.config) for study in self.studies]

    @cached_property
    def differing(self) -> dict[str, list[str]]:
        """Keys whose values are not the same in all."""
        found = differing(self.configs)
        return {key: values for key, values in found.items() if key != "scenario.question"}

    @cached_property
    def knobs(self) -> list[str]:
        """Keys that tell the studies apart, without those that only make them more precise."""
        return [key for key in self.differing if not key.startswith(STUDY_KEYS)]

    @cached_property
    def labels(self) -> list[str]:
        """What each study is called: by its few knobs where they tell all apart, else by its folder."""
        named = [
            ", ".join(f"{_short(key)}={_brief(self.differing[key][i])}" for key in self.knobs)
            for i in range(len(self.studies))
        ]
        if 0 < len(self.knobs) <= 3 and len(set(named)) == len(named):
            return named
        return [study.folder.name for study in self.studies]

    @cached_property
    def estimands(self) -> pd.DataFrame:
        """What `compare.csv` holds: the summary's rows of every study but those of other metrics, with its knobs."""
        parts = []
        for i, study in enumerate(self.studies):
            rows = study.summary[study.summary["metric"].isin([PROFIT, "focal_profit_pct", ""])]
            rows = rows[~rows["estimand"].astype(str).str.startswith("difference_to")]
            known = self._about(i)
            parts.append(rows.assign(**known, folder=str(study.folder))[[*known, *rows.columns, "folder"]])
        return pd.concat(parts, ignore_index=True)

    @cached_property
    def points(self) -> pd.DataFrame:
        """One row a study: its knobs, and each headline estimand with its interval."""
        return pd.DataFrame([self._point(i, study) for i, study in enumerate(self.studies)])

    @cached_property
    def known(self) -> list[dict[str, tuple[Estimate, str]]]:
        """Each study's headline estimands, with their units."""
        return [_known(study) for study in self.studies]

    @cached_property
    def differences(self) -> pd.DataFrame:
        """Each later study less the first, estimand by estimand; columns `DIFFERENCE_COLUMNS`."""
        base, rows = per_replication(self.studies[0]), []
        for i, study in enumerate(self.studies[1:], 1):
            why, values = self._unpaired(i), (per_replication(study), base)
            for estimand in HEADLINE:
                if estimand in self.known[i] and estimand in self.known[0]:
                    sides = (self.known[i][estimand], self.known[0][estimand])
                    unit, found, method = _difference(sides, values, estimand, why)
                    about = (self.labels[i], self.labels[0], estimand, unit)
                    rows.append((*about, found.estimate, found.ci_low, found.ci_high, found.n, method))
        return pd.DataFrame(rows, columns=list(DIFFERENCE_COLUMNS))

    def _about(self, i: int) -> dict[str, Any]:
        """A study's name and knobs."""
        return {"study": self.labels[i], **{key: value_of(self.differing[key][i]) for key in self.knobs}}

    def _point(self, i: int, study: StudyFolder) -> dict[str, Any]:
        row = self._about(i)
        for estimand, (found, unit) in self.known[i].items():
            ends = {f"{estimand}_low": found.ci_low, f"{estimand}_high": found.ci_high}
            row |= {estimand: found.estimate} | ends
            row.setdefault("n_replications", found.n)
            row.setdefault("unit", unit)
        return row | {"folder": str(study.folder)}

    def _unpaired(self, i: int) -> str:
        """Why replications of a study are no pairs of the first's; empty where they are."""
        one, other = self.configs[0], self.configs[i]
        for key in dict.fromkeys([*one, *other]):
            if key.startswith(DRAWS) and one.get(key) != other.get(key):
                return f"{key} differs"
        return ""


def studies_of(folders: Sequence[Path | str]) -> tuple[StudyFolder, ...]:
    """The studies that folders are, hold, or, being those of sweeps, list; each once.

    Raises:
        BadInput: a folder without any study, or fewer than two studies in all.
    """
    found: dict[Path, StudyFolder] = {}
    for folder in map(expand, folders):
        if not folder.is_dir():
            raise BadInput(f"{folder}: no such folder")
        inside = list(_swept(folder)) or studies_in(folder)
        inside = [study for study in inside if len(study.summary)]
        if not inside:
            raise BadInput(f"{folder}: no study's folder, and none with a summary lies in it")
        found |= {study.folder.resolve(): study for study in inside}
    if len(found) < 2:
        raise BadInput(f"{', '.join(map(str, folders))}: 1 study; a comparison needs two at least")
    return tuple(found.values())


def per_replication(study: StudyFolder) -> pd.DataFrame:
    """Headline estimands, a row a replication; no columns where the study keeps no cells by which to tell.

    In the unit of the study's summary.
    """
    cells = study.cells
    if "study_point" not in cells or study.is_log or not study.sides.chosen:
        return pd.DataFrame()
    try:
        wide = arms_by_replication(
            cells[cells["study_point"] == ""], study.sides, unit_scale=study.unit_scale
        )[PROFIT]
    except (KeyError, ValueError):
        return pd.DataFrame()
    weights = decomposition_weights(wide, study.sides)
    complete = wide[list(dict.fromkeys(arm for arms in weights.values() for arm in arms))].dropna()
    return pd.DataFrame(
        {name: sum(w * complete[arm] for arm, w in arms.items()) for name, arms in weights.items()}
    )


def welch(a: pd.Series, b: pd.Series) -> Estimate:
    """Mean of `a` less mean of `b`, not paired, with Welch's interval (1947); n is the smaller number of values."""
    from scipy.stats import ttest_ind

    found, n = float(a.mean() - b.mean()), min(len(a), len(b))
    if n < 2:
        return Estimate(found, math.nan, math.nan, n)
    if a.var() + b.var() == 0:
        return Estimate(found, found, found, n)
    low, high = ttest_ind(a, b, equal_var=False).confidence_interval(LEVEL)
    return Estimate(found, float(low), float(high), n)


def _known(study: StudyFolder) -> dict[str, tuple[Estimate, str]]:
    rows = headline_rows(study.summary)
    rows = rows[(rows["metric"] == PROFIT) | (rows["estimand"] == "net_value")]
    by_name = {str(row["estimand"]): row for row in reversed(rows.to_dict("records"))}
    return {
        name: (estimate_of(row), str(row["unit"]))
        for name in HEADLINE
        if (row := by_name.get(name)) is not None
    }


def _difference(
    sides: tuple[tuple[Estimate, str], tuple[Estimate, str]],
    values: tuple[pd.DataFrame, pd.DataFrame],
    estimand: str,
    why: str,
) -> tuple[str, Estimate, str]:
    """Unit, difference and method: pairs where replications match, Welch where not, else the two intervals."""
    (one, unit), (other, other_unit) = sides
    if unit != other_unit:
        nothing = Estimate(math.nan, math.nan, math.nan, 0)
        return f"{unit} / {other_unit}", nothing, "not comparable: the units differ"
    if all(estimand in table for table in values):
        a, b = (table[estimand] for table in values)
        common = a.index.intersection(b.index)
        if not why and len(common) > 1:
            return unit, paired_difference(a.loc[common], b.loc[common]), "paired by replication, Student-t"
        reason = why or "they share no two replications"
        return unit, welch(a, b), f"not paired ({reason}), Welch"
    difference = one.estimate - other.estimate
    reach = math.hypot(*((each.ci_high - each.ci_low) / 2 for each in (one, other)))
    found = Estimate(difference, difference - reach, difference + reach, min(one.n, other.n))
    return unit, found, "not paired, from both intervals"


def _swept(folder: Path) -> Iterator[StudyFolder]:
    """Studies that a sweep's table lists, where they lie now or lay when it was written."""
    table = folder / f"{POINTS}.csv"
    if not table.is_file():
        return
    for place in pd.read_csv(table, usecols=["folder"])["folder"]:
        written = Path(place)
        for path in (written, folder.parent.parent / written.parent.name / written.name):
            if path.is_dir():
                yield load_study(path)
                break


def _short(key: str) -> str:
    return key.removeprefix("source.").removeprefix("study.")


def _brief(text: str) -> str:
    value = value_of(text)
    return f"{value:.4g}" if isinstance(value, float) else text
