"""Runs what README and docs/ show: fenced `python` blocks, and the `$ jointbid ...` lines of `console` blocks.

The blocks of one page share a namespace and a scratch folder, and run in the order in which a reader meets them.
`<!-- not run: reason -->` on the line before a fence leaves that block out; without a reason the test fails.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
FENCE = re.compile(
    r"(?:^<!--\s*not run:?(?P<reason>[^\n]*?)-->\s*\n)?^```(?P<kind>python|console)[^\n]*\n(?P<text>.*?)^```\s*$",
    re.MULTILINE | re.DOTALL,
)
COMMAND = re.compile(
    r"^\$ jointbid\b((?:[^\\\n]|\\.|\\\n)*)", re.MULTILINE
)  # a trailing backslash continues the line
TIMEOUT_S = 600


@dataclass(frozen=True)
class Block:
    kind: str
    text: str
    line: int
    reason: str | None  # why it is not run; None: it is


def blocks(page: str) -> Iterator[Block]:
    for match in FENCE.finditer(page):
        line = page.count("\n", 0, match.start("text"))
        yield Block(match["kind"], match["text"], line, match["reason"])


def commands(text: str) -> list[list[str]]:
    """The arguments of each `$ jointbid` line; comments after # are dropped."""
    return [shlex.split(match[1].replace("\\\n", " "), comments=True) for match in COMMAND.finditer(text)]


def run_console(block: Block, name: str) -> None:
    script = Path(sys.executable).with_name("jointbid")
    for arguments in commands(block.text):
        done = subprocess.run(
            [script, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        shown = f"{name}, line {block.line}: jointbid {shlex.join(arguments)}"
        assert done.returncode == 0, f"{shown}\nexit {done.returncode}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_runs_as_written(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page.read_text("utf-8")):
        if block.reason is not None:
            assert block.reason.strip(), f"{page.name}, line {block.line}: say why it is not run"
        elif block.kind == "console":
            run_console(block, page.name)
        else:
            # Newlines in front, so that a traceback counts lines as the page does.
            exec(compile("\n" * block.line + block.text, str(page), "exec", dont_inherit=True), namespace)


PAGE = """
```python
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
"""


def test_blocks_and_commands_are_found():
    first, skipped, last = blocks(PAGE)
    assert (first.kind, first.text, first.line) == ("python", "x = 1\n", 2)
    assert skipped.reason == " needs the data "
    assert commands(last.text) == [["value", "study.replications=2"], ["run"]]
