"""Every format that can be read, and every way in which a file of it can be wrong."""

from __future__ import annotations

import bz2
import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.experiments.log_files import open_log, read_log

from jointbid.experiments.errors import BadInput
from jointbid.experiments.logs.formats.ipinyou import SCHEMA, agent
from jointbid.experiments.logs.formats.mapping import read_mapping
from jointbid.experiments.logs.formats.registry import FORMATS
from jointbid.experiments.logs.log_table import LogTable
from jointbid.experiments.logs.read_log import stream
from jointbid.experiments.logs.rows.column_rules import COUNTED
from jointbid.experiments.logs.rows.log_columns import clock17
from jointbid.experiments.logs.rows.row_audit import RowAudit
from jointbid.experiments.logs.synthetic.forms import (
    MAPPING,
    impressions,
    shop,
    write_all,
    write_click_price_pctr,
    write_raw,
)

ROWS = 240
TEXT = ("ipinyou_raw", "ipinyou_raw_season3", "ipinyou_log_txt", "click_price_pctr", "click_price_pctr_wide", "yzx",
        "auctionnet", "mapped")  # fmt: skip
HEADED = ("ipinyou_log_txt", "auctionnet", "mapped")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("logs"), ROWS)


@pytest.fixture
def forms(whole, tmp_path):
    """A fresh copy of all forms, to be broken."""
    root = whole["mapped"].parent
    shutil.copytree(root, tmp_path / "logs")
    return {name: tmp_path / "logs" / path.relative_to(root) for name, path in whole.items()}


def options(name: str, path: Path) -> dict[str, str]:
    return {"mapping": str(path.parent / "shop.yaml")} if name.startswith("mapped") else {}


def read(forms, name: str, **more) -> LogTable:
    return read_log(forms[name], **options(name, forms[name]), **more)


def main_file(forms, name: str) -> Path:
    """The file that holds the rows."""
    path = forms[name]
    return (
        path
        if path.is_file()
        else next(file for file in sorted(path.iterdir()) if file.name.startswith(("imp", "train")))
    )


def lines_of(file: Path) -> list[bytes]:
    return file.read_bytes().split(b"\n")[:-1]


def first_row(forms, name: str) -> int:
    """Index of the first line that is a row of the log."""
    return 1 if name in HEADED else 2 if name == "click_price_pctr" else 0


@pytest.mark.parametrize("name", [*TEXT, "mapped_parquet"])
def test_it_is_detected_by_its_content_and_read(whole, name):
    detected, reader = open_log(whole[name], **options(name, whole[name]))
    assert detected == name.removesuffix("_season3").removesuffix("_wide").removesuffix("_parquet")
    assert detected in FORMATS
    log = read(whole, name)
    frame = log.frame
    assert len(frame) == log.rows.used == ROWS
    assert (np.diff(frame["time_us"]) >= 0).all()
    assert set(frame["click"]) == {0, 1}
    assert (frame["floor_micros"] <= frame["price_micros"]).all()
    assert set(log.roles.features) <= set(frame.columns)
    assert log.roles == reader.roles


def test_the_ipinyou_forms_tell_of_the_same_auctions(whole):
    made = impressions(ROWS)
    for name in ("ipinyou_raw", "ipinyou_log_txt", "yzx", "click_price_pctr"):
        frame = read(whole, name).frame
        assert frame["click"].sum() == made["click"].sum()
        assert frame["price_micros"].sum() == 10 * made["payprice"].sum()
    raw, text = (read(whole, name).frame for name in ("ipinyou_raw", "ipinyou_log_txt"))
    pd.testing.assert_frame_equal(raw, text[raw.columns])
    third = read(whole, "ipinyou_raw_season3").frame
    assert set(third["slotvisibility"].cat.categories) <= {"0", "1", "2"}
    tagged = raw[raw["click"] == 1]["usertag"].astype(str)
    assert (tagged != "").any(), "tags come from the impression: the click rows have none"


def test_weekday_and_hour_come_from_the_time(whole):
    frame = read(whole, "ipinyou_raw").frame
    made = impressions(ROWS)
    hours = pd.to_datetime(made["timestamp"].str[:10], format="%Y%m%d%H").sort_values()
    assert (frame["hour"].astype(int).to_numpy() == hours.dt.hour.to_numpy()).all()
    assert (frame["weekday"].astype(int).to_numpy() == (hours.dt.day_of_week.to_numpy() + 1) % 7).all()
    assert frame["time_us"].iloc[0] < 24 * 3_600_000_000


