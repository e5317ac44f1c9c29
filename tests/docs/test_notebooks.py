"""Runs docs/notebooks in kernels of their own: each shows again what it holds."""

from __future__ import annotations

import ast
import json
import re
import warnings

import pytest

from tools.notebooks import FOLDER, execute, shown, to_markdown

NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
OWN = {"jointbid", "numpy", "pandas", "mine"}
"""What they import: jointbid and what it brings, and the file that one of them writes."""


def code_of(book):
    """The code cells, without lines that IPython alone reads."""
    cells = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    return [re.sub(r"^[%!].*$", "", cell, flags=re.MULTILINE) for cell in cells]


def rounded(texts):
    """The texts with their numbers to twelve digits: processors that add in another order differ in what follows."""
    return [
        re.sub(r"\d+\.\d{8,}(?:e[+-]?\d+)?", lambda number: f"{float(number[0]):.12g}", text)
        for text in texts
    ]


def test_numbers_of_another_processor_are_the_same_to_twelve_digits():
    one, other, third = (
        f"Estimate(estimate=-33.7486124003{end}, n=5)" for end in ("32874", "32554", "99999")
    )
    assert rounded([one]) == rounded([other]) != rounded([third])


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_again_what_it_holds(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the kernel's libraries
        found = shown(execute(path))
    kept = shown(json.loads(path.read_text("utf-8")))
    assert rounded(found) == rounded(kept), "run: make notebooks, and read the diff"


def test_each_has_outputs_and_needs_jointbid_alone():
    assert [path.stem for path in NOTEBOOKS] == [
        "first-study",
        "train-a-bidder",
        "your-own-files",
        "your-own-strategy",
    ]
    for path in NOTEBOOKS:
        book = json.loads(path.read_text("utf-8"))
        assert len(shown(book)) >= 4, "no outputs are kept; run: make notebooks"
        for cell in code_of(book):
            for node in ast.walk(ast.parse(cell)):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) else []
                assert {name.partition(".")[0] for name in names} <= OWN
                assert not any(name.startswith("jointbid.") for name in names), "public names only"


def test_a_notebook_becomes_a_page():
    table = {
        "data": {"text/html": "<style>\n.a {}\n</style>\n<table>\n  <tr></tr></table>", "text/plain": "a"}
    }
    outputs = [{"text": ["one\n"]}, table, {"data": {"image/png": "AAAA\n", "text/plain": "<Figure>"}}]
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "text"]},
        {"cell_type": "code", "source": ["1 + 1"], "outputs": outputs},
    ]
    page = to_markdown({"cells": cells})
    assert page.startswith("# Title\ntext\n\n```python\n1 + 1\n```\n\n```text\none\n```")
    assert '<div class="output"><table><tr></tr></table></div>' in page
    assert 'src="data:image/png;base64,AAAA"' in page
