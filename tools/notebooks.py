"""The notebooks of docs/notebooks: run with their outputs kept (`make notebooks`), and as pages of the docs site.

`python -m tools.notebooks` runs each in a folder of its own and writes what it shows into it; read the diff.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import sysconfig
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"
LINE = 72
"""Columns of a sentence on a page."""
TIMEOUT_S = 300
"""Of one cell."""
KEPT = ("text/html", "image/png", "text/plain")
"""Kinds of output that are kept, the best first."""


def execute(path: Path) -> dict[str, Any]:
    """Run a notebook in a new kernel and an empty folder, and return it with its outputs.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    import nbformat
    from nbclient import NotebookClient

    book = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory() as folder:
        scripts = sysconfig.get_path("scripts")
        extra = {
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        }
        client = NotebookClient(
            book, timeout=TIMEOUT_S, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        asyncio.run(_run(client, {**os.environ, **extra}))
    for cell in book.cells:
        cell.metadata.clear()
        if cell.cell_type == "code":
            cell.outputs = _joined(
                [_kept(output) for output in cell.outputs if output.get("name") != "stderr"]
            )
    book.metadata = {"kernelspec": book.metadata["kernelspec"], "language_info": {"name": "python"}}
    found: dict[str, Any] = book
    return found


async def _run(client: Any, environment: Mapping[str, str]) -> None:
    async with client.async_setup_kernel(env=environment):
        for number, cell in enumerate(client.nb.cells):
            await client.async_execute_cell(cell, number)


def _joined(outputs: list[Any]) -> list[Any]:
    """Return the outputs with what was printed in pieces, which depends on time alone, as one."""
    found: list[Any] = []
    for output in outputs:
        if found and "text" in output and "text" in found[-1]:
            found[-1]["text"] = _text(found[-1]["text"]) + _text(output["text"])
        else:
            found.append(output)
    return found


def _kept(output: Any) -> Any:
    if "data" in output:
        best = [kind for kind in KEPT if kind in output["data"]]
        output["data"] = {kind: output["data"][kind] for kind in best if kind in {best[0], "text/plain"}}
    return output


def shown(book: Mapping[str, Any]) -> list[str]:
    """Return the text of all outputs but pictures, in order; what a rerun must show again."""
    texts = []
    for cell in book["cells"]:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" not in data:
                texts.append(_text(output.get("text") or data.get("text/plain", "")))
    return texts


def to_markdown(book: Mapping[str, Any]) -> str:
    """Return a notebook as a page: text, code, and what the code showed."""
    return "\n\n".join(part for cell in book["cells"] for part in _parts(cell)) + "\n"


def _parts(cell: Mapping[str, Any]) -> Iterator[str]:
    source = _text(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"```python\n{source}\n```"
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        if "image/png" in data:
            yield f'<img alt="what the cell draws" src="data:image/png;base64,{_text(data["image/png"]).strip()}">'
        elif "text/html" in data:
            html = re.sub(r"<style.*?</style>|\n\s*", "", _text(data["text/html"]), flags=re.DOTALL)
            yield f'<div class="output">{html}</div>'
        else:
            text = _text(output.get("text") or data.get("text/plain", "")).rstrip()
            yield "```text\n" + "\n".join(map(_wrapped, text.splitlines())) + "\n```"


def _wrapped(line: str) -> str:
    """Return a long sentence as several lines; a table's line stays."""
    return line if "  " in line.strip() else textwrap.fill(line, LINE, break_long_words=False)


def _text(lines: str | list[str]) -> str:
    return lines if isinstance(lines, str) else "".join(lines)


def main() -> int:
    """Run every notebook, and write it with its outputs."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        path.write_text(json.dumps(execute(path), indent=1, ensure_ascii=False) + "\n", "utf-8")
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