def test_a_pair_of_files_and_a_click_file_beside_the_impressions(forms):
    folder = forms["ipinyou_raw"]
    imp, clk = folder / "imp.20130602.txt", folder / "clk.20130602.txt"
    expected = read_log(folder).frame
    assert read_log(imp).frame.equals(expected)
    elsewhere = clk.rename(folder.parent / "elsewhere.txt")
    with pytest.raises(BadInput, match=r"no click file beside it.*supply\.clicks"):
        read_log(imp)
    assert read_log(imp, clicks=str(elsewhere)).frame.equals(expected)


def test_clicks_without_impression_and_shared_keys_are_counted(forms):
    folder = forms["ipinyou_raw"]
    imp, clk = folder / "imp.20130602.txt", folder / "clk.20130602.txt"
    clicks, rows = lines_of(clk), lines_of(imp)
    clk.write_bytes(b"\n".join([*clicks, b"ffff" + clicks[0]]) + b"\n")
    doubled = next(row for row in rows if row.split(b"\t")[0] == clicks[0].split(b"\t")[0])
    imp.write_bytes(b"\n".join([*rows, doubled]) + b"\n")
    log = read_log(folder)
    assert log.rows.read == log.rows.used == ROWS + 1
    assert "1 click rows have no impression among these" in log.notes
    assert "1 impressions share a click with another row of the same bid id and creative" in log.notes


def test_the_testing_sets_count_clicks_on_the_row(tmp_path):
    frame = impressions(60)
    path = tmp_path / "leaderboard.test.data.txt"
    path.write_text("".join(
        "\t".join(map(str, row[:-1])) + f"\t{row[-1]}\t0\n" for row in frame[[*SCHEMA, "click"]].itertuples(index=False)
    ))  # fmt: skip
    log = read_log(path)
    assert log.frame["click"].sum() == frame["click"].sum()
    assert log.frame["conversion"].sum() == 0


def test_bid_logs_are_refused_clearly(forms, tmp_path):
    rows = [line.split(b"\t") for line in lines_of(main_file(forms, "ipinyou_raw"))]
    path = tmp_path / "bid.20130606.txt"
    path.write_bytes(b"".join(b"\t".join(row[:20] + row[22:23]) + b"\n" for row in rows))
    for log_format in ("auto", "ipinyou_raw"):
        with pytest.raises(BadInput, match=r"21 columns where .* 24: this is a bid log"):
            read_log(path, log_format)


def test_episodes_and_the_fourth_column(whole):
    log = read(whole, "click_price_pctr")
    assert log.rows.dropped == {"episode line": 3, "first line (rows, episode length)": 1}
    assert log.frame["episode"].value_counts().to_dict() == {1: 100, 2: 100, 3: 40}
    assert read(whole, "click_price_pctr_wide").rows.dropped == {}
    assert set(log.frame["campaign"]) == {"1458"}


def test_yzx_without_an_index_and_with_values(forms):
    folder = forms["yzx"]
    named = read_log(folder)
    assert named.roles.sources == ("profile", "context")
    assert set(named.frame["advertiser"].cat.categories) == {"1458", "2259", "3386"}
    (folder / "featindex.txt").unlink()
    file = folder / "train.yzx.txt"
    rows = lines_of(file)
    file.write_bytes(
        b"\n".join([b"7", rows[0].replace(b":1 ", b":0.5 "), rows[1] + b" 9:0", *rows[2:]]) + b"\n"
    )
    log = read_log(folder)
    assert log.roles.sources == ("context",)
    assert log.rows.dropped == {"episode line": 1}
    assert (log.frame["episode"] == 7).all()
    file.write_bytes(
        b"\n".join([*rows[:4], b"0 12 3:1 four:1", b"0 12 3", b"1 5 3:1 4:x", *rows[4:]]) + b"\n"
    )
    with pytest.raises(BadInput) as caught:
        read_log(folder)
    assert [problem.split(", ", 1)[1].split(" is not")[0] for problem in caught.value.problems] == [
        "row 5, column 'features': '3:1 four:1'",
        "row 6, column 'features': '3'",
        "row 7, column 'features': '3:1 4:x'",
    ]


