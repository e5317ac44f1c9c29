"""A study's folder, read: what `jointbid.load` returns, and what the report and the comparison are made from."""

from __future__ import annotations

import functools
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from jointbid.sim.paths import expand

from ...errors import BadInput, closest
from ...estimate.intervals import Estimate
from ...estimate.ladder import PROFIT, SUMMARY_COLUMNS
from ...estimate.sides import BEST_SILO, BEST_SINGLE, Sides
from ...storage.names import CONFIG, FAILURES, MANIFEST, POINTS, STATUS, SUMMARY_CSV
from ...storage.study_folder import Folder
from ..numbers import estimate_of, interval, number

FRAMES = ("summary", "cells", "timeseries")
OWN_FILES = {SUMMARY_CSV, f"{POINTS}.csv", "gains.csv"}
"""CSV files that are read by name, and are no further table."""


class _Summarised(Protocol):
    @property
    def summary(self) -> pd.DataFrame: ...


class HasSummary:
    """Tables of a study, of whose summary single rows are asked for."""

    def estimate(
        self: _Summarised, estimand: str, metric: str | None = None, arm: str | None = None, **columns: Any
    ) -> Estimate | None:
        """Return one row of the summary as a number with its interval; None where no row has all of these values.

        Args:
            estimand: of the row.
            metric: ``focal_profit`` where the estimand has it, unless given.
            arm: the arm, or the comparison, such as ``joint - stacked``.
            columns: further columns that tell rows apart, such as ``budget_share=1`` and ``tags="all"`` of a log.

        Raises:
            BadInput: a column or value that the summary does not have, or several rows that fit.
        """
        wanted = {"estimand": estimand, "metric": metric, "arm": arm, **columns}
        summary = rows = self.summary
        for column, value in ((column, value) for column, value in wanted.items() if value is not None):
            if column not in summary:
                raise BadInput(
                    f"{column}: the summary has no such column{closest(column, map(str, summary))}"
                )
            known = summary[column].drop_duplicates().tolist()
            if value not in known:
                likely = closest(str(value), map(str, known)) or f"; allowed: {', '.join(map(str, known))}"
                raise BadInput(f"{column}: the summary has no {value!r}{likely}")
            rows = rows[rows[column] == value]
        if metric is None and PROFIT in set(rows["metric"]):
            rows = rows[rows["metric"] == PROFIT]
        if len(rows) > 1:
            raise BadInput(f"{estimand}: {len(rows)} rows fit; {_differences(rows)}")
        return None if rows.empty else estimate_of(rows.to_dict("records")[0])


