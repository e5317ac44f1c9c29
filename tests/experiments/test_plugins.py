"""Third-party packages beside jointbid: one that works, and a broken one that must stop nothing."""

from __future__ import annotations

import json
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from jointbid.experiments.cells.cell import Cell
from jointbid.experiments.cells.versions import version
from jointbid.experiments.cli.main import main
from jointbid.experiments.cli.strategies import package
from jointbid.experiments.config import plugin_folders as plugin_configs
from jointbid.experiments.config.points import load
from jointbid.experiments.errors import BadInput
from jointbid.strategies import fingerprint, source_files

EXAMPLES = Path(__file__).parents[1] / "plugin_example"
QUICK = ["supply.requests=400", "plot.enabled=false", "executor=serial"]


def install(project: Path, site: Path) -> None:
    """What pip would write, but for its records."""
    about = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    shutil.copytree(project / "src", site, dirs_exist_ok=True)
    info = site / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
    info.mkdir()
    needs = "".join(f"Requires-Dist: {line}\n" for line in about["dependencies"])
    info.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n{needs}"
    )
    groups = about["entry-points"].items()
    info.joinpath("entry_points.txt").write_text(
        "".join(f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in names.items()) for group, names in groups)
    )


@pytest.fixture(autouse=True)
def installed(tmp_path, monkeypatch):
    """Both packages, in a folder of their own on the path."""
    site = tmp_path / "site"
    for project in ("acme_pid", "acme_broken"):
        install(EXAMPLES / project, site)
    monkeypatch.syspath_prepend(site)
    monkeypatch.chdir(tmp_path)
    forget()
    yield site
    forget()


def forget():
    """What this process remembers of the packages."""
    for name in [name for name in sys.modules if name.split(".")[0] in {"acme_pid", "acme_broken"}]:
        del sys.modules[name]
    for cached in (
        plugin_configs.folders,
        fingerprint._entry,
        fingerprint._plugin_files,
        source_files.places_of,
    ):
        cached.cache_clear()


def test_the_example_is_what_new_writes():
    written = package("acme_pid")
    kept = {
        path.relative_to(EXAMPLES / "acme_pid").as_posix(): path.read_text("utf-8")
        for path in (EXAMPLES / "acme_pid").rglob("*")
        if path.is_file() and not {"__pycache__"} & set(path.parts) and ".egg-info" not in str(path)
    }
    kept["pyproject.toml"] = kept["pyproject.toml"].replace(
        "jointbid>=0.1.0", f"jointbid>={version('jointbid')}"
    )
    assert kept == written, "write it anew: jointbid strategies new acme_pid --dir tests/plugin_example"