def test_auctionnet_knows_outcomes_of_what_was_shown(whole):
    log = read(whole, "auctionnet")
    assert log.full_information
    assert log.frame["click"][~log.frame["known"]].sum() == 0
    assert log.frame["campaign"].nunique() == 8


def test_a_mapping_brings_all_groups(whole):
    for name in ("mapped", "mapped_parquet"):
        log = read(whole, name)
        made = shop(ROWS)
        assert log.roles.sources == ("profile", "context", "history")
        assert log.currency == "EUR"
        assert (log.frame["price_micros"] == np.rint(made["paid_cpm"] * 1000)).all()
        assert log.frame["conversion"].sum() == made["bought"].sum()
        assert "sport,travel" in set(log.frame["segment"])
        assert {"user", "bid_micros"} <= set(log.frame.columns)
    pd.testing.assert_frame_equal(read(whole, "mapped").frame, read(whole, "mapped_parquet").frame)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("price: paid_cpm", "prise: paid_cpm"), "prise: no such key; did you mean 'price'"),
        (("click: clicked\n", ""), "click: required, and not given"),
        (("price_unit: cpm", "price_unit: pounds"), "price_unit = pounds: must be 'cpm', 'impression'"),
        (("site, device", "site, clicked"), "clicked: an outcome, a price or a bid cannot be a feature"),
        (("site, device", "site, age"), "age: named in two groups"),
        (("paid_cpm", "paid_cmp"), r"shop\.csv, row 1 \(header\): column 'paid_cmp' is missing; did you mean 'paid_cpm'"),
        ((MAPPING, "[1, 2]"), "must have keys"),
        ((MAPPING, "a: [b"), "is not YAML"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_says_what_is_wrong(forms, change, message):
    file = forms["mapped"].parent / "shop.yaml"
    file.write_text(MAPPING.replace(*change))
    with pytest.raises(BadInput, match=message):
        read(forms, "mapped")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "h", "yyyyMMddHHmmssSSS"])
def test_times_in_any_unit(tmp_path, unit):
    second = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "h": 3600.0}
    written = ["20250301000000500", "20250301000002000"] if unit not in second else [
        str(round(1_740_787_200.5 / second[unit], 9)), str(round(1_740_787_202 / second[unit], 9))
    ]  # fmt: skip
    path = tmp_path / "a.csv"
    path.write_text(
        "t;p;c\n" + "".join(f"{t};1.5;{c}\n" for t, c in zip(written, ["true", "false"], strict=True))
    )
    mapping_file = tmp_path / "a.yaml"
    mapping_file.write_text(f"delimiter: ';'\nprice: p\nclick: c\ntime: {{column: t, unit: {unit}}}\n")
    if unit in {"s", "ms", "us", "h", "yyyyMMddHHmmssSSS"}:
        path.write_text(path.read_text().replace("true", "1"))
    log = read_log(path, mapping=str(mapping_file))
    assert log.frame["time_us"].diff().iloc[1] == pytest.approx(1_500_000, abs=5)
    assert log.frame["click"].tolist() == [1, 0]


# -- malformations: never a crash, never a row lost in silence -----------------------------------------------------


