"""Runs what README and docs/ show: fenced `python` blocks, and the `$ jointbid ...` lines of `console` blocks.

The blocks of one page share a namespace and a scratch folder, and run in the order in which a reader meets them; one that
names a file (```python mine.py) is saved there, too. `<!-- not run: reason -->` on the line before a fence leaves that
block out; without a reason the test fails. Where the reason is that it installs something, it is run all the same, with
its `$ python -m pip` and `$ python -m pytest` lines, if JOINTBID_MAY_INSTALL is set, as .ci/wheel does.
`<!-- prints -->` before a `text` fence says that the python block before it prints just that.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from jointbid.experiments.cli.main import main

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [ROOT / "README.md", *(ROOT / "docs").glob("**/*.md")], key=lambda page: (-page.stat().st_size, page)
)
"""The longest first: it takes longest, and other workers do the rest meanwhile."""
FENCE = re.compile(
    r"(?:^<!--\s*(?:not run:?(?P<reason>[^\n]*?)|(?P<prints>prints\s*))-->\s*\n)?"
    r"^```(?P<kind>python|console|text)(?P<about>[^\n]*)\n(?P<text>.*?)^```\s*$",
    re.MULTILINE | re.DOTALL,
)
COMMAND = re.compile(
    r"^\$ (jointbid|python -m (?:pip|pytest))\b((?:[^\\\n]|\\.|\\\n)*)", re.MULTILINE
)  # a trailing backslash continues the line
TIMEOUT_S = 600
MAY_INSTALL = bool(os.environ.get("JOINTBID_MAY_INSTALL"))


@dataclass(frozen=True)
class Block:
    kind: str
    text: str
    line: int
    reason: str | None  # why it is not run; None: it is
    file: str | None = None  # where it is saved


def blocks(page: str) -> Iterator[Block]:
    for match in FENCE.finditer(page):
        line = page.count("\n", 0, match.start("text"))
        if match["kind"] == "text" and not match["prints"]:
            continue
        words = match["about"].split()
        yield Block(match["kind"], match["text"], line, match["reason"], words[0] if words else None)


def commands(text: str) -> list[list[str]]:
    """The words of each command that is run; comments after # are dropped."""
    found = [
        shlex.split(match[0][2:].replace("\\\n", " "), comments=True) for match in COMMAND.finditer(text)
    ]
    return [words for words in found if words[0] == "jointbid" or MAY_INSTALL]


def here(words: list[str]) -> tuple[int, str]:
    """Exit code and output of `jointbid ...` in this process, which has imported everything already."""
    with (
        redirect_stdout(io.StringIO()) as said,
        redirect_stderr(said),
        warnings.catch_warnings(action="default"),  # as in a process of its own
    ):
        code = main(words[1:])
    return code, said.getvalue()


def elsewhere(words: list[str]) -> tuple[int, str]:
    """The same of any command, in a process of its own: it sees what has been installed since."""
    program = sys.executable if words[0] == "python" else Path(sys.executable).with_name("jointbid")
    done = subprocess.run(
        [program, *words[1:]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.returncode, done.stdout


def run_console(block: Block, name: str) -> None:
    for words in commands(block.text):
        code, said = (elsewhere if MAY_INSTALL else here)(words)
        assert code == 0, f"{name}, line {block.line}: {shlex.join(words)}\nexit {code}\n{said}"


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """An empty folder to work in; modules that were imported from there are forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_runs_as_written(page, scratch, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    namespace: dict[str, object] = {"__name__": "__main__"}
    printed = None
    for block in blocks(page.read_text("utf-8")):
        if block.reason is not None:
            assert block.reason.strip(), f"{page.name}, line {block.line}: say why it is not run"
            if MAY_INSTALL and block.reason.strip().startswith("it installs"):
                run_console(block, page.name)
        elif block.kind == "console":
            run_console(block, page.name)
        elif block.kind == "text":
            assert printed == block.text, f"{page.name}, line {block.line}: this is not what it prints"
        else:
            if block.file:
                Path(block.file).write_text(block.text, "utf-8")
            # Newlines in front, so that a traceback counts lines as the page does.
            code = compile("\n" * block.line + block.text, str(page), "exec", dont_inherit=True)
            with redirect_stdout(io.StringIO()) as out:
                exec(code, namespace)
            printed = out.getvalue()


PAGE = """
```python one.py
x = 1
```
<!-- not run: needs the data -->
```console
$ jointbid value scenario=ipinyou
```
```console
$ make demo
$ jointbid value \\
    study.replications=2   # small
a table
$ jointbid run
```
```text
not looked at
```
<!-- prints -->
```text
1
```
"""


def test_blocks_and_commands_are_found():
    first, skipped, last, printed = blocks(PAGE)
    assert (first.kind, first.text, first.line, first.file) == ("python", "x = 1\n", 2, "one.py")
    assert skipped.reason == " needs the data "
    assert (printed.kind, printed.text) == ("text", "1\n")
    assert commands(last.text) == [["jointbid", "value", "study.replications=2"], ["jointbid", "run"]]