@dataclass(frozen=True)
class StudyFolder(HasSummary):
    """What one command left in its folder, as pandas frames. Nothing is computed again, and nothing is written.

    Columns of the frames, their units, and the metrics are those of docs/results.md. A frame that the study has not written
    is empty.

    Attributes:
        folder: where it lies.
    """

    folder: Path

    @functools.cached_property
    def manifest(self) -> dict[str, Any]:
        """Versions, seed, command, time and speed; the verdict and what the study decided on its pilots."""
        return Folder(self.folder).read_json(MANIFEST)

    @functools.cached_property
    def config(self) -> dict[str, Any]:
        """The resolved configuration, nested as in YAML."""
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it was built
        try:
            found = yaml.load((self.folder / CONFIG).read_text("utf-8"), Loader=loader)  # noqa: S506 - a safe one
        except (OSError, yaml.YAMLError):
            return {}
        return found if isinstance(found, dict) else {}

    @functools.cached_property
    def summary(self) -> pd.DataFrame:
        """Estimates: ``estimand, arm, metric, unit, estimate, ci_low, ci_high, n_replications``.

        Of a log, ``tags`` and ``budget_share`` too.
        """
        table = self._frame("summary")
        return table if len(table.columns) else pd.DataFrame(columns=list(SUMMARY_COLUMNS))

    @functools.cached_property
    def cells(self) -> pd.DataFrame:
        """One row an arm, replication and bidder; money in currency per replication."""
        return self._frame("cells")

    @functools.cached_property
    def timeseries(self) -> pd.DataFrame:
        """One row an arm, replication, bidder and hour."""
        return self._frame("timeseries")

    @functools.cached_property
    def failures(self) -> list[dict[str, Any]]:
        """What failed: the cell, its error, and the command that repeats it."""
        try:
            lines = (self.folder / FAILURES).read_text("utf-8").splitlines()
            return [json.loads(line) for line in lines if line.strip()]
        except (OSError, ValueError):
            return []

    @functools.cached_property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Every further CSV table, by its file's name: those behind the plots, then the study's own."""
        plots, own = (self.folder / "plots").glob("*.csv"), self.folder.glob("*.csv")
        files = [*sorted(plots), *sorted(file for file in own if file.name not in OWN_FILES)]
        return {file.stem: pd.read_csv(file) for file in files}

    @property
    def verb(self) -> str:
        """The study's kind, which is the command's verb: ``value``, ``tournament``."""
        words = shlex.split(str(self.manifest.get("command", "")))
        return words[1] if len(words) > 1 and words[0] == "jointbid" else self.folder.parent.name

    @property
    def scenario(self) -> str:
        """The name of the scenario."""
        return str(self.config.get("scenario", {}).get("name", self.folder.name))

    @property
    def unit_scale(self) -> float:
        """The number of bid requests that money is stated for."""
        return float(self.config.get("report", {}).get("per", 1e6))

    @property
    def status(self) -> str:
        """``running``, ``done`` or ``failed``; empty where it is not known."""
        return str(Folder(self.folder).read_json(STATUS).get("status", ""))

    @functools.cached_property
    def sides(self) -> Sides:
        """What joint data are compared with, and whose data each arm holds."""
        return Sides(
            silo=str(self.manifest.get("silo") or self.config.get("study", {}).get("silo") or BEST_SILO),
            chosen={name: self.manifest[name] for name in (BEST_SINGLE, BEST_SILO) if name in self.manifest},
            owners=self.manifest.get("owners", {}),
            sources=tuple(self.config.get("source", {})),
        )

    @property
    def silo(self) -> str:
        """The arm that joint data are compared with; of ``best_silo`` and ``best_single`` the one that was chosen."""
        return self.sides.arm

    @property
    def is_log(self) -> bool:
        """Whether it replays a log: then intervals are of its rows, drawn again, and not of simulated markets."""
        return "budget_share" in self.summary

    @property
    def caveat(self) -> str:
        """What intervals are of."""
        return "which rows were logged, no refitting" if self.is_log else "simulation error only"

    @property
    def unit_of_chance(self) -> str:
        """What is drawn anew for an interval."""
        return "resamples" if self.is_log else "replications"

    @property
    def verdict(self) -> tuple[str, ...]:
        """The answer, in sentences that claim no more than their intervals."""
        return tuple(self.manifest.get("verdict", ()))

    @property
    def notes(self) -> tuple[str, ...]:
        """What else to know."""
        return tuple(self.manifest.get("notes", ()))

    def markdown(self) -> str:
        """The estimands as a Markdown table, three significant digits."""
        lines = [
            "| estimand | arm | metric | estimate | 95 % interval | unit | n |",
            "|---|---|---|---:|---:|---|---:|",
        ]
        for row in self.summary.to_dict("records"):
            found = estimate_of(row)
            between = interval(found).replace("no interval", "none")
            names = (row[name] for name in ("estimand", "arm", "metric"))
            words = (*names, number(found.estimate), between, row["unit"], found.n)
            lines.append("| " + " | ".join(map(_escaped, words)) + " |")
        return "\n".join(lines) + "\n"

    def export(self, folder: Path | str) -> tuple[Path, ...]:
        """Write summary, cells and time series as CSV and Parquet, and the estimands as Markdown.

        Returns:
            The files.
        """
        target = expand(folder)
        target.mkdir(parents=True, exist_ok=True)
        files = []
        for name in FRAMES:
            table = getattr(self, name)
            if table.empty:
                continue
            table.to_csv(target / f"{name}.csv", index=False)
            table.to_parquet(target / f"{name}.parquet", index=False)
            files += [target / f"{name}.csv", target / f"{name}.parquet"]
        (target / "estimands.md").write_text(self.markdown(), "utf-8")
        return (*files, target / "estimands.md")

    def __repr__(self) -> str:
        return (
            f"StudyFolder({str(self.folder)!r}, {self.verb} of {self.scenario}, {self.status or 'no status'})"
        )

    def _frame(self, name: str) -> pd.DataFrame:
        for suffix, read in ((".parquet", pd.read_parquet), (".csv", pd.read_csv)):
            try:
                return read(self.folder / f"{name}{suffix}")
            except (OSError, ValueError):  # absent or damaged, which pandas and pyarrow call a ValueError
                continue
        return pd.DataFrame()


def load_study(folder: Path | str) -> StudyFolder:
    """Read the folder of one study.

    Raises:
        BadInput: it is no folder, or no study's; studies that lie in it are named.
    """
    path = expand(folder)
    if not path.is_dir():
        raise BadInput(f"{folder}: no such folder")
    if is_study(path):
        return StudyFolder(path)
    inside = studies_in(path)
    more = f"; {len(inside)} lie in it, such as {inside[0].folder}" if inside else ""
    raise BadInput(f"{folder}: no study's folder, it has no manifest.json{more}")


def studies_in(folder: Path) -> list[StudyFolder]:
    """The study that a folder is, or all that lie in it, by their path; those without a summary too."""
    if is_study(folder):
        return [StudyFolder(folder)]
    return [StudyFolder(file.parent) for file in sorted(folder.glob("**/manifest.json"))]


def is_study(folder: Path) -> bool:
    """Whether a study or run wrote this folder."""
    return (folder / MANIFEST).is_file()


def _differences(rows: pd.DataFrame) -> str:
    """Name the columns that tell rows apart, with their values."""
    numbers = {"unit", "estimate", "ci_low", "ci_high", "n_replications", "p_holm"}
    values = {name: rows[name].drop_duplicates().tolist() for name in rows if name not in numbers}
    apart = [f"{name}={' or '.join(map(repr, known))}" for name, known in values.items() if len(known) > 1]
    return f"choose one of {'; '.join(apart)}" if apart else "no column tells them apart"


_MARKDOWN = re.compile(r"[|<`*\\]|(?<!\w)_|_(?!\w)")
"""What Markdown makes markup of inside a cell."""


def _escaped(value: object) -> str:
    """Text as it stands in a cell of a Markdown table."""
    return " ".join(_MARKDOWN.sub(r"\\\g<0>", str(value)).split())