@pytest.mark.few(8)
@pytest.mark.parametrize("name", TEXT)
@pytest.mark.parametrize(
    "pack", [gzip.compress, bz2.compress, lambda data: bytes(memoryview(pa.Codec("zstd").compress(data)))]
)
def test_packed_whole_and_cut_short(forms, name, pack):
    expected, file = read(forms, name).frame, main_file(forms, name)
    packed = pack(file.read_bytes())
    file.write_bytes(packed)
    assert read(forms, name).frame.equals(expected)
    file.write_bytes(packed[: len(packed) // 2])
    for drop_bad in (False, True):
        with pytest.raises(BadInput, match=r"cannot be read|is empty|unknown log format|no rows"):
            read(forms, name, drop_bad=drop_bad)


@pytest.mark.parametrize("name", TEXT)
def test_cut_in_the_middle_of_a_row(forms, name):
    file = main_file(forms, name)
    text = file.read_bytes()
    file.write_bytes(text[: len(text) - len(lines_of(file)[-1]) + 3])
    with pytest.raises(BadInput, match=rf"{file.name}, row \d+"):
        read(forms, name)
    log = read(forms, name, drop_bad=True)
    assert log.rows.read == log.rows.used + sum(log.rows.dropped.values())
    assert log.rows.used == ROWS - 1


@pytest.mark.parametrize("name", TEXT)
def test_other_encodings_lose_nothing_in_silence(forms, name):
    file, rows = main_file(forms, name), lines_of(main_file(forms, name))
    at = first_row(forms, name) + 3
    rows[at] = rows[at].replace(rows[at].split(b"\t")[4] if b"\t" in rows[at] and len(rows[at].split(b"\t")) > 9 else rows[at][-3:],
                                b"\xb9\xe3\xb8\xe6\xff")  # fmt: skip
    file.write_bytes(b"\n".join(rows) + b"\n")
    try:
        log = read(forms, name)
        assert log.rows.used == ROWS
    except BadInput as error:
        assert f"{file}, row {at + 1}" in error.problems[0]  # noqa: PT017 - either may be
    log = read(forms, name, drop_bad=True)
    assert log.rows.read == log.rows.used + sum(log.rows.dropped.values())
    file.write_bytes("\n".join(row.decode("latin-1") for row in rows).encode("utf-16"))
    with pytest.raises(BadInput):
        read(forms, name, drop_bad=True)


@pytest.mark.parametrize("name", TEXT)
def test_crlf_blank_lines_and_a_byte_order_mark(forms, name):
    expected, file = read(forms, name).frame, main_file(forms, name)
    rows = lines_of(file)
    file.write_bytes(b"\r\n".join([*rows, b""]) + b"\r\n")
    log = read(forms, name)
    assert log.frame.equals(expected)
    assert log.rows.dropped.get("blank line", 0) + log.rows.dropped.get("ragged row", 0) == 1
    if name in HEADED:
        file.write_bytes(b"\xef\xbb\xbf" + b"\n".join(rows) + b"\n")
        assert read(forms, name).frame.equals(expected)


@pytest.mark.parametrize("name", TEXT)
def test_shuffled_and_doubled_rows_are_all_there(forms, name):
    file, rows = main_file(forms, name), lines_of(main_file(forms, name))
    begin = first_row(forms, name)
    order = np.random.default_rng(1).permutation(len(rows) - begin) + begin
    clicks, spend = (read(forms, name).frame[column].sum() for column in ("click", "price_micros"))
    file.write_bytes(b"\n".join([*rows[:begin], *(rows[i] for i in order)]) + b"\n")
    log = read(forms, name)
    assert (log.rows.used, log.frame["click"].sum(), log.frame["price_micros"].sum()) == (ROWS, clicks, spend)
    file.write_bytes(b"\n".join([*rows, *rows[begin:]]) + b"\n")
    log = read(forms, name)
    assert (log.rows.used, log.frame["click"].sum(), log.frame["price_micros"].sum()) == (
        2 * ROWS,
        2 * clicks,
        2 * spend,
    )
    assert log.rows.read == log.rows.used + sum(log.rows.dropped.values())


@pytest.mark.parametrize("name", TEXT)
def test_empty_and_header_alone(forms, name):
    file, rows = main_file(forms, name), lines_of(main_file(forms, name))
    for content in (b"", b"\n\n", b"\n".join(rows[: first_row(forms, name)]) + b"\n"):
        file.write_bytes(content)
        with pytest.raises(
            BadInput, match=r"empty|no rows|no header|blank|unknown log format|a text file with"
        ):
            read(forms, name)


@pytest.mark.parametrize("name", TEXT)
def test_a_hundred_columns_too_many(forms, name):
    file, rows = main_file(forms, name), lines_of(main_file(forms, name))
    expected, begin = read(forms, name).frame, first_row(forms, name)
    mark = (
        b" "
        if name in {"yzx", "click_price_pctr_wide"}
        else b","
        if name in {"auctionnet", "mapped"}
        else b"\t"
    )
    cells = mark.join(b"x%d" % i for i in range(100))
    file.write_bytes(b"\n".join([row + mark + cells for row in rows]) + b"\n")
    if name in HEADED:
        assert read(forms, name).frame.equals(expected)
    else:
        with pytest.raises(BadInput, match=file.name):
            read(forms, name)
    wide = begin + 5
    file.write_bytes(b"\n".join([*rows[:wide], rows[wide] + mark + cells, *rows[wide + 1 :]]) + b"\n")
    with pytest.raises(BadInput, match=rf"{file.name}, row {wide + 1}"):
        read(forms, name)
    log = read(forms, name, drop_bad=True)
    assert log.rows.used == ROWS - 1
    assert log.rows.read == log.rows.used + sum(log.rows.dropped.values())


PLACE = {"ipinyou_raw": 20, "ipinyou_raw_season3": 20, "ipinyou_log_txt": 23, "click_price_pctr": 1,
         "click_price_pctr_wide": 1, "yzx": 1, "auctionnet": 16, "mapped": 11}  # fmt: skip


@pytest.mark.few(20)
@pytest.mark.parametrize("name", TEXT)
@pytest.mark.parametrize("price", [b"inf", b"-1", b"1e400", b"nan", b"dear", b"0x10", b""])
def test_an_invalid_price_names_file_row_column_and_value(forms, name, price):
    if price == b"" and name in {"yzx", "click_price_pctr_wide"}:
        pytest.skip("between spaces nothing is nothing: the row has a cell less, which is another test")
    file, rows = main_file(forms, name), lines_of(main_file(forms, name))
    at = first_row(forms, name) + 7
    mark = (
        b" "
        if name in {"yzx", "click_price_pctr_wide"}
        else b","
        if name in {"auctionnet", "mapped"}
        else b"\t"
    )
    cells = rows[at].split(mark)
    cells[PLACE[name]] = price
    rows[at] = mark.join(cells)
    file.write_bytes(b"\n".join(rows) + b"\n")
    with pytest.raises(BadInput) as caught:
        read(forms, name)
    column = {"ipinyou": "payprice", "auctionnet": "leastWinningCost", "mapped": "paid_cpm"}.get(
        name.split("_raw")[0].split("_log")[0], "price"
    )
    assert (
        f"{file}, row {at + 1}, column {column!r}: {price.decode()!r} is not a finite number"
        in caught.value.problems[0]
    )
    log = read(forms, name, drop_bad=True)
    assert log.rows.dropped[f"bad {column}"] == 1
    assert log.rows.used == ROWS - 1


def test_parquet_that_is_damaged_or_holds_nulls_and_infinities(forms):
    path = forms["mapped_parquet"]
    frame = pd.read_parquet(path)
    frame.loc[3, "paid_cpm"], frame.loc[5, "clicked"], frame.loc[7, "at"] = np.inf, 4, "yesterday"
    frame.to_parquet(path)
    with pytest.raises(BadInput) as caught:
        read(forms, "mapped_parquet")
    assert [problem.split(", ", 1)[1] for problem in caught.value.problems] == [
        "row 4, column 'paid_cpm': inf is not a finite number from 0 to 1e+09",
        f"row 6, column 'clicked': 4 is not 0 or 1 (or true or false, t or f, yes or no){COUNTED}",
        "row 8, column 'at': 'yesterday' is not a time (iso) from 2000 to 2099",
    ]
    log = read(forms, "mapped_parquet", drop_bad=True)
    assert (log.rows.used, log.rows.dropped) == (ROWS - 3, {"bad at": 1, "bad clicked": 1, "bad paid_cpm": 1})
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(BadInput, match=r"shop\.parquet: cannot be read"):
        read(forms, "mapped_parquet")
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(BadInput, match="has none of the columns"):
        read(forms, "mapped_parquet")
    with pytest.raises(BadInput, match=r"Parquet file with the columns a; say what .* supply\.mapping"):
        read_log(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "name,age\nx,3\n",
            "a text file with the cells name, age; say what its columns are with supply.mapping",
        ),
        ("hello\nworld\n", "'hello': unknown log format"),
        (json.dumps({"a": 1}), "JSON lines, in the first of which are a; say"),
    ],
)
def test_what_is_no_log_is_said_to_be_none(tmp_path, content, message):
    path = tmp_path / "what.txt"
    path.write_text(content)
    with pytest.raises(BadInput, match=message):
        open_log(path)


