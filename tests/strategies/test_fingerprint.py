"""What determines a strategy besides its parameters: each determinant changes the fingerprint, nothing else does."""

from __future__ import annotations

import os
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path

import pytest

from jointbid.strategies import fingerprint as module
from jointbid.strategies import plugins, source_files
from jointbid.strategies.fingerprint import fingerprint


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A package `acme` with a data file and a helper of the project, entered as the strategy `acme`."""
    texts = {
        "acme/__init__.py": "from acme.brain import Brain\n",
        "acme/brain.py": "def read():\n    import project_helper\n\nclass Brain: ...\n",
        "acme/table.csv": "1,2\n",
        "acme/__pycache__/brain.pyc": "compiled",
        "project_helper.py": "import json, numpy\nfrom project_deep import x\n",
        "project_deep/__init__.py": "x = 1\n",
        "unrelated.py": "y = 1\n",
        "acme-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: acme\nVersion: 1\n",
        "acme-1.dist-info/RECORD": "acme_extra.dat,,\nacme/brain.py,,\nacme/gone.py,,\n",
        "acme_extra.dat": "beside the package",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    found = [
        EntryPoint("acme", "acme:Brain", plugins.GROUP)._for(Distribution.at(tmp_path / "acme-1.dist-info")),
        EntryPoint("gone", "nowhere.at.all:X", plugins.GROUP),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: found)
    forget()
    yield tmp_path
    forget()


def forget():
    for cached in (module._entry, module._plugin_files, source_files.places_of):
        cached.cache_clear()


def changed(path):
    """Write to a file; its time moves even where the clock is coarse."""
    path.write_text(path.read_text("utf-8") + "# more\n", "utf-8")
    os.utime(path, ns=(1, 1))


@pytest.mark.parametrize(
    "file",
    [
        "acme/__init__.py",
        "acme/brain.py",
        "acme/table.csv",
        "acme_extra.dat",
        "project_helper.py",
        "project_deep/__init__.py",
    ],
)
def test_a_change_of_what_a_plugin_is_made_of_is_seen(site, file):
    before = fingerprint("acme", {})
    changed(site / file)
    assert fingerprint("acme", {}) != before


@pytest.mark.parametrize("file", ["unrelated.py", "acme/__pycache__/brain.pyc"])
def test_other_files_do_not_count(site, file):
    before = fingerprint("acme", {})
    changed(site / file)
    assert fingerprint("acme", {}) == before


def test_names_without_files_have_none(site):
    assert fingerprint("linear", {"gain": 0.5, "start": "fluid"}) == ""
    assert fingerprint("gone", {}) not in {"", fingerprint("acme", {})}


@pytest.mark.parametrize(
    "params",
    [
        {"table": "unrelated.py"},
        {"tables": ["none.npy", "unrelated.py"]},
        {"deep": {"model": {"path": "./unrelated.py"}}},
        {"folder": "."},
    ],
)
def test_the_content_of_a_file_that_a_parameter_names_counts(site, params):
    before = fingerprint("linear", params)
    assert before
    changed(site / "unrelated.py")
    assert fingerprint("linear", params) != before


def test_a_home_folder_is_expanded(site, monkeypatch):
    monkeypatch.setenv("HOME", str(site))
    assert fingerprint("linear", {"table": "~/unrelated.py"})
    assert not fingerprint("linear", {"table": "~/unrelated_too.py"})
    assert not fingerprint("linear", {"table": "x" * 5000, "other": "\0"})


def test_installed_packages_and_python_s_own_are_no_project_s():
    for name in ("numpy", "json", "jointbid"):
        assert not any(map(source_files.is_a_projects, source_files.places_of(name))), name
    assert source_files.is_a_projects(Path.cwd() / "experiments")


def test_packages_of_another_environment_on_the_path_are_no_project_s(tmp_path, monkeypatch):
    shared = tmp_path / "shared" / "site-packages"
    (shared / "vast").mkdir(parents=True)
    (shared / "vast" / "__init__.py").write_text("")
    mine = tmp_path / "mine.py"
    mine.write_text("import vast\nimport near\n")
    (tmp_path / "elsewhere").mkdir()
    near = tmp_path / "elsewhere" / "near.py"
    near.write_text("")
    monkeypatch.syspath_prepend(shared)
    monkeypatch.syspath_prepend(near.parent)
    forget()
    assert source_files.own_files(mine) == {mine, near}
    forget()
