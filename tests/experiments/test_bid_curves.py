"""The curves on the policies' pages are what the policies bid; `make curves` draws them anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jointbid.strategies.registry import BUILT_IN
from tools.bid_curves import curves

DOCS = Path(__file__).parents[2] / "docs" / "strategies"
DRAWN_AS = {"mirror_descent": "mirror_descent", "learned_shading": "learned", "shading": "against U[0, 1]"}


def test_the_tables_beside_the_figures_are_what_comes_out():
    names = []
    for figure in curves():
        kept = pd.read_csv(DOCS / f"{figure.name}.csv")
        assert kept["line"].tolist() == figure.table["line"].tolist(), figure.name
        np.testing.assert_allclose(
            kept[["x", "y"]], figure.table[["x", "y"]], rtol=1e-6, atol=1e-8, err_msg="make curves"
        )
        names.append(figure.name)
    assert {path.stem for path in DOCS.glob("*.svg")} == set(names)


@pytest.mark.parametrize("name", list(BUILT_IN))
def test_every_policy_has_a_curve_on_a_page_that_names_it(name):
    line = DRAWN_AS.get(name, name)
    tables = {path.stem: pd.read_csv(path)["line"] for path in DOCS.glob("*.csv")}
    found = [stem for stem, lines in tables.items() if stem == name or lines.str.startswith(line).any()]
    assert found, name
    pages = [page.read_text("utf-8") for page in DOCS.glob("*.md")]
    assert any(f"({stem}.svg)" in page and f"## {name}" in page for stem in found for page in pages)
