"""What joining two departments' files is worth: known truth is met, spoiled joins lose, and no identifier is written."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.experiments.test_log_joins import MAPPING, PLANTED, firm, with_versions, write

from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import validate
from jointbid.experiments.logs.replay.plan import ReplayPlan
from jointbid.experiments.logs.synthetic.four_tables import known_profits, market, write_four_tables
from jointbid.experiments.studies.replay.ladder import run_replay

ROWS = 60_000


def test_the_known_profits_are_those_of_a_sum_over_many_auctions():
    scenario = validate("value", {"study": {}, **market(0.7)}).scenario
    known = known_profits(scenario, 0.7)["profit"]
    from jointbid.sim.response import truth

    rng = np.random.default_rng(1)
    theta, n = truth(scenario).theta[:, :, 0], 2_000_000
    x, z, price = (rng.integers(0, 8, n), rng.integers(0, 8, n), rng.lognormal(np.log(0.0025), 0.6, n))
    matched = rng.random(n) < 0.7
    bids = {
        "none": np.full(n, theta.mean()),
        "profile": np.where(matched, theta.mean(1)[x], theta.mean()),
        "context": theta.mean(0)[z],
        "joint": np.where(matched, theta[x, z], theta.mean(0)[z]),
    }
    for name, bid in bids.items():
        each = 1e6 * np.where(bid > price, theta[x, z] - price, 0.0)
        assert known[name] == pytest.approx(each.mean(), abs=4 * each.std() / np.sqrt(n)), name


@pytest.mark.slow
def test_the_engine_gives_the_known_answer(tmp_path, capsys):
    known = write_four_tables(tmp_path / "firm", 1_000)
    words = [
        "scenario=firm",
        "supply.requests=30000",
        "study.replications=6",
        f"results_dir={tmp_path}",
        "plot.enabled=false",
    ]
    few = [
        "study.curves=[]",
        "study.point.redundancy=[0]",
        "study.point.interaction=[0]",
        "study.point.requests=1000",
    ]
    assert main(["value", "--config-dir", str(tmp_path / "firm"), *words, *few]) == 0, capsys.readouterr().err
    (path,) = tmp_path.glob("value/*/summary.csv")
    rows = pd.read_csv(path)
    (worth,) = rows[(rows["estimand"] == "value_of_joint_data") & (rows["metric"] == "focal_profit")].to_dict(
        "records"
    )
    slack = worth["ci_high"] - worth["ci_low"]
    assert worth["ci_low"] - slack < known["value_of_joint_data"] < worth["ci_high"] + slack
    assert slack < 0.3 * known["value_of_joint_data"]


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    folder = tmp_path_factory.mktemp("four")
    known = write_four_tables(folder, ROWS)
    replay = {"splits": 1, "penalties": [0.3], "bootstrap": 300, "budgets": [0.5], "folds": 3}
    tree = {
        "study": {"replay": replay},
        "supply": {
            "kind": "log",
            "path": str(folder / "impressions.csv"),
            "mapping": str(folder / "mapping.yaml"),
        },
        "executor": {"name": "serial"},
    }
    return known, run_replay(ReplayPlan.from_settings(validate("value", tree)))


@pytest.mark.slow
def test_the_worth_of_joining_four_tables_is_the_known_one(four):
    known, result = four
    rows = result.summary.query("estimand == 'value_of_joint_data' and metric == 'focal_profit'")
    (worth,) = rows[rows["budget_share"] == np.inf].to_dict("records")
    assert worth["arm"] == "joint - best_silo (cmo)"
    assert worth["ci_low"] < known["value_of_joint_data"] < worth["ci_high"]
    assert worth["ci_low"] > 0.5 * known["value_of_joint_data"]
    assert "resamples of people, 1 split by person" in result.verdict[0]


@pytest.mark.slow
def test_fewer_keys_old_records_and_those_of_others_are_worth_less(four):
    known, result = four
    table = result.more["joins"].set_index("curve")
    curve = table.loc["match_rate"]
    kept = curve[~curve["extrapolated"]].set_index("at").sort_index()
    assert kept["match_rate"].to_numpy() == pytest.approx(
        known["match_rate"] * kept.index.to_numpy(), abs=0.02
    )
    assert kept["estimate"].is_monotonic_increasing
    assert abs(kept["estimate"].iloc[0]) < 1
    for at, row in kept.iterrows():
        assert row["ci_low"] < at * known["value_of_joint_data"] < row["ci_high"] or at == 0
    higher = curve[curve["extrapolated"]].set_index("match_rate")
    full = known_profits(validate("value", {"study": {}, **market(1.0)}).scenario, 1.0)["value_of_joint_data"]
    assert higher.loc[1.0, "ci_low"] < full < higher.loc[1.0, "ci_high"]
    for name in ("false_matches", "staleness_h"):
        spoiled = table.loc[name].sort_values("at")["estimate"].tolist()
        assert [*spoiled] == sorted(spoiled, reverse=True)
        assert spoiled[-1] < 0.75 * kept.loc[1.0, "estimate"]
    assert {"campaign brand", "campaign spring"} <= set(table.index)
    assert any("extrapolated by a straight line" in note for note in result.notes)


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["value", "run", "log table", "log calibrate", "log join", "log inspect"])
def test_nothing_that_is_written_holds_an_identifier(tmp_path, capfd, monkeypatch, verb):
    files, elsewhere = tmp_path / "files", tmp_path / "elsewhere"
    files.mkdir()
    elsewhere.mkdir()
    firm(files)
    with_versions(files)
    monkeypatch.chdir(elsewhere)
    for name in ("TMPDIR", "XDG_CACHE_HOME", "JOBLIB_TEMP_FOLDER"):
        monkeypatch.setenv(name, str(elsewhere))
    small = [
        "study.replay.splits=1",
        "study.replay.penalties=[0.3]",
        "study.replay.bootstrap=100",
        "study.replay.budgets=[0.5]",
    ]
    given = [f"supply.path={files / 'log.csv'}", f"supply.mapping={files / 'mapping.yaml'}", *small]
    given += {"run": ["strategy=truthful"], "log calibrate": ["--out", "fitted.yaml"]}.get(verb, [])
    if verb.startswith("log "):
        given = [str(files / "log.csv"), *given[1:]]
    assert main([*verb.split(), *given]) == 0
    found = capfd.readouterr()
    written = [path for path in elsewhere.rglob("*") if path.is_file()]
    names = {"summary.csv", "bidders.csv", "table.csv", "fitted.yaml"} & {path.name for path in written}
    assert names or verb in {"log join", "log inspect"}
    plain = found.out.encode() + found.err.encode() + b"".join(map(content, written))
    for i in range(90):
        name = f"{PLANTED}-{i}".encode()
        assert hashlib.md5(name).hexdigest().encode() not in plain
        assert hashlib.sha256(name).hexdigest().encode() not in plain
    assert PLANTED.encode() not in plain


@pytest.mark.parametrize(
    "verb", ["value", "run", pytest.param("log table", marks=pytest.mark.slow), "log calibrate"]
)
def test_no_result_is_of_fewer_persons_than_a_group(tmp_path, capsys, verb):
    tables = firm(tmp_path)
    line = np.where(tables["log"]["who"].isin([f"{PLANTED}-{i}" for i in range(10)]), "few", "many")
    tables["log"].assign(line=line).to_csv(tmp_path / "log.csv", index=False)
    mapping = write(tmp_path, {**MAPPING, "campaign": "line"})
    given = [
        f"supply.mapping={mapping}", f"results_dir={tmp_path}/out", "study.replay.penalties=[0.3]", "study.replay.splits=1",
        "study.replay.bootstrap=100", "study.replay.budgets=[0.5]", "study.replay.folds=3", "executor=serial",
    ]  # fmt: skip
    log = str(tmp_path / "log.csv")
    words = [*verb.split(), *([log] if verb.startswith("log ") else [f"supply.path={log}"]), *given]
    words += {"run": ["strategy=truthful"], "log calibrate": ["--out", str(tmp_path / "s.yaml")]}.get(
        verb, []
    )
    if verb == "log table":
        assert main(words) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert "campaign few is left out: its training or its test rows are of fewer than 20 persons" in shown
        (table,) = (tmp_path / "out").rglob("table.csv")
        assert set(pd.read_csv(table)["campaign"]) == {"many"}
    assert main([*words, "supply.min_group=91"]) == 2
    assert "is of fewer than 91 persons (supply.min_group)" in capsys.readouterr().err


def content(path: Path) -> bytes:
    """Return what a file holds, unpacked too where it is packed."""
    raw = path.read_bytes()
    if path.suffix == ".gz":
        return raw + gzip.decompress(raw)
    return raw + (
        json.dumps(pd.read_parquet(path).astype(str).to_dict("list")).encode()
        if path.suffix == ".parquet"
        else b""
    )
