"""Numbers with a comma before their fraction: in the log, in joined tables, in filters and ranges, and beside what files hold as numbers."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import yaml
from tests.experiments.log_files import read_log
from tests.experiments.test_log_joins import MAPPING, firm

from jointbid.experiments.errors import BadInput

MICROS = [1_500, 1_234_500, 0]
"""Of 1.5, 1,234.5 and nothing at CPM."""


def written(folder, name, cells):
    """A log of three rows whose prices are the cells, as the file has them."""
    path, clicks = folder / f"log.{name}", [0, 1, 0]
    if name == "parquet":
        pd.DataFrame({"paid": cells, "click": clicks}).to_parquet(path)
    elif name == "jsonl":
        rows = [{"paid": cell, "click": click} for cell, click in zip(cells, clicks, strict=True)]
        path.write_text("\n".join(map(json.dumps, rows)))
    else:
        rows = [f"{cell};{click}" for cell, click in zip(cells, clicks, strict=True)]
        path.write_text("\n".join(["paid;click", *rows]) + "\n")
    return path


def prices(path, **mapping):
    tree = {"price": "paid", "click": "click", "decimal": ",", "missing": ["", "none"]} | mapping
    (path.parent / "m.yaml").write_text(yaml.safe_dump(tree))
    return read_log(path, mapping=str(path.parent / "m.yaml"))


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("csv", ["1,5", "1.234,5", ""]),
        ("jsonl", ["1,5", "1.234,5", ""]),
        ("jsonl", [1.5, 1234.5, None]),
        ("jsonl", ["1,5", 1234.5, ""]),
        ("parquet", ["1,5", "1234,5", ""]),
        ("parquet", [1.5, 1234.5, None]),
    ],
)
def test_a_number_is_the_same_as_text_with_a_comma_and_as_a_number(tmp_path, name, cells):
    log = prices(written(tmp_path, name, cells), price=None, bid="paid", full_information=True)
    assert log.frame["bid_micros"].tolist() == MICROS


@pytest.mark.parametrize("cell", ["1.5", "12.34,5", "30.11.2026", "1,2,3"])
def test_a_point_that_is_not_between_thousands_is_no_number(tmp_path, cell):
    with pytest.raises(BadInput, match=r"row 2, column 'paid': .* is not a finite number") as caught:
        prices(written(tmp_path, "csv", [cell, "2", "3"]))
    assert ("a point stands between groups of three digits" in str(caught.value)) == ("." in cell)


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("condition", ["paid > 1.5", {"paid": [9.5, 1234.5]}])
def test_a_filter_compares_numbers_with_commas(tmp_path, name, condition):
    cells = ["1,5", "1234,5", "7"] if name == "csv" else [1.5, 1234.5, 7.0]
    log = prices(written(tmp_path, name, cells), filter=condition)
    kept = [1_234_500, 7_000] if isinstance(condition, str) else [1_234_500]
    assert log.frame["price_micros"].tolist() == kept


@pytest.mark.parametrize("of_table", [None, ","])
def test_tables_have_decimals_ranges_lists_and_gaps_as_the_log_has(tmp_path, of_table):
    tables = firm(tmp_path)
    orders = tables["orders"]
    orders.assign(margin=[f"{one:.2f}".replace(".", ",") for one in orders["margin"]]).to_csv(
        tmp_path / "orders.csv", sep=";", index=False
    )
    crm = tables["crm"].drop_duplicates("customer")
    spent = [f"{i % 4 * 1000}".replace("000", ".000,5") if i % 4 else "none" for i in range(len(crm))]
    crm.assign(spent=spent, tags="a|b").to_csv(tmp_path / "crm.csv", sep="\t", index=False)
    ranged = {
        "path": "crm.csv", "key": {"who": "customer"}, "profile": ["spent", "tags"],
    }  # fmt: skip
    tree = MAPPING | {"buckets": {"spent": [1500, 2500]}, "lists": ["tags"], "list_separator": "|"}
    tree |= {"missing": ["", "none"], "tables": {**MAPPING["tables"], "crm": ranged}}
    if of_table is None:
        log = tables["log"]
        log.assign(cost=[f"{one}".replace(".", ",") for one in log["cost"]]).to_csv(
            tmp_path / "log.csv", sep=";", index=False
        )
        tree["decimal"] = ","
    else:
        for name in ("conversions", "crm"):
            tree["tables"][name] = tree["tables"][name] | {"decimal": of_table}
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(tree))
    frame = read_log(tmp_path / "log.csv", mapping=str(tmp_path / "mapping.yaml")).frame
    log = tables["log"]
    margin = log["imp"].map(orders.groupby("impression")["margin"].sum()).fillna(0)
    assert frame["value_micros"].to_numpy() == pytest.approx(1e6 * margin.to_numpy())
    assert frame["price_micros"].to_numpy() == pytest.approx(1e3 * log["cost"].to_numpy(), abs=0.51)
    ranges = {"1.000,5": "up to 1500", "2.000,5": "up to 2500", "3.000,5": "above 2500", "none": ""}
    expected = log["who"].map(dict(zip(crm["customer"], map(ranges.get, spent), strict=True))).fillna("")
    assert (frame["spent"].astype(str) == expected).all()
    assert set(frame["tags"].astype(str)) == {"", "a,b"}


def test_like_complaints_are_one_line(tmp_path):
    (tmp_path / "log.csv").write_text("paid,click\n" + "x,0\n" * 7 + "y,0\n" + "1,0\n" + "x,0\n")
    (tmp_path / "m.yaml").write_text("price: paid\nclick: click\n")
    with pytest.raises(BadInput) as caught:
        read_log(tmp_path / "log.csv", mapping=str(tmp_path / "m.yaml"))
    first, second = caught.value.problems
    assert "log.csv, rows 2, 3, 4, 5, 6, 7, 8, 11, column 'paid': 'x' is not a finite number" in first
    assert "log.csv, row 9, column 'paid': 'y' is not" in second


@pytest.mark.parametrize(
    ("decimal", "cell"),
    [
        *((".", cell) for cell in ("1'234.5", "1,234.50", "1 234.5", "1\u00a0234.5", "1234.5")),
        *((",", cell) for cell in ("1'234,5", "1.234,50", "1 234,5", "1\u202f234,5", "1234,5")),
    ],
)
def test_marks_between_thousands_are_left_out(tmp_path, decimal, cell):
    log = prices(written(tmp_path, "csv", [cell, "2", "3"]), decimal=decimal)
    assert log.frame["price_micros"].tolist() == [1_234_500, 2_000, 3_000]


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("1,234", "say decimal: ','"),
        ("12,34.5", ""),
        ("$1.50", "without a currency or unit"),
        ("2 EUR", "without a currency or unit"),
        ("dear", ""),
    ],
)
def test_a_number_that_is_none_hears_why(tmp_path, cell, hint):
    with pytest.raises(BadInput, match="is not a finite number from 0 to ") as caught:
        prices(written(tmp_path, "csv", [cell, "2", "3"]), decimal=".")
    assert ("(" in str(caught.value)) == bool(hint)
    assert hint in str(caught.value)


@pytest.mark.parametrize("above", ["sep=;\r\n", "Report of January\r\nAll campaigns; all sites\r\n\r\n"])
def test_a_header_below_the_first_line_is_found_and_not_read(tmp_path, above):
    path = written(tmp_path, "csv", ["1", "2", "3"])
    path.write_bytes(above.encode() + path.read_bytes())
    number = above.count("\n") + 1
    with pytest.raises(BadInput, match=rf"row {number} has them: .*tail -n \+{number} "):
        prices(path)


def test_a_table_whose_header_is_below_the_first_line_shows_nothing_of_it(tmp_path):
    firm(tmp_path)
    crm = tmp_path / "crm.csv"
    crm.write_text("somebody@example.org\n" + crm.read_text())
    with pytest.raises(BadInput, match="row 2 has them") as caught:
        read_log(tmp_path / "log.csv", mapping=str(tmp_path / "mapping.yaml"))
    assert "somebody" not in str(caught.value)