def test_both_are_listed(capsys):
    assert main(["strategies", "list"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "acme-pid 0.1.0" in lines["acme_pid"]
    assert lines["acme_pid"].endswith(
        "Bid multiplier x value, with a multiplier that keeps the spend in step with the requests."
    )
    assert "needed" in lines["acme_pid"]
    assert "acme-broken 0.3" in lines["acme_broken"]
    assert "cannot be loaded: ImportError: cannot import name 'QuantumPolicy'" in lines["acme_broken"]


def test_the_installed_one_is_checked_by_name(capsys):
    assert main(["strategies", "check", "acme_pid", "kp=2"]) == 0
    assert "23 passed, 0 failed, 1 skipped" in capsys.readouterr().out


def test_the_broken_one_is_refused_by_name(capsys):
    for arguments in (
        ["strategies", "check", "acme_broken"],
        ["run", "bidders.strategy=acme_broken", *QUICK],
    ):
        assert main(arguments) == 2
        said = capsys.readouterr().err
        assert (
            "'acme_broken' of acme-broken 0.3 (acme_broken.strategy:AcmeBroken) cannot be loaded: ImportError"
            in said
        )
        assert f"(it asks for jointbid >=99, and this is {version('jointbid')})" in said


def test_it_plays_by_its_name_alone(capsys):
    assert main(["run", "bidders.strategy=acme_pid", "bidders.budget=5", *QUICK]) == 0
    assert "400 auctions" in capsys.readouterr().out


def test_its_own_configuration_folder_is_searched():
    (point,) = load("run", ["scenario=acme_pid_market"])
    scenario = point.settings.scenario
    assert (scenario.name, scenario.bidders.budget) == ("acme_pid_market", 2000)
    assert scenario.bidders.strategy.model_dump() == {"name": "acme_pid", "kp": 1.0}
    (point,) = load("run", ["strategy=acme_pid", "bidders.strategy.kp=3"])
    assert point.settings.scenario.bidders.strategy.params == {"kp": 3}


@pytest.mark.slow
def test_it_is_swept_from_its_own_configuration_folder(capsys):
    sweep = ["run", "-m", "scenario=acme_pid_market", "bidders.strategy.kp=0.5,2", *QUICK]
    assert main(sweep) == 0
    done = [
        json.loads(path.read_text()) for path in Path("results/run").glob("acme_pid_market-*/status.json")
    ]
    assert [status["status"] for status in done] == ["done", "done"]
    warned = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert len(warned) == 1
    assert "the configs 'acme_broken' of acme-broken 0.3 are left out" in warned[0]


def test_its_version_and_its_code_are_on_record(installed):
    assert main(["run", "scenario=acme_pid_market", *QUICK]) == 0
    (manifest,) = Path("results/run").glob("acme_pid_market-*/manifest.json")
    assert json.loads(manifest.read_text())["versions"]["acme-pid"] == "0.1.0"
    (point,) = load("run", ["scenario=acme_pid_market"])
    before = Cell(point.settings.scenario, "joint").key
    with (installed / "acme_pid" / "strategy.py").open("a") as file:
        file.write("# mended\n")
    assert Cell(point.settings.scenario, "joint").key != before


def test_its_scenario_is_listed_and_shown(installed, capsys):
    (installed / "acme_pid" / "conf" / "scenario" / "torn.yaml").write_text("supply: [\n")
    assert main(["scenarios", "list"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["acme_pid_market"].endswith(
        "Does acme_pid make a budget last that is gone by noon otherwise?"
    )
    assert lines["torn"].endswith("(the file cannot be read)")
    assert main(["scenarios", "show", "acme_pid_market"]) == 0
    assert "override /strategy: acme_pid" in capsys.readouterr().out


def test_a_misspelt_name_is_pointed_to_the_plugin():
    with pytest.raises(BadInput, match="unknown strategy 'acme_pdi'; did you mean 'acme_pid'"):
        load("run", ["bidders.strategy=acme_pdi"])
    with pytest.raises(
        BadInput, match=r"strategy = acme_pdi: must be one of acme_pid, .*did you mean 'acme_pid'"
    ):
        load("run", ["strategy=acme_pdi"])


@pytest.mark.slow
def test_the_plugin_is_ranked_among_others(capsys):
    words = [
        "study.strategies=[acme_pid,truthful,{name: acme_pid, kp: 3}]",
        "study.replications=2",
        "bidders.budget=20",
    ]
    assert main(["tournament", *QUICK, *words]) == 0
    shown = capsys.readouterr().out
    assert "acme_pid(kp=3)" in shown
    (folder,) = Path("results/tournament").iterdir()
    assert json.loads((folder / "manifest.json").read_text())["plugins"] == {"acme_pid": "acme-pid 0.1.0"}


def test_a_file_of_the_plugin_cannot_take_the_place_of_a_shipped_one(installed):
    scenario = installed / "acme_pid" / "conf" / "scenario"
    (scenario / "theory.yaml").write_text("# @package _global_\nscenario: {question: none}\n")
    (point,) = load("run", ["scenario=theory"])
    assert point.settings.scenario.question.startswith("The base example")


def test_a_broken_file_of_the_plugin_is_found_where_it_is_used(installed):
    (installed / "acme_pid" / "conf" / "scenario" / "torn.yaml").write_text(
        "# @package _global_\nsupply: [\n"
    )
    assert load("run", ["scenario=theory"])
    with pytest.raises(BadInput):
        load("run", ["scenario=torn"])


def test_cells_are_kept_until_a_file_of_the_package_changes(installed, capsys):
    (installed / "acme_pid" / "table.csv").write_text("1\n")
    study = ["value", "scenario=acme_pid_market", "study.replications=2", "plot.enabled=false", *QUICK]

    def cells():
        assert main(study) == 0
        (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Cells: ")]
        kept, ran = line.removeprefix("Cells: ").split(", ")
        return int(kept.split()[0].replace(",", "")), int(ran.split()[0].replace(",", ""))

    _, ran = cells()
    assert cells() == (ran, 0)
    (installed / "acme_pid" / "table.csv").write_text("2, which is longer\n")
    assert cells() == (0, ran)
