"""Paths as people write them: `~` is expanded once, in every verb; odd names are names."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

import jointbid
from jointbid.experiments.cli.main import main
from jointbid.experiments.errors import BadInput, path_of
from jointbid.experiments.logs.synthetic.ipinyou_rows import write_ipinyou_csv

RUN = ["run", "scenario=theory", "supply.requests=200", "plot.enabled=false"]
ODD = "r (1)=#$é [x]*' -/"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_home_is_expanded_in_every_verb(home, capsys):
    assert main([*RUN, 'results_dir="~/out"']) == 0
    assert main([*RUN, 'results_dir="~/out"', "seed=2"]) == 0
    one, two = (path.relative_to(home) for path in sorted((home / "out" / "run").iterdir()))
    capsys.readouterr()
    for words in (
        ["results", "list", 'results_dir="~/out"'],
        ["results", "list", "results_dir=~/out"],
        ["results", "query", "SELECT * FROM studies", "results_dir=~/out"],
        ["results", "clean", "results_dir=~/out"],
        ["report", f"~/{one}"],
        ["strategies", "new", "own_one", "--dir", "~"],
        ["run", "--config-dir", "~", "--cfg", "job"],
    ):
        assert main(words) == 0, words
    assert main(["compare", f"~/{one}", f"~/{two}", "results_dir=~/out"]) == 2
    assert "no study's folder, and none with a summary" in capsys.readouterr().err, "found, but no studies"
    assert jointbid.load(f"~/{one}").verb == "run"
    assert not Path("~").exists()
    assert (home / "own_one").is_dir()


def test_home_is_expanded_for_logs_and_strategies(home, capsys):
    write_ipinyou_csv(home / "log.csv")
    (home / "own.py").write_text("class Own:\n    def bid(self, requests):\n        return 'nothing'\n")
    assert main(["log", "inspect", "~/log.csv"]) == 0
    assert main(["value", 'supply.path="~/log.csv"', "--cfg", "job"]) == 0
    assert f"path: {home}/log.csv" in capsys.readouterr().out
    assert main(["strategies", "check", "~/own.py:Own"]) == 1
    assert main(["log", "calibrate", "~/log.csv", "--out", "~/no/scenario.yaml"]) == 2
    assert f"there is no folder {home}/no" in capsys.readouterr().err


def test_odd_names_are_names(home, capsys):
    quoted = '"' + ODD + '"'
    assert main([*RUN, f"results_dir={quoted}"]) == 0
    for given in (quoted, ODD):
        capsys.readouterr()
        assert main(["results", "query", "SELECT folder FROM studies", f"results_dir={given}"]) == 0
        assert "run/theory-" in capsys.readouterr().out
    small = "study.lattice=false study.curves=[] study.replications=2 supply.requests=200 executor=serial"
    assert (
        main(["value", "scenario=theory", "plot.enabled=false", *small.split(), f"results_dir={quoted}"]) == 0
    )
    capsys.readouterr()
    assert main(["results", "query", "SELECT count(*) AS n FROM summary", f"results_dir={quoted}"]) == 0
    assert int(capsys.readouterr().out.split()[1]) > 10


@pytest.mark.parametrize("name", ["day=2013-06-06/f.csv", "a b (1).csv", "#$é=[x].csv", "x${y}'.csv"])
def test_a_log_of_any_name_is_a_file(home, capsys, name):
    Path(name).parent.mkdir(exist_ok=True)
    write_ipinyou_csv(Path(name))
    assert main(["log", "inspect", name]) == 0
    assert name.rpartition("/")[2] in capsys.readouterr().out


def test_a_file_that_is_not_there_is_no_key(home, capsys):
    assert main(["log", "inspect", "day=2013-06-06/f.csv"]) == 2
    said = capsys.readouterr().err
    assert "no such key" not in said
    assert "day=2013-06-06/f.csv" in said


def test_without_a_home_the_place_is_named(monkeypatch, capsys):
    monkeypatch.setattr("jointbid.sim.paths.home", lambda: None)
    assert main([*RUN, 'results_dir="~/out"']) == 2
    assert "results_dir" in (said := capsys.readouterr().err)
    assert "give the path in full" in said
    with pytest.raises(BadInput, match="give the path in full"):
        path_of("results_dir", "~/out")
    with pytest.raises(BadInput, match="needs a file or folder"):
        path_of("results_dir", '""')


@pytest.mark.few(2)
@pytest.mark.parametrize("name", ["a/b\\c\n\x00d", "x" * 400, "漢" * 200, "..", " ", "$5_^{<b>&|"])
def test_a_scenario_of_any_name_has_a_folder(home, capsys, name):
    Path("mine/scenario").mkdir(parents=True)
    text = f"# @package _global_\nscenario:\n  name: {json.dumps(name)}\nsupply:\n  requests: 200\n"
    Path("mine/scenario/own.yaml").write_text(text, "utf-8")
    words = ["run", "--config-dir", "mine", "scenario=own", "plot.enabled=false", "study.arm=none"]
    assert main(words) == 0, capsys.readouterr().err
    (folder,) = Path("results/run").iterdir()
    assert json.loads((folder / "manifest.json").read_text("utf-8"))["scenario"] == name


def test_a_full_disk_is_noticed_before_any_work(home, monkeypatch, capsys):
    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def write(self, _):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    monkeypatch.setattr(
        "jointbid.experiments.studies.run._simulate", lambda *_: pytest.fail("work has begun")
    )
    assert main(RUN) == 2
    assert os.strerror(errno.ENOSPC) in capsys.readouterr().err


@pytest.mark.parametrize("name", ["scenario.yaml", "scenario.md"])
def test_calibrate_overwrites_no_file_of_others(home, capsys, name):
    write_ipinyou_csv(home / "log.csv")
    Path(name).write_text("# mine\n")
    assert main(["log", "calibrate", "~/log.csv", "--out", "scenario.yaml"]) == 2
    assert f"{name} exists and is not from" in capsys.readouterr().err
    assert Path(name).read_text() == "# mine\n"


@pytest.mark.slow
def test_compare_keeps_files_of_others(home, capsys):
    small = "study.lattice=false study.curves=[] study.replications=2 supply.requests=200 executor=serial"
    for seed in (1, 2):
        assert main(["value", "scenario=theory", "plot.enabled=false", *small.split(), f"seed={seed}"]) == 0
    folders = [str(path) for path in Path("results/value").iterdir()]
    capsys.readouterr()
    assert main(["compare", *folders]) == 0
    page = Path(capsys.readouterr().out.strip().splitlines()[-1].removeprefix("Report: "))
    own = page.parent / "plots" / "mine.png"
    own.parent.mkdir(exist_ok=True)
    own.write_text("theirs")
    assert main(["compare", *folders]) == 0
    assert own.read_text() == "theirs"
    shutil.rmtree(page.parent)
