"""Tables joined to a log: what each file holds is found by its key, no row is added, and no identifier leaves the reader."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from tests.experiments.log_files import open_log, read_log, supply

from jointbid.experiments.cli.main import main
from jointbid.experiments.errors import BadInput
from jointbid.experiments.logs.formats.joins import loading
from jointbid.experiments.logs.formats.joins.join_counts import count_joins
from jointbid.experiments.logs.formats.joins.keys import one_form
from jointbid.experiments.logs.formats.registry import open_joined
from jointbid.experiments.logs.rows.row_audit import RowAudit
from jointbid.experiments.report.join_counts import _sides, cell, part

ROWS, PEOPLE = 600, 90
START = pd.Timestamp("2025-03-03")
PLANTED = "zq7-planted"
MAPPING = {
    "price": "cost",
    "time": {"column": "at", "unit": "iso"},
    "context": ["site"],
    "full_information": True,
    "tables": {
        "clicks": {"path": "clicks.csv", "key": "imp"},
        "conversions": {"path": "orders.csv", "key": {"imp": "impression"}, "value": "margin"},
        "crm": {"path": "crm.csv", "key": {"who": "customer"}, "profile": ["segment"]},
    },
}


def firm(folder: Path, seed: int = 3) -> dict[str, pd.DataFrame]:
    """Write the files of a small firm; two thirds of the people are in the CRM, some of them twice."""
    rng = np.random.default_rng(seed)
    who = rng.integers(0, PEOPLE, ROWS)
    log = pd.DataFrame(
        {
            "at": (START + pd.to_timedelta(np.sort(rng.integers(0, 14 * 86_400, ROWS)), unit="s")).strftime("%Y-%m-%dT%H:%M:%S"),
            "imp": [f"{PLANTED}-i{i}" for i in range(ROWS)],
            "who": [f"{PLANTED}-{one}" for one in who],
            "site": rng.choice(["news", "mail"], ROWS),
            "cost": rng.lognormal(0, 0.5, ROWS).round(3),
        }
    )  # fmt: skip
    clicks = log.loc[rng.random(ROWS) < 0.2, ["imp"]]
    clicks = pd.concat([clicks, clicks.head(5), pd.DataFrame({"imp": [f"{PLANTED}-elsewhere"]})])
    orders = pd.DataFrame({"impression": clicks["imp"].head(30), "margin": rng.uniform(1, 2, 30).round(2)})
    people = np.arange(0, PEOPLE * 2 // 3)
    crm = pd.DataFrame(
        {
            "customer": [f"{PLANTED}-{one}" for one in people],
            "segment": rng.choice(["a", "b", "c"], len(people)),
        }
    )
    crm = pd.concat([crm, crm.head(25).assign(segment="later")])
    tables = {"log": log, "clicks": clicks, "orders": orders, "crm": crm}
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    write(folder, MAPPING)
    return tables


def write(folder: Path, mapping: dict) -> Path:
    path = folder / "mapping.yaml"
    path.write_text(yaml.safe_dump(mapping), "utf-8")
    return path


def read(folder: Path, **settings):
    return read_log(folder / "log.csv", mapping=str(folder / "mapping.yaml"), **settings)


def counted(folder: Path, **settings):
    made = supply(folder / "log.csv", mapping=str(folder / "mapping.yaml"), **settings)
    return count_joins(open_joined(made), RowAudit(made.path))


def test_the_join_is_that_of_pandas_and_adds_no_row(tmp_path):
    tables = firm(tmp_path)
    frame = read(tmp_path).frame
    log = tables["log"]
    crm = tables["crm"].drop_duplicates("customer", keep="last").set_index("customer")["segment"]
    margin = tables["orders"].groupby("impression")["margin"].sum()
    assert len(frame) == ROWS
    assert (frame["segment"].astype(str) == log["who"].map(crm).fillna("")).all()
    assert (frame["click"] == log["imp"].isin(tables["clicks"]["imp"])).all()
    assert (frame["conversion"] == log["imp"].isin(margin.index)).all()
    assert frame["value_micros"].to_numpy() == pytest.approx(
        1e6 * log["imp"].map(margin).fillna(0).to_numpy()
    )


def test_the_account_counts_keys_and_rows_of_each_side(tmp_path):
    tables = firm(tmp_path)
    found = counted(tmp_path)
    crm, clicks = found.tables["crm"], found.tables["clicks"]
    there = tables["log"]["who"].isin(tables["crm"]["customer"])
    assert found.persons == tables["log"]["who"].nunique()
    assert crm.rows == [there.sum(), ROWS]
    assert crm.keys == [tables["log"]["who"][there].nunique(), tables["log"]["who"].nunique()]
    assert (crm.loaded.keys, crm.loaded.repeated) == (60, 25)
    assert crm.loaded.rows.dropped == {"repeat the key of another row": 25}
    assert crm.never_met == 60 - crm.keys[0]
    assert clicks.never_met == 1
    assert clicks.loaded.rows.read == len(tables["clicks"])
    assert crm.clicks.sum() == ROWS
    assert sum(part[3] for part in crm.coverage) == ROWS
    clicked = tables["log"]["imp"].isin(tables["clicks"]["imp"])
    assert crm.clicks[1, 1] == (clicked & there).sum()


def test_outcomes_count_within_hours_and_young_rows_are_left_out(tmp_path):
    tables = firm(tmp_path)
    log = tables["log"].assign(at=pd.to_datetime(tables["log"]["at"]))
    rng = np.random.default_rng(4)
    clicks = log.sample(200, random_state=1)[["imp", "at"]]
    clicks = pd.concat([clicks, clicks.head(20)])
    late = clicks["at"] + pd.to_timedelta(rng.uniform(0, 48, len(clicks)), unit="h")
    clicks, late = clicks[late <= log["at"].max()], late[late <= log["at"].max()]
    clicks.assign(at=late.dt.strftime("%Y-%m-%dT%H:%M:%S")).to_csv(tmp_path / "clicks.csv", index=False)
    tables = {
        **MAPPING["tables"],
        "clicks": {"path": "clicks.csv", "key": "imp", "time": "at", "within_h": 24},
    }
    write(tmp_path, {**MAPPING, "tables": tables})
    found = read(tmp_path)
    last = late.dt.floor("s").max()
    kept = log[log["at"] <= last - pd.Timedelta(hours=24)]
    both = clicks.assign(late=late.dt.floor("s"))[["imp", "late"]].merge(kept, on="imp")
    within = both[(both["late"] >= both["at"]) & (both["late"] <= both["at"] + pd.Timedelta(hours=24))]
    assert found.rows.dropped == {"too young for tables.clicks.within_h": len(log) - len(kept)}
    assert found.frame["click"].tolist() == kept["imp"].isin(within["imp"]).astype(int).tolist()
    assert 0 < found.frame["click"].sum() < 200
    write(tmp_path, {**MAPPING, "tables": {**tables, "clicks": {**tables["clicks"], "time": None}}})
    with pytest.raises(BadInput, match=r"tables.clicks.within_h: needs the outcome's time"):
        read(tmp_path)


def test_tables_may_be_tsv_parquet_json_lines_or_folders(tmp_path):
    tables = firm(tmp_path)
    expected = read(tmp_path).frame["segment"].astype(str)
    crm = tables["crm"]
    crm.to_csv(tmp_path / "crm.tsv", sep="\t", index=False)
    crm.to_parquet(tmp_path / "crm.parquet", index=False)
    crm.rename(columns={"customer": "person.id"}).to_json(
        tmp_path / "plain.jsonl", orient="records", lines=True
    )
    (tmp_path / "crm.jsonl").write_text(
        "\n".join(json.dumps({"customer": {"id": one}, "segment": two}) for one, two in crm.to_numpy()) + "\n"
    )
    parts = tmp_path / "parts"
    parts.mkdir()
    crm.head(40).to_csv(parts / "1.csv", index=False)
    crm.tail(len(crm) - 40).to_csv(parts / "2.csv.gz", index=False)
    for path, key in [
        ("crm.tsv", "customer"),
        ("crm.parquet", "customer"),
        ("crm.jsonl", "customer.id"),
        ("parts", "customer"),
    ]:
        mapping = {
            **MAPPING,
            "tables": {**MAPPING["tables"], "crm": {"path": path, "key": {"who": key}, "profile": "segment"}},
        }
        write(tmp_path, mapping)
        assert (read(tmp_path).frame["segment"].astype(str) == expected).all(), path


def with_versions(folder: Path) -> pd.DataFrame:
    """Give each person of the CRM three records in time, and join the last one before the impression."""
    rng = np.random.default_rng(9)
    who = np.repeat([f"{PLANTED}-{one}" for one in range(60)], 3)
    since = START + pd.to_timedelta(rng.integers(-5 * 86_400, 14 * 86_400, len(who)), unit="s")
    versions = pd.DataFrame({"customer": who, "segment": [f"v{i}" for i in range(len(who))], "since": since})
    versions.to_parquet(folder / "crm.parquet", index=False)
    table = {"path": "crm.parquet", "key": {"who": "customer"}, "profile": ["segment"], "valid_from": "since"}
    write(folder, {**MAPPING, "tables": {**MAPPING["tables"], "crm": table}})
    return versions


@pytest.mark.parametrize("most", [0, 1_000], ids=["as-of", "until"])
def test_records_count_from_when_they_are_valid(tmp_path, monkeypatch, most):
    monkeypatch.setattr(loading, "MOST_VERSIONS", most)
    log = firm(tmp_path)["log"]
    versions = with_versions(tmp_path)
    left = log.assign(now=pd.to_datetime(log["at"]).astype("datetime64[us]")).sort_values(
        "now", kind="stable"
    )
    right = versions.astype({"since": "datetime64[us]"}).sort_values("since")
    merged = pd.merge_asof(left, right, left_on="now", right_on="since", left_by="who", right_by="customer")
    found = read(tmp_path).frame
    assert (found["segment"].astype(str) == merged["segment"].fillna("").to_numpy()).all()
    known = left["who"].isin(versions["customer"]).to_numpy()
    assert counted(tmp_path).tables["crm"].early == (known & merged["segment"].isna().to_numpy()).sum()
    log_of = read_log(tmp_path / "log.csv", mapping=str(tmp_path / "mapping.yaml"))
    day_us = 86_400_000_000
    stale = log_of.joins.look_up(
        "crm", found["key of crm"].to_numpy(), found["join_time_us"].to_numpy() - day_us
    )
    late = pd.merge_asof(
        left.assign(now=left["now"] - pd.Timedelta(days=1)),
        right,
        left_on="now",
        right_on="since",
        left_by="who",
        right_by="customer",
    )
    assert stale["segment"].to_pylist() == late["segment"].fillna("").tolist()


@pytest.mark.parametrize("fit", ["trim", "number", "case", "sha256", "md5"])
@pytest.mark.few(1)
def test_keys_that_fit_in_another_form_are_found_and_can_be_joined(tmp_path, fit):
    crm = firm(tmp_path)["crm"].drop_duplicates("customer", keep="last")
    plain = counted(tmp_path).tables["crm"].keys[0]
    spoil = {
        "trim": lambda key: f" {key} ",
        "number": lambda key: f"{key}.0",
        "case": str.upper,
        "sha256": lambda key: hashlib.sha256(key.encode()).hexdigest(),
        "md5": lambda key: hashlib.md5(key.encode()).hexdigest().upper(),
    }[fit]  # fmt: skip
    crm.assign(customer=crm["customer"].map(spoil)).to_csv(tmp_path / "crm.csv", index=False)
    table = counted(tmp_path).tables["crm"]
    assert table.keys[0] == 0
    assert table.fits[fit] == plain
    write(
        tmp_path,
        {**MAPPING, "tables": {**MAPPING["tables"], "crm": {**MAPPING["tables"]["crm"], "fit": fit}}},
    )
    assert counted(tmp_path).tables["crm"].keys[0] == plain


def test_numbers_as_keys_have_one_form():
    import duckdb

    cells = ["12", "0012", "12.0", " 12.00 ", "0", "00.0", "1.5", "012abc", "u-0012", "10"]
    listed = ", ".join(f"('{cell}')" for cell in cells)
    found = duckdb.sql(f"SELECT {one_form('c', 'number')} FROM (VALUES {listed}) t(c)").fetchall()
    assert [row[0] for row in found] == ["12"] * 4 + ["0", "0", "1.5", "12abc", "u-0012", "10"]


def test_long_numbers_of_parquet_match_those_of_text(tmp_path):
    who = [f"{1_000_000_000_000 + i // 2}" for i in range(40)]
    log = pd.DataFrame({"at": "2025-03-03", "who": who, "cost": 1.0, "click": 0})
    log.to_csv(tmp_path / "log.csv", index=False)
    pd.DataFrame({"customer": [float(one) for one in who[::4]], "segment": "a"}).to_parquet(
        tmp_path / "crm.parquet"
    )
    crm = {"path": "crm.parquet", "key": {"who": "customer"}, "profile": "segment"}
    write(tmp_path, {"price": "cost", "click": "click", "tables": {"crm": crm}})
    assert counted(tmp_path).tables["crm"].rows == [20, 40]


def test_a_count_of_few_keys_cannot_be_worked_out_from_those_beside_it(tmp_path):
    firm(tmp_path)
    found = counted(tmp_path)
    table = found.tables["crm"]
    table.keys, table.loaded = [59, 90], replace(table.loaded, keys=60)
    table.never_met = 1
    row = _sides(table, 20)
    assert row[5:] == ("about 60", "about 40", "fewer than 20")


def test_a_table_in_folders_named_by_its_key_is_joined_and_no_message_names_them(tmp_path):
    crm = firm(tmp_path)["crm"].drop_duplicates("customer", keep="last")
    plain = counted(tmp_path).tables["crm"].rows
    for who, rows in crm.groupby("customer"):
        folder = tmp_path / "people" / f"customer={who}"
        folder.mkdir(parents=True)
        rows[["segment"]].to_parquet(folder / "part-0.parquet", index=False)
    table = {**MAPPING["tables"]["crm"], "path": "people"}
    write(tmp_path, {**MAPPING, "tables": {**MAPPING["tables"], "crm": table}})
    assert counted(tmp_path).tables["crm"].rows == plain
    (folder / "part-0.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadInput, match=r"people, file \d+ of 60: cannot be read") as caught:
        counted(tmp_path)
    assert PLANTED not in str(caught.value)


def test_missing_keys_never_match(tmp_path):
    tables = firm(tmp_path)
    log, crm = tables["log"], tables["crm"]
    log.loc[:99, "who"] = ""
    log.to_csv(tmp_path / "log.csv", index=False)
    pd.concat([crm, pd.DataFrame({"customer": ["", "NULL"], "segment": "nobody"})]).to_csv(
        tmp_path / "crm.csv", index=False
    )
    found = counted(tmp_path).tables["crm"]
    assert found.without_key == 100
    assert found.loaded.rows.dropped["without a key"] == 2
    assert "nobody" not in set(read(tmp_path).frame["segment"].astype(str))


def test_the_same_files_give_the_same_numbers_and_others_do_not(tmp_path):
    firm(tmp_path)
    one, two = read(tmp_path).frame, read(tmp_path).frame
    pd.testing.assert_frame_equal(one, two)
    with (tmp_path / "crm.csv").open("a") as file:
        file.write("someone,a\n")
    assert not set(one["user"]) & set(read(tmp_path).frame["user"])


def test_a_table_that_no_row_finds_a_record_in_is_refused(tmp_path):
    tables = firm(tmp_path)
    crm = tables["crm"]
    crm.assign(customer="other-" + crm["customer"]).to_csv(tmp_path / "crm.csv", index=False)
    with pytest.raises(
        BadInput, match=r"tables.crm: none of 600 rows .* finds a record by who \(there customer\)"
    ):
        read(tmp_path)
    assert counted(tmp_path).tables["crm"].rows == [0, ROWS]


def test_a_folder_of_folders_holds_the_files_of_all(tmp_path):
    tables = firm(tmp_path)
    parts = tmp_path / "log"
    for number, name in enumerate(("2025-03-03", "2025-03-10")):
        (parts / name).mkdir(parents=True)
        half = tables["log"].iloc[number * 300 : (number + 1) * 300]
        half.to_csv(parts / name / "part-0.csv", index=False)
    (tmp_path / "log.csv").unlink()
    (parts / "README.md").write_text("# A published set\n")
    (parts / "2025-03-03" / "LICENSE").write_text("free\n")
    found = read_log(parts, mapping=str(tmp_path / "mapping.yaml"))
    assert len(found) == ROWS
    (parts / "2025-03-10" / "notes.txt").write_text("x")
    with pytest.raises(BadInput, match=r"holds folders, .*\.csv, \.txt"):
        read_log(parts, mapping=str(tmp_path / "mapping.yaml"))


def test_a_test_log_is_of_the_training_logs_campaign_where_none_is_named(tmp_path):
    log = firm(tmp_path)["log"]
    for name, half in (("first", log.iloc[:300]), ("second", log.iloc[300:])):
        half.to_csv(tmp_path / f"{name}.csv", index=False)
    pair = {"mapping": str(tmp_path / "mapping.yaml"), "test_path": str(tmp_path / "second.csv")}
    frame = read_log(tmp_path / "first.csv", **pair).frame
    assert set(frame["campaign"].astype(str)) == {"first"}
    assert frame["test"].sum() == 300


def test_what_is_read_again_is_the_same(tmp_path):
    firm(tmp_path)
    log = read(tmp_path, most_rows=200)
    assert log.full is not None
    assert sum(map(len, log.full.tables(0))) == ROWS


WRONG = {
    "adds nothing": ({"path": "crm.csv", "key": "who"}, "adds nothing"),
    "a key as feature": ({"path": "crm.csv", "key": "who", "profile": ["who"]}, "who is a key"),
    "no such file": ({"path": "gone.csv", "key": "who", "profile": ["segment"]}, "tables.crm.path = gone.csv"),
    "no such column": ({"path": "crm.csv", "key": {"who": "customers"}, "profile": ["segment"]}, "did you mean 'customer'"),
    "no such fit": ({"path": "crm.csv", "key": "who", "profile": ["segment"], "fit": "fuzzy"}, "tables.crm.fit = fuzzy"),
    "two owners": ({"path": "crm.csv", "key": {"who": "customer"}, "profile": ["site"]}, "site: named in two groups"),
    "value of features": ({"path": "crm.csv", "key": "who", "profile": ["segment"], "value": "x"}, "clicks and conversions"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_joined_is_refused_with_its_place(tmp_path, name):
    firm(tmp_path)
    table, words = WRONG[name]
    write(tmp_path, {**MAPPING, "tables": {**MAPPING["tables"], "crm": table}})
    with pytest.raises(BadInput, match=words):
        read(tmp_path)


def test_outcomes_come_from_the_log_or_a_table_and_not_from_both(tmp_path):
    firm(tmp_path)
    without = {name: table for name, table in MAPPING["tables"].items() if name != "clicks"}
    for mapping, words in [
        ({**MAPPING, "tables": without}, "click: required"),
        ({**MAPPING, "click": "imp"}, "leave it out"),
    ]:
        write(tmp_path, mapping)
        with pytest.raises(BadInput, match=words):
            read(tmp_path)


def test_small_cells_and_their_rests_are_not_told():
    assert [cell(n, 20) for n in (0, 1, 19, 20)] == ["0", "fewer than 20", "fewer than 20", "20"]
    assert part(97, 100, 20) == "more than 80"
    assert part(3, 100, 20) == "fewer than 20"
    assert part(100, 100, 20) == "100"


def test_a_small_group_is_not_told_of(tmp_path, capsys):
    firm(tmp_path)
    assert (
        main(
            [
                "log",
                "join",
                str(tmp_path / "log.csv"),
                f"supply.mapping={tmp_path / 'mapping.yaml'}",
                "supply.min_group=50",
            ]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert "fewer than 50" in said
    assert " 25 keys" not in said


def spoil(folder: Path) -> None:
    """Add rows of another width, with a bad cell and that are shifted by one, each with identifiers in every cell."""
    with (folder / "crm.csv").open("a") as file:
        file.write(f"{PLANTED}-x,{PLANTED}-y,{PLANTED}-z\n")
    with (folder / "log.csv").open("a") as file:
        file.write(f"{PLANTED}-shifted,{PLANTED}-at,2025-03-03T00:00:00,news,{PLANTED}\n")


@pytest.mark.parametrize("action", ["join", "inspect"])
@pytest.mark.parametrize("how", ["whole", "spoilt", "headless table", "headless log"])
def test_no_message_holds_an_identifier(tmp_path, capsys, monkeypatch, action, how):
    files = tmp_path / "files"
    files.mkdir()
    firm(files)
    if how == "spoilt":
        spoil(files)
    if how in {"headless table", "headless log"}:
        file = files / ("crm.csv" if how == "headless table" else "log.csv")
        file.write_text(file.read_text().split("\n", 1)[1])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    code = main(["log", action, str(files / "log.csv"), f"supply.mapping={files / 'mapping.yaml'}"])
    found = capsys.readouterr()
    assert code == (0 if how == "whole" else 2)
    assert found.out or found.err
    assert PLANTED not in found.out + found.err
    assert holding(elsewhere) == []


def holding(folder: Path) -> list[Path]:
    """Return the files that hold a planted identifier, in the clear."""
    return [path for path in folder.rglob("*") if path.is_file() and PLANTED.encode() in path.read_bytes()]


def test_a_log_without_tables_cannot_be_joined(tmp_path):
    firm(tmp_path)
    write(tmp_path, {"price": "cost", "click": "cost", "context": ["site"]})
    with pytest.raises(BadInput, match="has no tables"):
        counted(tmp_path)


def test_inspect_does_not_count_a_campaign_of_few_persons(tmp_path, capsys):
    log = firm(tmp_path)["log"]
    log.assign(line=np.where(log["who"].isin(log["who"].unique()[:7]), "few", "many")).to_csv(
        tmp_path / "log.csv", index=False
    )
    write(tmp_path, {**MAPPING, "campaign": "line"})
    assert (
        main(["log", "inspect", str(tmp_path / "log.csv"), f"supply.mapping={tmp_path / 'mapping.yaml'}"])
        == 0
    )
    said = " ".join(capsys.readouterr().out.replace("|", " ").split())
    assert "few (too few persons to be shown)" in said
    assert "many (" in said


def test_inspect_shows_the_joined_columns(tmp_path):
    firm(tmp_path)
    _, reader = open_log(tmp_path / "log.csv", mapping=str(tmp_path / "mapping.yaml"))
    assert (reader.roles.profile, reader.roles.context) == (("segment",), ("site",))
