"""Joins: time and most memory of `jointbid log join`'s reader beside pandas. `python benchmarks/bench_join.py [ROWS] [PERSONS]`.

Writes four invented tables (a million impressions take 95 MB), and reads and joins them in a process of its own by each way, on the same files, one
after the other, twice.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from peak import peak_mb


def joined(folder: Path) -> int:
    """Return the rows of the log joined block by block."""
    from jointbid.experiments.logs.formats.registry import open_log
    from jointbid.experiments.logs.read_log import stream
    from jointbid.experiments.logs.rows.row_audit import RowAudit
    from jointbid.sim.scenario import LogSupply

    given = {"path": str(folder / "impressions.csv"), "mapping": str(folder / "mapping.yaml")}
    _, reader = open_log(LogSupply.model_validate(given))
    rows = clicks = known = 0
    for table in stream(reader, RowAudit(given["path"])):
        rows += len(table)
        frame = table.select(["click", "segment"]).to_pandas()
        clicks += int(frame["click"].sum())
        known += int((frame["segment"] != "").sum())
    sys.stdout.write(f"{rows:,} rows, {clicks:,} clicks, {known:,} with a record; ")
    return rows


def merged(folder: Path) -> int:
    """Return the rows of the log merged by pandas: the same joins."""
    import pandas as pd

    log = pd.read_csv(folder / "impressions.csv", parse_dates=["event_time"]).sort_values("event_time")
    clicks = pd.read_csv(folder / "clicks.csv")
    orders = pd.read_csv(folder / "orders.csv").groupby("impression", as_index=False)["margin"].sum()
    crm = pd.read_parquet(folder / "crm.parquet").sort_values("updated_at")
    log["event_time"] = log["event_time"].astype("datetime64[us]")
    both = log.merge(clicks.assign(click=1), on="impression_id", how="left")
    both = both.merge(orders, left_on="impression_id", right_on="impression", how="left")
    keys = {"left_on": "event_time", "right_on": "updated_at", "left_by": "user_id", "right_by": "customer"}
    both = pd.merge_asof(both, crm.astype({"updated_at": "datetime64[us]"}), **keys)
    known = both["segment"].notna().sum()
    sys.stdout.write(f"{len(both):,} rows, {both['click'].sum():,.0f} clicks, {known:,} with a record; ")
    return len(both)


WAYS = {"jointbid": joined, "pandas": merged}


def main(words: list[str]) -> None:
    """Measure each way in a process of its own; or, with a way and a folder, this way."""
    if words and words[0] in WAYS:
        start = time.perf_counter()
        WAYS[words[0]](Path(words[1]))
        took, used = time.perf_counter() - start, time.process_time()
        sys.stdout.write(f"{took:.1f} s ({used:.1f} s of processors), at most {peak_mb():,.0f} MB\n")
        return
    from jointbid.experiments.logs.synthetic.four_tables import write_four_tables

    rows, persons = [int(word) for word in (*words, "1000000", "1000000")[:2]]
    with tempfile.TemporaryDirectory() as name:
        write_four_tables(Path(name), rows, persons)
        for way in [*WAYS, *WAYS]:
            sys.stdout.write(f"{way}: ")
            sys.stdout.flush()
            subprocess.run([sys.executable, __file__, way, name], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
