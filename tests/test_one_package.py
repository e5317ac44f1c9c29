"""Only ``jointbid`` is imported and installed: it works beside a project's own sim/, strategies/, experiments/ and conf/."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("sim", "strategies", "experiments", "conf")
SMALL = ["supply.requests=400", "study.replications=2", "plot.enabled=false", "study.train_requests=1000"]
USE_BOTH = """
from experiments.train import ANSWER
from sim import SPEED
from strategies import RULE
import jointbid

assert (ANSWER, SPEED, RULE) == (42, 7, "mine")
scenario = jointbid.load("default", "supply.requests=400")
strategy = jointbid.Priced(jointbid.bayes(scenario, ("profile",)), jointbid.Truthful())
print(jointbid.simulate(scenario, {"focal": strategy}, seed=1).of("focal")["wins"])
"""


@pytest.fixture(params=[True, False], ids=["packages", "plain folders"])
def project(request, tmp_path, monkeypatch):
    """Somebody's project with folders that are called like the rooms; the current folder."""
    texts = {
        "experiments/train.py": "ANSWER = 42\n",
        "sim/__init__.py": "SPEED = 7\n",
        "strategies/__init__.py": 'RULE = "mine"\n',
        "conf/config.yaml": "not: ours\n",
        "script.py": USE_BOTH,
        "test_own.py": f"def test_own():\n    exec({USE_BOTH!r}, {{}})\n",
    }
    if request.param:
        texts |= {"experiments/__init__.py": "", "conf/__init__.py": ""}
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def python(*arguments):
    """Run Python in the current folder, which its path begins with; return what it printed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), str(ROOT / "src")])}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.mark.slow
def test_a_study_with_worker_processes(project):
    python("-m", "jointbid", "value", *SMALL, "executor.jobs=2", "results_dir=out")
    (folder,) = (project / "out" / "value").iterdir()
    assert json.loads((folder / "status.json").read_text("utf-8"))["status"] == "done"


@pytest.mark.slow
def test_a_script_and_a_test_of_its_own(project):
    assert int(python("script.py")) > 0
    assert "1 passed" in python("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_own.py")


@pytest.mark.slow
def test_a_notebook(project):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(USE_BOTH)])
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(project)}})
    client.execute()
    assert int(notebook.cells[0].outputs[0].text) > 0


def test_python_dash_m_is_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "jointbid", "value", "foo=bar"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "foo" in done.stderr


def test_the_package_is_links_to_the_rooms():
    package = ROOT / "src" / "jointbid"
    for room in ROOMS:
        assert (package / room).resolve() == ROOT / room
        assert (package / room).readlink() == Path("../..", room)
    assert (package / "py.typed").is_file()


def test_only_jointbid_is_declared():
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    assert setuptools["package-dir"] == {"": "src"}
    assert [path.name for path in (ROOT / "src").iterdir() if path.suffix != ".egg-info"] == ["jointbid"]


def test_every_public_name_is_there_and_documented():
    import jointbid

    assert set(jointbid.__all__) == {*jointbid.HOMES, "load", "load_study"}
    for name in jointbid.__all__:
        assert getattr(jointbid, name).__doc__, name
    assert set(jointbid.__all__) <= set(dir(jointbid))


USER = """
from pathlib import Path
import jointbid
from jointbid import Policy, VisibleRequests


class Own(Policy):
    def __init__(self) -> None:
        self.gain = 0.5

    @property
    def multiplier(self) -> float:
        return self.gain


scenario = jointbid.load("default", "supply.requests=400")
reveal_type(scenario)
reveal_type(jointbid.load(Path("results")))
reveal_type(jointbid.load_study("results"))
reveal_type(jointbid.simulate(scenario, {"own": Own()}, seed=1))
"""


@pytest.mark.slow
def test_a_user_s_type_checker_sees_the_types(tmp_path):
    (tmp_path / "mine.py").write_text(USER, "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "mine.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    revealed = [
        re.sub(r"[\w.]+\.", "", line.partition('"')[2].rstrip('"'))
        for line in done.stdout.splitlines()
        if "Revealed" in line
    ]
    results = "StudyFolder | SweepTables | ComparisonTables"
    assert revealed == ["Scenario", results, "StudyFolder", "RunResult"], done.stdout
    assert "error" not in done.stdout
