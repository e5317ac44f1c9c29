"""Shapes in which ad servers, warehouses and spreadsheets export two departments' tables."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml
from tests.experiments.log_files import read_log, supply

from jointbid.experiments.errors import BadInput
from jointbid.experiments.logs.formats.joins.join_counts import count_joins
from jointbid.experiments.logs.formats.joins.store import TableStore
from jointbid.experiments.logs.formats.registry import open_joined
from jointbid.experiments.logs.replay.rejoined import Change, owners_tables, rejoined
from jointbid.experiments.logs.rows.column_rules import Column, flag, number_in
from jointbid.experiments.logs.rows.conditions import condition_of
from jointbid.experiments.logs.rows.row_audit import RowAudit
from jointbid.experiments.logs.rows.times import Clock
from jointbid.experiments.report.wording.join_counts import join_sentences

ROWS, PEOPLE = 400, 60
LOG = {
    "price": "cost",
    "time": {"column": "at", "unit": "s"},
    "context": ["site"],
    "tables": {"crm": {"path": "crm.csv", "key": "who", "profile": ["segment"]}},
}


def export(folder: Path, tables: dict | None = None, **keys) -> pd.DataFrame:
    """Write a log, a table of all events of it, and a CRM of two thirds of its people; return the log."""
    rng = np.random.default_rng(5)
    log = pd.DataFrame({
        "imp": np.arange(ROWS) + 7000,
        "who": rng.integers(1, PEOPLE + 1, ROWS),
        "at": 1_764_547_200 + np.sort(rng.integers(0, 8 * 86_400, ROWS)),
        "site": rng.choice(["news", "mail"], ROWS),
        "cost": rng.lognormal(0, 0.5, ROWS).round(3),
        "clicked": (rng.random(ROWS) < 0.2).astype(int),
    })  # fmt: skip
    log.drop(columns="clicked").to_csv(folder / "log.csv", index=False)
    log[["imp", "clicked"]].to_csv(folder / "clicks.csv", index=False)
    crm = pd.DataFrame({"who": np.arange(1, 41), "segment": rng.choice(["a", "b"], 40), "tier": 1})
    crm.to_csv(folder / "crm.csv", index=False)
    clicks = {"path": "clicks.csv", "key": "imp", "filter": {"clicked": 1}}
    mapping = LOG | {"tables": LOG["tables"] | {"clicks": clicks} | (tables or {})} | keys
    (folder / "m.yaml").write_text(yaml.safe_dump(mapping), "utf-8")
    return log


def read(folder: Path, path: str = "log.csv", **settings):
    return read_log(folder / path, mapping=str(folder / "m.yaml"), **settings)


def sentences(folder: Path) -> list[str]:
    made = supply(folder / "log.csv", mapping=str(folder / "m.yaml"))
    return list(join_sentences(count_joins(open_joined(made), RowAudit(made.path)), 20))


@pytest.mark.parametrize("condition", [{"clicked": 1}, "clicked > 0"])
def test_a_table_of_all_events_gives_the_clicks_that_its_filter_keeps(tmp_path, condition):
    log = export(tmp_path, {"clicks": {"path": "clicks.csv", "key": "imp", "filter": condition}})
    assert (read(tmp_path).frame["click"].to_numpy() == log["clicked"]).all()
    clicks = int(log["clicked"].sum())
    dropped = f"{ROWS - clicks} left out by the mapping's filter"
    assert f"clicks: {ROWS} rows read, {clicks} used, dropped: {dropped}" in sentences(tmp_path)


def test_a_log_whose_every_row_is_clicked_is_refused_and_the_filter_named(tmp_path):
    export(tmp_path, {"clicks": {"path": "clicks.csv", "key": "imp"}})
    with pytest.raises(BadInput, match=r"tables.clicks: each of 400 rows .* filter: \{clicked: 1\}"):
        read(tmp_path)
    said = sentences(tmp_path)
    assert any("which count, as in filter" in text for text in said)
    assert not any("nan" in text for text in said)


@pytest.mark.parametrize(
    ("condition", "cell"),
    [
        ("who::INTEGER > 3", "planted-7"),
        ("who::INTEGER > 3", "o'planted@x.org"),
        ("strptime(who, '%Y') > now()", "planted"),
        ("json_extract(who, 'a') = 3", "planted"),
    ],
)
def test_a_filters_error_shows_no_cell(condition, cell):
    keep = condition_of(condition, "tables.crm.filter")
    assert keep is not None
    with pytest.raises(BadInput, match=r"cannot be applied: .*not shown, as it may hold a cell") as caught:
        keep.keeps({"who": pa.array([cell])})
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        (["1.0", "0.0", ""], [True, False, False]),
        ([1.0, 0.0, None], [True, False, False]),
        ([True, False, None], [True, False, False]),
        ([" 1 ", "01", "1.5"], [True, False, False]),
    ],
)
def test_a_filter_by_a_number_finds_it_in_each_form(cells, kept):
    keep = condition_of({"clicked": 1}, "filter")
    assert keep is not None
    assert keep.keeps({"clicked": pa.array(cells)}).tolist() == kept


def test_a_pattern_shows_nothing_of_a_table_without_a_header(tmp_path):
    everything = {"path": "crm.csv", "key": "who", "profile": ["*"]}
    export(tmp_path, {"crm": everything})
    pd.read_csv(tmp_path / "crm.csv").assign(segment="planted").to_csv(
        tmp_path / "crm.csv", index=False, header=False
    )
    with pytest.raises(BadInput, match=r"holds none of the columns who; has it a header\?") as caught:
        read(tmp_path)
    assert "planted" not in str(caught.value)
    (tmp_path / "crm.csv").write_text("")
    with pytest.raises(BadInput, match=r"crm\.csv: is empty; expected a header and rows"):
        read(tmp_path)


def test_patterns_leave_out_what_has_another_role(tmp_path):
    crm = {"path": "crm.csv", "key": "who", "profile": ["*"], "valid_from": "since", "delimiter": "~"}
    shops = {"path": "shops.csv", "key": "site", "context": ["*"]}
    export(tmp_path, {"crm": crm, "shops": shops}, user="who")
    pd.read_csv(tmp_path / "crm.csv").assign(since="2025-12-01").to_csv(
        tmp_path / "crm.csv", index=False, sep="~"
    )
    pd.DataFrame({"site": ["news", "mail"], "topic": ["x", "y"]}).to_csv(tmp_path / "shops.csv", index=False)
    roles = read(tmp_path).roles
    assert (roles.profile, set(roles.context)) == (("segment", "tier"), {"site", "topic"})
    export(tmp_path, {"shops": shops | {"context": ["topic"]}}, profile=["c*"])
    with pytest.raises(
        BadInput, match=r"supply.mapping: profile: no column fits 'c\*'"
    ):  # the cost is a price
        read(tmp_path)


def test_an_unknown_person_is_unknown_in_every_file_and_form(tmp_path):
    log = export(tmp_path, user="who", no_key=["0"], ids_per_file=True)
    (tmp_path / "parts").mkdir()
    for part in range(2):
        some = log.drop(columns="clicked").iloc[part::2].astype({"who": str})
        some.iloc[:50, some.columns.get_loc("who")] = " 0"
        some.to_csv(tmp_path / "parts" / f"{part}.csv", index=False)
    user = read(tmp_path, "parts").frame["user"].astype(str)
    assert (user == "").sum() == 100
    assert not user.str.contains("/ ?0$").any()


def test_a_header_in_another_order_is_a_header(tmp_path):
    crm = {"path": "crm.csv", "key": "who", "profile": ["segment"], "header": ["who", "segment", "tier"]}
    export(tmp_path, {"crm": crm})
    before = read(tmp_path).frame["segment"].astype(str)
    pd.read_csv(tmp_path / "crm.csv")[["tier", "segment", "who"]].to_csv(tmp_path / "crm.csv", index=False)
    assert read(tmp_path).frame["segment"].astype(str).equals(before)


def test_exports_named_by_their_hash_are_data(tmp_path):
    export(tmp_path, {"crm": {"path": "crm", "key": "who", "profile": ["segment"]}})
    before = pd.read_csv(tmp_path / "crm.csv")
    (tmp_path / "crm").mkdir()
    for name, some in (("md5_a.csv", before[:20]), ("sha256_b.csv", before[20:])):
        some.to_csv(tmp_path / "crm" / name, index=False)
    for name in ("MD5SUMS", "license", "README.txt", "map.PNG"):
        (tmp_path / "crm" / name).write_text("about")
    found = read(tmp_path).frame
    assert (found["segment"].astype(str) != "").sum() == (
        pd.read_csv(tmp_path / "log.csv")["who"] <= 40
    ).sum()


@pytest.mark.parametrize("headed", [0, 1, 3])
def test_parts_with_and_without_a_header_are_one_export(tmp_path, headed):
    log = export(tmp_path, {"crm": {
        "path": "crm", "key": "who", "profile": ["segment"], "header": ["who", "segment", "tier"]
    }}, header=["imp", "who", "at", "site", "cost"])  # fmt: skip
    for name, source in (("parts", "log.csv"), ("crm", "crm.csv")):
        (tmp_path / name).mkdir()
        rows = pd.read_csv(tmp_path / source)
        for part in range(3):
            text = rows.iloc[part::3].to_csv(index=False, header=part < headed, sep="|")
            (tmp_path / name / f"000{part}_part_00.gz").write_bytes(gzip.compress(text.encode()))
    found = read(tmp_path, "parts")
    assert (len(found), found.frame["click"].sum()) == (ROWS, log["clicked"].sum())
    assert (found.frame["segment"].astype(str) != "").sum() == (log["who"] <= 40).sum()
    # Parts of an export are no campaigns.
    assert set(found.frame["campaign"].astype(str)) == {"parts"}


@pytest.mark.parametrize("listed", [(), ("0",)])
def test_a_key_that_stands_for_unknown_people_is_one_person_until_it_is_named(tmp_path, listed):
    log = export(tmp_path, no_key=list(listed))
    log.loc[log.index % 3 == 0, "who"] = 0
    log.drop(columns="clicked").to_csv(tmp_path / "log.csv", index=False)
    said = sentences(tmp_path)
    persons = log["who"].nunique() - len(listed)
    assert any(f"log: {persons} persons" in text for text in said)
    assert any("say no_key" in text for text in said) is not bool(listed)
    assert any("33.5% of the log's rows have no key" in text for text in said) is bool(listed)
    assert (read(tmp_path).frame["user"] == "").sum() == (log["who"] == 0).sum() * len(listed)


def test_patterns_name_columns_of_the_log_and_of_tables_but_no_key(tmp_path):
    export(tmp_path, {"crm": {"path": "crm.csv", "key": "who", "profile": ["*"]}}, context=["s*"])
    roles = read(tmp_path).roles
    assert (roles.profile, roles.context) == (("segment", "tier"), ("site",))
    export(tmp_path, {"crm": {"path": "crm.csv", "key": "who", "profile": ["x_*"]}})
    with pytest.raises(BadInput, match=r"tables.crm.profile: no column fits 'x_\*'$"):
        read(tmp_path)


def test_keys_that_lost_their_last_digits_are_refused(tmp_path):
    log = export(tmp_path)
    crm = pd.read_csv(tmp_path / "crm.csv")
    crm.assign(who=[f"{1_234_567_000_000 + i * 10_007:.5E}" for i in crm["who"]]).to_csv(
        tmp_path / "crm.csv", index=False
    )
    with pytest.raises(BadInput, match=r"tables.crm, column 'who': many keys .* export them again as text"):
        read(tmp_path)
    export(tmp_path)
    log.assign(who=[f"{i + 1e12:.3e}".replace(".", ",") for i in log["who"]]).to_csv(
        tmp_path / "log.csv", index=False, sep=";"
    )
    with pytest.raises(BadInput, match=r"the log, column 'who': many keys"):
        read(tmp_path)


def test_the_end_mark_of_copy_is_no_row(tmp_path):
    export(tmp_path)
    with (tmp_path / "log.csv").open("a") as file:
        file.write("\\.\n")
    found = read(tmp_path)
    assert found.rows.dropped == {"end mark of PostgreSQL's COPY": 1}
    assert len(found) == ROWS


def test_counts_of_clicks_are_named_as_what_they_are(tmp_path):
    assert "must be two rows" in flag("clicks").rule("3")
    assert "must be two rows" not in flag("clicks").rule("maybe")
    log = export(tmp_path).assign(shown=3)
    log.to_csv(tmp_path / "log.csv", index=False)
    mapping = LOG | {"click": "clicked", "weight": "shown"}
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(mapping), "utf-8")
    assert any(
        text.startswith(f"{log['clicked'].sum()} rows with a click have a weight above 1")
        for text in read(tmp_path).notes
    )


@pytest.mark.parametrize(
    ("cell", "named"),
    [
        ("3/14/2026 9:05 AM", ["'%m/%d/%Y %I:%M %p'"]),
        ("31.12.2025", ["'%d.%m.%Y'"]),
        ("2/3/2026", ["'%d/%m/%Y'", "'%m/%d/%Y'"]),
    ],
)
def test_a_date_that_is_not_iso_is_refused_with_the_patterns_that_fit(cell, named):
    said = Clock("iso").rule(cell)
    assert said.endswith("as in unit: " + " or unit: ".join(named))


@pytest.mark.parametrize(
    ("cell", "decimal", "number"),
    [
        ("$1,203.50", ".", 1203.5),
        ("1.203,50 \u20ac", ",", 1203.5),
        ("1'203.50", ".", 1203.5),
        ("12", ",", 12.0),
        ("gold", ".", None),
        ("1,2", ".", None),
    ],
)
def test_ranges_of_numbers_with_marks_and_a_currencys_sign(cell, decimal, number):
    assert number_in(cell, decimal) == number
    assert "without a currency" in Column("price", "number").rule("$1.20")


def test_the_match_rate_is_that_of_people_and_not_of_a_table_that_all_know(tmp_path):
    ads = {"path": "ads.csv", "key": "site", "ad": ["cate"]}
    log = export(tmp_path, {"ads": ads, "crm": {"path": "crm.csv", "key": "who", "profile": ["seg*"]}})
    pd.DataFrame({"site": ["news", "mail"], "cate": ["x", "y"]}).to_csv(tmp_path / "ads.csv", index=False)
    read_table = read(tmp_path)
    joins = read_table.joins
    assert isinstance(joins, TableStore)
    assert owners_tables(joins.mapping) == ["crm"]
    made, found = rejoined(read_table, joins.mapping, Change(kept=1), 1)
    assert (found == (log["who"] <= 40)).all()
    none, found = rejoined(read_table, joins.mapping, Change(kept=0), 1)
    assert not found.any()
    assert set(none.frame["segment"].astype(str)) == {""}
    assert (none.frame["cate"].astype(str) == made.frame["cate"].astype(str)).all()
