"""The author's guide lists every field of what a strategy receives, in tables made from the code."""

from __future__ import annotations

import importlib.util
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "guide_fields.py"


def tool():
    spec = importlib.util.spec_from_file_location("guide_fields", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_of_the_page_are_those_of_the_code():
    made = tool()
    page = made.PAGE.read_text("utf-8")
    assert set(made.tables()) == {part[2] for part in made.PART.finditer(page)}
    assert made.written(page) == page, "run python tools/guide_fields.py, and read the difference"


def test_each_field_has_words():
    made = tool()
    assert not made.missing()
    for name, table in made.tables().items():
        assert "| ? |" not in table, f"{name}: a new field needs words in tools/guide_fields.py"
