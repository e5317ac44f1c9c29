"""Complete the cells of a study: take what is there, run what is missing, keep each result as soon as it is known."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from experiments.cells import Cell, CellResult, grouped
from experiments.config import OWN_SCENARIO, Point
from experiments.errors import BadInput
from experiments.executor import Outcome, Work, run_tasks
from experiments.progress import meter
from experiments.store import Folder
from sim.scenario import StrategySpec

if TYPE_CHECKING:
    import pandas as pd

TRIAL_REQUESTS = 64
STUDY_COLUMNS = ("study_point", "arm", "replication", "seed")
Found = Sequence[tuple[Cell, CellResult]]


@dataclass
class Ledger:
    """What a command has done so far: results by cell key, failures, and the work behind them."""

    results: dict[str, CellResult] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    ran: int = 0
    kept: int = 0
    auctions: int = 0

    def of(self, cells: Sequence[Cell]) -> list[tuple[Cell, CellResult]]:
        """Those of the cells that have a result, in the given order."""
        return [(cell, self.results[cell.key]) for cell in cells if cell.key in self.results]


def complete(cells: Sequence[Cell], ledger: Ledger, folder: Folder, point: Point, work: Work) -> None:
    """Fill the ledger with the results of all cells.

    Raises:
        BadInput: a strategy whose trial batch is not a batch of bids.
    """
    unknown = [cell for cell in cells if cell.key not in ledger.results]
    found = folder.finished(cell.key for cell in unknown)
    ledger.results.update(found)
    ledger.kept += len(found)
    missing = [cell for cell in unknown if cell.key not in found]
    if not missing:
        return
    trial(missing[0], work)
    folder.status("running")
    with meter(point.settings.scenario.name, len(missing)) as progress:
        for outcomes in run_tasks(grouped(missing), work, point.settings.executor):
            done = {o.cell.key: o.result for o in outcomes if o.result is not None}
            if done:
                folder.keep(done)
            auctions = sum(result.auctions for result in done.values())
            progress.advance(len(outcomes), auctions, len(outcomes) - len(done))
            ledger.results.update(done)
            ledger.failures += [failure(outcome, point) for outcome in outcomes if outcome.result is None]
            ledger.ran += len(done)
            ledger.auctions += auctions


def trial(cell: Cell, work: Work) -> None:
    """Run a few requests here, first: compiles the kernels once for all workers, and finds bids that are none."""
    from sim import BidError

    supply = cell.scenario.supply
    few = supply.model_copy(update={"requests": min(supply.requests or TRIAL_REQUESTS, TRIAL_REQUESTS)})
    scenario = cell.scenario.model_copy(update={"supply": few})
    small = replace(cell, scenario=scenario, valuation="bayes", replication=0, point="")
    try:
        work(small)
    except BidError as error:
        place = "study.strategies" if cell.lineup else "bidders.strategy"
        raise BadInput(f"{place}: {error}") from None
    except Exception:  # noqa: BLE001 - the cell itself will say it, with the command that repeats it
        return


def failure(outcome: Outcome, point: Point) -> dict[str, Any]:
    """One line of ``failures.jsonl``."""
    cell = outcome.cell
    about = {"point": cell.point, "arm": cell.treatment, "replication": cell.replication, "seed": cell.seed}
    return {
        "cell": about,
        "error": outcome.error,
        "traceback": outcome.trace,
        "command": repeat(cell, point),
    }


def repeat(cell: Cell, point: Point) -> str:
    """The command that runs one cell alone."""
    shared = ("study.who", "study.valuation", "study.train_requests", "study.learner")
    own = [text for text in point.overrides if not text.startswith("study") or text.startswith(shared)]
    where = [*cell.point.split(), f"supply.requests={cell.scenario.supply.requests}"] if cell.point else []
    if point.verb in OWN_SCENARIO and not any(text.startswith("scenario=") for text in own):
        own.insert(0, f"scenario={OWN_SCENARIO[point.verb]}")
    seats = [f"study.strategies=[{','.join(map(_entry, cell.lineup))}]"] if cell.lineup else []
    parts = [*own, *where, *seats, f"study.arm={cell.arm}", f"study.replication={cell.replication}"]
    search = ["--config-dir", point.config_dir] if point.config_dir else []
    return shlex.join(["jointbid", "run", *search, *parts])


def _entry(spec: StrategySpec) -> str:
    """A strategy as an override has it: a name, or a mapping with its parameters."""
    given = "".join(f",{key}:{value}" for key, value in spec.params.items())
    return f"{{name:{spec.name}{given}}}" if given else spec.name


def table(found: Found) -> pd.DataFrame:
    """One row a cell and bidder, in the order of the cells."""
    return _frame(found, lambda result: result.rows)


def timeseries(found: Found) -> pd.DataFrame:
    """One row a cell, bidder and hour."""
    return _frame(found, lambda result: result.timeseries)


def _frame(found: Found, rows: Callable[[CellResult], list[dict[str, Any]]]) -> pd.DataFrame:
    import pandas as pd

    records = [
        {
            "study_point": cell.point,
            "arm": cell.treatment,
            "replication": cell.replication,
            "seed": cell.seed,
            **row,
        }
        for cell, result in found
        for row in rows(result)
    ]
    return pd.DataFrame(records, columns=None if records else list(STUDY_COLUMNS))
