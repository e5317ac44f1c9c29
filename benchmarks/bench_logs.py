"""Logs: rows parsed and rows replayed a second, on one core. `python benchmarks/bench_logs.py [ROWS]` prints both.

Parsing is everything from the file's bytes to checked columns; replay is the engine alone, a bidder against the log's prices
under a budget.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from tests.experiments.log_files import open_log

from jointbid.experiments.logs.read_log import stream
from jointbid.experiments.logs.replay.engine import ColumnBids
from jointbid.experiments.logs.rows.row_audit import RowAudit
from jointbid.experiments.logs.synthetic.forms import write_all
from jointbid.sim import Entrant, LogColumns, Scenario, simulate
from jointbid.sim.scenario import LogSupply

ROWS = 200_000
REPLAYED = 1_000_000
AT_LEAST = {"parsed": 200_000, "replayed": 1_000_000}


def parsed(folder: Path, rows: int = ROWS) -> dict[str, float]:
    """Rows a CPU second of every format."""
    found = {}
    for name, path in write_all(folder, rows).items():
        mapping = str(folder / "shop.yaml") if name.startswith("mapped") else None
        audit, reader = RowAudit(name), open_log(path, mapping=mapping)[1]
        began = time.process_time()
        for _ in stream(reader, audit):
            pass
        found[name] = audit.used / (time.process_time() - began)
    return found


def market(rows: int) -> LogColumns:
    rng = np.random.default_rng(1)
    return LogColumns(
        time_us=np.arange(rows, dtype=np.int64) * 80_000,
        price_micros=rng.lognormal(6.5, 0.8, rows).astype(np.int64),
        floor_micros=np.zeros(rows, dtype=np.int64),
        weight=np.ones(rows),
        value=(rng.random(rows) < 0.001) * 0.5,
        click=(rng.random(rows) < 0.001) * 1.0,
        columns={"bid": rng.lognormal(6.3, 0.8, rows).round() / 1e6},
    )


def replayed(rows: int = REPLAYED) -> float:
    """Rows a CPU second, in a second run: the first compiles."""
    log = market(rows)
    supply = LogSupply(path="made up", horizon_h=float(log.time_us[-1]) / 3.6e9 + 1)
    bidders = {"focal": Entrant(ColumnBids("bid"), budget=100.0)}
    simulate(Scenario(supply=supply), bidders, 1, log=market(1_000))
    began = time.process_time()
    simulate(Scenario(supply=supply), bidders, 1, log=log)
    return rows / (time.process_time() - began)


def test_parsing(benchmark, tmp_path):
    path = write_all(tmp_path, 20_000)["ipinyou_raw"]
    benchmark(lambda: sum(len(table) for table in stream(open_log(path)[1], RowAudit("raw"))))


def test_replay(benchmark):
    log = market(100_000)
    supply = LogSupply(path="made up", horizon_h=3.0)
    benchmark(lambda: simulate(Scenario(supply=supply), {"focal": Entrant(ColumnBids("bid"))}, 1, log=log))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, rate in parsed(Path(folder), int(sys.argv[1]) if len(sys.argv) > 1 else ROWS).items():
            print(f"parsed   {name:24} {rate:12,.0f} rows/s")
    print(f"replayed {'':24} {replayed():12,.0f} rows/s")