def test_options_that_do_not_fit(forms, tmp_path):
    for option, message in (
        ({"mapping": "x.yaml"}, "is for supply.format=mapped"),
        ({"clicks": "x"}, "whose clicks are files"),
    ):
        with pytest.raises(BadInput, match=message):
            open_log(forms["auctionnet"], "auctionnet", **option)
    with pytest.raises(BadInput, match=r"supply\.mapping: required"):
        open_log(forms["mapped"], "mapped")
    (tmp_path / "none").mkdir()
    with pytest.raises(BadInput, match="holds no files"):
        open_log(tmp_path / "none")
    with pytest.raises(BadInput, match="no such file"):
        open_log(tmp_path / "nowhere")


def test_memory_does_not_grow_with_the_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("jointbid.experiments.logs.rows.delimited.BLOCK_BYTES", 65_536)
    write_raw(tmp_path / "raw", 2_000)
    write_click_price_pctr(tmp_path / "1.txt", 20_000)
    for path in (tmp_path / "raw", tmp_path / "1.txt"):
        audit = RowAudit(str(path))
        most = max(chunk.nbytes for chunk in stream(open_log(path)[1], audit))
        assert most < 1_000_000
        assert audit.used in {2_000, 20_000}


def test_clock_and_agents():
    time_us, wrong = clock17(np.array([20130606000104828, 20130230000000000, 20131301000000000, 5]))
    assert wrong.tolist() == [False, True, True, True]
    assert pd.Timestamp(time_us[0], unit="us") == pd.Timestamp("2013-06-06 00:01:04.828")
    assert agent("Mozilla/5.0 (iPad; CPU OS 6_1 like Mac OS X) Safari/8536.25") == "mac_safari"
    assert (agent("windows_ie"), agent("null"), agent("")) == ("windows_ie", "", "")


