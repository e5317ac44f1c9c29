"""What is printed costs no work: not on an output that lacks a letter, nor on one that is closed early."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.cli.output import fitted, spelling
from jointbid.experiments.report import tables

ROOT = Path(__file__).parents[2]
RUN = ["run", "scenario=theory", "supply.requests=200", "plot.enabled=false"]


def command(arguments, **environment):
    path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    line = [
        sys.executable,
        "-c",
        "import sys; from jointbid.experiments.cli.main import main; sys.exit(main())",
        *arguments,
    ]
    return {"args": line, "env": {**os.environ, "PYTHONPATH": path, **environment}, "stderr": subprocess.PIPE}


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "ascii"}, {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}],
)
@pytest.mark.slow
def test_letters_that_an_output_lacks_are_spelled(tmp_path, environment):
    text = '# @package _global_\nscenario: {name: "Büro €", currency: "€ü漢"}\nsupply: {requests: 200}\n'
    (tmp_path / "mine" / "scenario").mkdir(parents=True)
    (tmp_path / "mine" / "scenario" / "own.yaml").write_text(text, "utf-8")
    words = ["run", "--config-dir", "mine", "scenario=own", "study.arm=none", "plot.enabled=false"]
    done = subprocess.run(
        **command(words, **environment),
        cwd=tmp_path,
        check=False,
        stdout=subprocess.PIPE,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"Buro EUR, arm none, money in EURu?\n")
    (folder,) = (tmp_path / "results" / "run").iterdir()
    assert "€ü漢" in (folder / "config.yaml").read_text("utf-8")


def test_the_streams_are_as_before():
    stream = io.TextIOWrapper(io.BytesIO(), "ascii", errors="strict")
    before, sys.stdout = sys.stdout, stream
    try:
        with spelling():
            sys.stdout.write("5 € × 2 … é 漢")
            sys.stdout.flush()
        assert stream.errors == "strict"
        assert stream.buffer.getvalue() == b"5 EUR x 2 ... e ?"
    finally:
        sys.stdout = before


def test_a_reader_that_leaves_costs_no_work(tmp_path):
    sweep = [*RUN, "-m", "seed=1,2,3"]
    with subprocess.Popen(**command(sweep), cwd=tmp_path, stdout=subprocess.PIPE) as process:
        process.stdout.close()
        said = process.stderr.read().decode()
    assert said == ""
    states = [path.read_text() for path in (tmp_path / "results" / "run").glob("*/status.json")]
    assert len(states) == 3
    assert all("done" in state for state in states)


@pytest.mark.parametrize("terminal", [False, True])
def test_tables_read_no_markup(terminal, monkeypatch, capsys):
    for name, value in {
        "COLUMNS": "110",
        "NO_COLOR": "1",
        "TERM": "dumb",
        **({"FORCE_COLOR": "1"} if terminal else {}),
    }.items():
        monkeypatch.setenv(name, value)
    text = "[red]a[/red] [/] :smile: [b]"
    table = tables.blank_table(text, text)
    table.add_column(text)
    table.add_row(text)
    tables.show(table, text)
    shown = capsys.readouterr().out
    for part in ("[red]a[/red]", "[/]", ":smile:", "[b]"):
        assert shown.count(part) == 5


# -- YAML -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine/scenario").mkdir(parents=True)

    def run(text, encoding="utf-8"):
        Path("mine/scenario/own.yaml").write_text(text, encoding)
        return main(["run", "--config-dir", "mine", "scenario=own", "study.arm=none", "--cfg", "job"])

    return run


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_named(own, capsys, encoding):
    assert own("# @package _global_\nscenario:\n  name: x\n", encoding) == 2
    said = capsys.readouterr().err
    assert "own.yaml: begins with a byte-order mark" in said
    assert said.count("\n") == 1


@pytest.mark.few(6)
@pytest.mark.parametrize("name", ["no", "Yes", "off", "1", "1e3", "0x1f"])
@pytest.mark.parametrize("key", ["scenario.name", "scenario.currency", "creative", "source"])
def test_a_name_that_yaml_reads_as_something_else_is_explained(own, capsys, name, key):
    first, _, second = key.partition(".")
    line = f"{second}: {name}" if second else f"{name}: {{}}"
    assert own(f"# @package _global_\n{first}:\n  {line}\n") == 2
    said = capsys.readouterr().err
    assert key in said
    assert "write it in quotes" in said
    quoted = line.replace(name, f'"{name}"')
    if second:
        assert own(f"# @package _global_\n{first}:\n  {quoted}\n") == 0


@pytest.mark.slow
def test_an_argument_in_utf_8_is_read_where_utf_8_is_switched_off(tmp_path):
    run = command([*RUN, 'scenario.currency="€"'], PYTHONUTF8="0", LC_ALL="C", PYTHONCOERCECLOCALE="0")
    done = subprocess.run(**run, cwd=tmp_path, stdout=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "results" / "run").iterdir()
    assert "€" in (folder / "config.yaml").read_text("utf-8")


def test_help_is_wrapped_below_what_it_describes():
    text = "  --name NAME  " + "what it does " * 10 + "\nshort\n" + "word " * 30 + "\n" + "x" * 100
    lines = fitted(text).splitlines()
    assert [len(line) <= 80 for line in lines] == [True] * (len(lines) - 1) + [False], (
        "a word is never broken"
    )
    assert lines[1].startswith(" " * 15)
    assert "short" in lines
    assert " ".join(fitted(text).split()) == " ".join(text.split())
