"""The catalogue: every study with where it comes from, SQL over all of them, and cleaning that takes nothing finished."""

from __future__ import annotations

import csv
import io
import json
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest

from jointbid import ComparisonTables, SweepTables, load
from jointbid.experiments.cli.main import main
from jointbid.experiments.errors import BadInput
from jointbid.experiments.storage.catalogue import scan
from jointbid.experiments.storage.lock import locked
from jointbid.experiments.storage.query import query

TINY = [
    "scenario=theory",
    "supply.requests=200",
    "plot.enabled=false",
    "executor=serial",
    "study.replications=2",
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A results folder with a sweep of three studies, one that was killed, and a run."""
    folder = tmp_path_factory.mktemp("catalogue")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["value", "-m", *TINY, "source.profile.match_rate=0,.5,1"]) == 0
        assert main(["run", "scenario=theory", "supply.requests=200", "plot.enabled=false"]) == 0
        assert main(["value", *TINY, "seed=9"]) == 0
        (killed,) = (Path(e.folder) for e in scan(Path("results")) if e.seed == 9)
        (killed / "status.json").write_text('{"status": "running"}')
    return folder


@pytest.fixture
def catalogue(filled, tmp_path, monkeypatch):
    shutil.copytree(filled / "results", tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    return Path("results")


def ask(sql, capsys):
    capsys.readouterr()
    assert main(["results", "query", sql]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def test_a_sweep_and_a_comparison_are_read_back(catalogue):
    (sweep,) = (load(folder) for folder in (catalogue / "sweeps").iterdir())
    assert isinstance(sweep, SweepTables)
    assert sweep.points["source.profile.match_rate"].tolist() == [0, 0.5, 1]
    values = [study.estimate("value_of_joint_data").estimate for study in sweep.studies]
    assert sweep.points["value_of_joint_data"].tolist() == pytest.approx(values)
    assert "match_rate" in sweep._repr_html_()
    assert main(["compare", str(sweep.folder)]) == 0
    (folder,) = (catalogue / "compare").iterdir()
    compared = load(folder)
    assert isinstance(compared, ComparisonTables)
    assert len(compared.points) == len(sweep.studies) == 3
    found = compared.differences.set_index(["study", "estimand"])["estimate"].xs(
        "value_of_joint_data", level=1
    )
    assert found.tolist() == pytest.approx([value - values[0] for value in values[1:]])
    assert set(compared.estimands["estimand"]) >= {"value_of_joint_data", "utility"}
    with pytest.raises(BadInput, match="reads the folder of a study, a sweep or a comparison"):
        load(catalogue / "compare")


def test_list(catalogue, capsys):
    assert main(["results", "list"]) == 0
    said = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert [row["study"] for row in rows].count("value") == 4
    assert {row["status"] for row in rows} == {"done", "stopped"}
    swept = {row["changed"] for row in rows if row["study"] == "value" and row["status"] == "done"}
    assert {"source.profile.match_rate=0.5" in changed for changed in swept} == {True, False}
    assert all("supply.requests=200" in changed for changed in swept)
    assert not any("plot.enabled" in changed or "match_rate=1" in changed for changed in swept), (
        "no number changes"
    )
    assert {row["seed"] for row in rows if row["status"] == "stopped"} == {"9"}
    assert "5 studies in results: 4 done, 1 stopped" in said.err


def test_every_row_says_where_it_comes_from(catalogue, capsys):
    for view in ("studies", "summary", "cells", "timeseries", "points"):
        rows = ask(f"SELECT * FROM {view} WHERE status = 'done'", capsys)
        assert rows, view
        for row in rows:
            assert {"study", "scenario", "hash", "seed", "command", "version", "started", "status"} <= set(
                row
            )
            assert row["scenario"] == "theory"
            assert row["hash"] in row["folder"]
            assert row["command"].startswith("jointbid ")
    rows = ask(
        "SELECT hash, estimate FROM summary WHERE estimand = 'value_of_joint_data' AND metric = 'focal_profit' "
        "AND status = 'done' ORDER BY estimate",
        capsys,
    )
    for row in rows:
        (folder,) = catalogue.glob(f"value/*{row['hash']}")
        table = pd.read_csv(folder / "summary.csv")
        own = table[(table["estimand"] == "value_of_joint_data") & (table["metric"] == "focal_profit")]
        assert float(row["estimate"]) == own["estimate"].iloc[0]
    assert len(rows) == 3


def test_points(catalogue, capsys):
    rows = ask('SELECT "source.profile.match_rate" AS rate, sweep, hash FROM points ORDER BY 1', capsys)
    assert [float(row["rate"]) for row in rows] == [0, 0.5, 1]
    assert len({row["sweep"] for row in rows}) == 1
    assert len({row["hash"] for row in rows}) == 3


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT nothing FROM studies", "nothing"),
        ("SELECT * FROM summery", "summery"),
    ],
)
def test_wrong_sql_is_one_line(catalogue, capsys, sql, words):
    assert main(["results", "query", sql]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1


def test_wrong_words(catalogue, capsys):
    for words, hint in (
        (["results", "lst"], "did you mean 'list'"),
        (["results", "query"], "usage"),
        (["results", "clean", "--delet"], "did you mean '--delete'"),
        (["results", "list", "results_dir=nowhere"], "nowhere: no such folder"),
    ):
        assert main(words) == 2
        assert hint in capsys.readouterr().err


def test_a_damaged_file_does_not_stop_the_others(catalogue, capsys):
    file = next(catalogue.glob("value/*/summary.parquet"))
    file.write_bytes(file.read_bytes()[:-10])
    assert len(ask("SELECT DISTINCT folder FROM summary", capsys)) == 3


def test_clean_takes_what_is_no_use_and_nothing_finished(catalogue, capsys):
    done = [Path(e.folder) for e in scan(catalogue) if e.status == "done" and e.study == "value"]
    (stopped,) = (Path(e.folder) for e in scan(catalogue) if e.status == "stopped")
    table = done[0] / "cells.parquet"
    content = bytearray(table.read_bytes())
    content[len(content) // 2] ^= 1
    table.write_bytes(bytes(content))
    other = next((done[1] / "cells").glob("*.jsonl"))
    other = other.rename(other.with_name("0" * 20 + other.name[20:]))

    assert main(["results", "clean"]) == 0
    said = capsys.readouterr().out
    assert f"unfinished (stopped): {stopped}" in said
    assert f"damaged (cells.parquet): {done[0]}" in said
    assert f"cells of other code; the tables stay: {other}" in said
    assert "nothing is deleted without --delete" in said
    assert all(path.exists() for path in (*done, stopped, other))

    with locked(stopped / "cells" / ".lock"):
        assert main(["results", "clean", "--delete"]) == 0
        assert stopped.exists(), "a command works on it"
        assert not done[0].exists()
    assert main(["results", "clean", "--delete"]) == 0
    assert not stopped.exists()
    assert not other.exists()
    assert (done[1] / "cells.parquet").exists()
    assert done[2].exists()
    capsys.readouterr()
    assert main(["results", "clean"]) == 0
    assert capsys.readouterr().out == "nothing to clean in results\n"

    manifest = json.loads((done[2] / "manifest.json").read_text())
    (done[2] / "manifest.json").write_text(json.dumps({**manifest, "code": "0" * 20}))
    assert main(["results", "clean", "--delete"]) == 0
    assert done[2].exists(), "finished"
    assert main(["results", "clean", "--delete", "--finished"]) == 0
    assert not done[2].exists()
    assert done[1].exists()


def unfinished(catalogue):
    (stopped,) = (Path(e.folder) for e in scan(catalogue) if e.status == "stopped")
    return stopped


@pytest.mark.parametrize("manifest", [None, "{}", '{"study": "models", "hash": "0123456789ab"}'])
def test_clean_leaves_folders_of_others_of_any_name(catalogue, capsys, manifest):
    theirs = catalogue / "models" / "bert-0123456789ab"
    theirs.mkdir(parents=True)
    (theirs / "weights.bin").write_text("theirs")
    if manifest:
        (theirs / "manifest.json").write_text(manifest)
    assert main(["results", "clean", "--delete", "--finished"]) == 0
    assert "bert" not in capsys.readouterr().out
    assert (theirs / "weights.bin").read_text() == "theirs"


def test_clean_leaves_a_study_under_another_name(catalogue):
    """A copy that somebody made and named is theirs."""
    copy = catalogue / "value" / "keep-0123456789ab"
    shutil.copytree(unfinished(catalogue), copy)
    before = sorted(copy.rglob("*"))
    assert main(["results", "clean", "--delete"]) == 0
    assert sorted(copy.rglob("*")) == before


@pytest.mark.parametrize(
    "name",
    ["notes.txt", "plots/mine.png", "cells/data.jsonl", ".notes", ".part", "data/part.csv", "plots/data/x"],
)
def test_clean_keeps_and_names_files_of_others_in_a_study(catalogue, capsys, name):
    folder = unfinished(catalogue)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("theirs")
    assert main(["results", "clean"]) == 0
    assert f"kept, not written by jointbid: {folder / name}" in capsys.readouterr().out
    assert main(["results", "clean", "--delete"]) == 0
    assert f"kept, not written by jointbid: {folder / name}" in capsys.readouterr().out
    assert [path for path in folder.rglob("*") if path.is_file()] == [folder / name]
    assert (folder / name).read_text() == "theirs"


def test_clean_of_finished_studies_keeps_hidden_files_of_others(catalogue):
    done = next(Path(e.folder) for e in scan(catalogue) if e.status == "done" and e.study == "value")
    (done / ".notes").write_text("theirs")
    partial = done / ".summary.csv.123"
    partial.write_text("half")
    assert main(["results", "clean", "--delete"]) == 0
    assert (done / ".notes").exists()
    assert (done / "summary.csv").exists()
    assert not partial.exists()


def test_clean_follows_no_symbolic_link(catalogue, tmp_path):
    folder = unfinished(catalogue)
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(folder / "cells", elsewhere / "cells")
    (elsewhere / "summary.csv").write_text("theirs")
    shutil.rmtree(folder / "cells")
    (folder / "cells").symlink_to(elsewhere / "cells")
    (folder / "summary.csv").unlink()
    (folder / "summary.csv").symlink_to(elsewhere / "summary.csv")
    before = sorted(elsewhere.rglob("*"))
    (catalogue / "linked").symlink_to(catalogue / "value")
    assert main(["results", "clean", "--delete"]) == 0
    assert sorted(elsewhere.rglob("*")) == before
    assert sorted(path.name for path in folder.iterdir()) == ["cells", "summary.csv"]


@pytest.mark.slow
def test_thousands_of_studies(catalogue):
    """As many folders as a large sweep leaves are asked in seconds."""
    (original,) = (Path(e.folder) for e in scan(catalogue) if e.seed == 9)
    (original / "status.json").write_text('{"status": "done"}')
    about = json.loads((original / "manifest.json").read_text())
    for number in range(2000):
        copy = original.with_name(f"theory-{number:012x}")
        copy.mkdir()
        for name in ("status.json", "summary.parquet"):
            shutil.copy(original / name, copy / name)
        (copy / "manifest.json").write_text(json.dumps(about | {"hash": copy.name[-12:]}))
    started = time.process_time()
    columns, rows = query(
        catalogue,
        "SELECT count(DISTINCT hash), count(*) FROM summary WHERE estimand = 'value_of_joint_data' AND seed = 9",
    )
    assert rows[0][0] == 2001
    assert len(columns) == 2
    assert time.process_time() - started < 30