def test_the_mapping_that_the_docs_show_is_one(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "logs.md").read_text("utf-8")
    path = tmp_path / "shown.yaml"
    path.write_text(text.split("```yaml\n")[1].split("```")[0])
    mapping = read_mapping(path)
    assert mapping.history == ("touches",)
    for key in ("delimiter", "quoted", "header", "episode", "pctr", "known", "full_information", "missing"):
        assert f"`{key}`" in text or f"`{key}: " in text
        assert key in type(mapping).model_fields


def test_rows_after_more_blank_lines_than_are_looked_at(forms):
    path = main_file(forms, "ipinyou_raw")
    whole = read(forms, "ipinyou_raw").rows
    path.write_bytes(b"\r\n" * 200 + path.read_bytes())
    assert read_log(path.parent).rows.used == whole.used
    blank = path.with_name("imp.19700101.txt")
    blank.write_bytes(b"\r\n" * 200)
    with pytest.raises(BadInput, match="nothing but blank lines"):
        read_log(blank)


def test_parquet_with_bytes_that_are_no_text(forms):
    path = forms["mapped_parquet"]
    table = pq.read_table(path)
    cells = [b"\x83 noon", *(cell.encode() for cell in table["at"].cast(pa.string()).to_pylist()[1:])]
    odd = pa.array(cells, pa.binary()).view(pa.string())
    pq.write_table(table.set_column(table.schema.get_field_index("at"), "at", odd), path)
    with pytest.raises(BadInput, match=r"row 1, column 'at': '\\\\x83 noon' is not a time"):
        read(forms, "mapped_parquet")
    assert read(forms, "mapped_parquet", drop_bad=True).rows.used == ROWS - 1


@pytest.mark.parametrize(("opened", "closed", "within"), [(50, 60, 10), (50, None, 190)])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_lines_that_a_quote_too_many_takes_in_are_counted(forms, opened, closed, within, ending):
    path = forms["mapped"]
    lines = lines_of(path)
    for number in (opened, closed):
        if number:
            lines[number] = b'"' + lines[number]
    path.write_bytes(ending.join([*lines, b""]))
    audit = RowAudit(str(path), drop_bad=True)
    _, reader = open_log(path, **options("mapped", path))
    kept = sum(len(chunk) for chunk in stream(reader, audit))
    assert (kept, sum(audit.dropped.values())) == (ROWS - within - 1, 1)
    assert f"{within} lines lie within quotes" in " ".join(audit.sentences)
    assert audit.read + within == ROWS
