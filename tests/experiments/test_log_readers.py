"""What readers of logs tell from a file: its separator, its times, its owners, its losing rows; and what they refuse."""

from __future__ import annotations

import gzip
import json
import lzma
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.experiments.log_files import open_log, read_log

from jointbid.experiments.cli.main import main
from jointbid.experiments.errors import BadInput
from jointbid.experiments.logs.formats.click_price_pctr import campaign_of
from jointbid.experiments.logs.log_table import LogTable
from jointbid.experiments.logs.rows.files import files_of, split_of
from jointbid.experiments.logs.rows.separators import by_count, by_names, by_width
from jointbid.experiments.logs.rows.times import Clock

CASES = Path(__file__).parents[1] / "data" / "log_cases"
MAPPED = "time: {column: at, unit: iso}\nprice: paid\nclick: click\nprofile: [segment]\ncontext: [site]\n"


def case(name: str, mapping: str | None = None) -> LogTable:
    return read_log(CASES / name, mapping=str(CASES / mapping) if mapping else None)


def mapped(path: Path, text: str, mapping: str = MAPPED, **more: object) -> LogTable:
    path.write_text(text)
    mapping_file = path.with_name("mapping.yaml")
    mapping_file.write_text(mapping)
    return read_log(path, mapping=str(mapping_file), **more)


def inspected(capsys, *arguments: str) -> str:
    assert main(["log", "inspect", *arguments]) == 0
    return " ".join(capsys.readouterr().out.split())


# -- owners of numbered features ------------------------------------------------------------------------------------


def test_features_numbered_by_position_have_their_own_names_and_owners():
    log = case("featindex_positions")
    frame = log.frame
    assert set(frame["weekday"].astype(int)) == {0, 1, 2}
    assert frame["hour"].tolist() == [f"{hour:02}" for hour in range(8, 20)]
    assert set(frame["region"]) == {"200", "201"}
    assert set(frame["city"]) == {"210", "211", "212", "213"}
    assert set(frame["slotwidth"]) == {"300", "728"}
    assert {"region", "city", "useragent"} == set(log.roles.profile)
    assert {"advertiser", "creative"} == set(log.roles.ad)


def yzx(folder: Path, index: list[str]) -> LogTable:
    folder.mkdir(exist_ok=True)
    (folder / "featindex.txt").write_text("".join(f"{text}\t{i}\n" for i, text in enumerate(index)))
    rows = [f"{i % 2} {30 + i} {i % len(index)}:1" for i in range(20)]
    (folder / "train.yzx.txt").write_text("\n".join(rows) + "\n")
    return read_log(folder)


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (["truncate", "1:6", "2:23", "9:79", "26:10006"], {"weekday", "hour", "region", "usertag"}),
        (["0:6", "1:23", "3:79", "14:windows_ie"], {"weekday", "hour", "region", "useragent"}),
        (["1:08", "1:23", "2:10.0.0.*", "13:2821"], {"hour", "advertiser"}),
        (["0:other", "3:null", "4:12"], {"weekday", "region", "city"}),
        (["8:10.0.0.*", "9:79", "25:1458"], {"region", "advertiser"}),
    ],
)
def test_the_values_tell_how_features_are_numbered(tmp_path, index, expected):
    assert set(yzx(tmp_path / "log", index).roles.features) == expected


@pytest.mark.parametrize(
    "index",
    [["truncate", "1:7"], ["truncate", "2:24"], ["0:other", "1:25"], ["0:3", "26:10006"], ["0:1", "3:x"]],
)
def test_an_index_that_fits_no_numbering_is_refused(tmp_path, index):
    with pytest.raises(BadInput, match=r"featindex\.txt: fits neither way of numbering .* row [12], "):
        yzx(tmp_path / "log", index)


# -- one column in several roles ------------------------------------------------------------------------------------


def test_a_floor_and_an_hour_are_features_too(tmp_path):
    log = case("floor_feature.csv", "floor_feature.yaml")
    assert log.frame["floor_micros"].tolist() == [0, 500, 1000, 0, 500, 1000, 0, 500]
    assert log.frame["floor_cpm"].tolist() == ["0", "0.5", "1", "0", "0.5", "1", "0", "0.5"]
    log = case("hour_feature.csv", "hour_feature.yaml")
    assert log.frame["hour"].tolist() == [str(hour) for hour in range(10, 18)]
    assert (np.diff(log.frame["time_us"]) == 3_600_000_000).all()


@pytest.mark.parametrize("parquet", [False, True])
@pytest.mark.parametrize(
    ("role", "column", "canonical"),
    [("floor", "n", "floor_micros"), ("weight", "n", "weight"), ("episode", "n", "episode"), ("user", "n", "user"),
     ("campaign", "n", "campaign"), ("time", "{column: n, unit: s}", "time_us")],
)  # fmt: skip
def test_any_column_may_have_a_role_and_be_a_feature(tmp_path, parquet, role, column, canonical):
    frame = pd.DataFrame({"paid": [5.0, 6.0, 7.0], "click": [0, 1, 0], "n": [1, 2, 3], "site": list("abc")})
    path, mapping_file = tmp_path / ("a.parquet" if parquet else "a.csv"), tmp_path / "a.yaml"
    frame.to_parquet(path) if parquet else frame.to_csv(path, index=False)
    mapping_file.write_text(f"price: paid\nclick: click\n{role}: {column}\nprofile: [n]\ncontext: [site]\n")
    log = read_log(path, mapping=str(mapping_file))
    assert log.frame["n"].tolist() == ["1", "2", "3"]
    assert log.frame[canonical].nunique() == 3


def test_one_column_in_two_roles_of_numbers(tmp_path):
    text = "paid,click,site\n1.5,0,a\n2.5,1,b\n"
    log = mapped(
        tmp_path / "a.csv",
        text,
        "price: paid\nfloor: paid\nclick: click\nconversion: click\ncontext: [site]\n",
    )
    assert log.frame["floor_micros"].tolist() == log.frame["price_micros"].tolist() == [1500, 2500]
    assert log.frame["conversion"].tolist() == [0, 1]


@pytest.mark.parametrize(("name", "value"), [("hour", 24), ("Hour", 99), ("weekday", 8)])
def test_an_hour_or_weekday_that_no_clock_has_is_a_bad_row(tmp_path, name, value):
    text = f"{name},paid,click\n3,1,0\n{value},2,0\n7,3,1\n"
    mapping = f"price: paid\nclick: click\ncontext: [{name}]\n"
    with pytest.raises(
        BadInput, match=rf"a\.csv, row 3, column '{name}': '{value}' is not a whole number from 0 to"
    ):
        mapped(tmp_path / "a.csv", text, mapping)
    assert mapped(tmp_path / "a.csv", text, mapping, drop_bad=True).rows.dropped == {f"bad {name}": 1}


def test_one_object_that_holds_all_rows_is_named_as_such(tmp_path):
    rows = json.dumps({"total": 2, "hits": [{"paid": 1, "click": 0}, {"paid": 2, "click": 1}]})
    with pytest.raises(BadInput, match=r"is one object that holds its rows in 'hits'; .* '\.hits\[\]'"):
        mapped(tmp_path / "a.json", rows, "price: paid\nclick: click\n")


# -- logs without a usable row --------------------------------------------------------------------------------------


def test_inspect_shows_the_first_bad_rows_where_none_is_good(tmp_path, capsys):
    rows = [f"2024-03-01 25:{i:02}:00,1.0,0,a,x" for i in range(30)]
    path = tmp_path / "bad.csv"
    path.write_text("\n".join(["at,paid_cpm,clicked,segment,site", *rows]) + "\n")
    assert main(["log", "inspect", str(path), f"supply.mapping={CASES / 'all_bad.yaml'}"]) == 2
    shown = capsys.readouterr().err
    assert "bad.csv, row 2, column 'at': '2024-03-01 25:00:00' is not a time (iso)" in shown
    assert shown.count(", column 'at': ") == 20
    assert "10 more rows like these" in shown
    assert "has no rows that can be used (30 x bad at)" in shown
    assert main(["log", "inspect", str(CASES / "ragged.csv"), f"supply.mapping={CASES / 'ragged.yaml'}"]) == 2
    assert "ragged.csv, row 2: 6 cells where the header has 5: '2024-03-01" in capsys.readouterr().err


def test_dropping_bad_rows_shows_them_where_nothing_is_left(tmp_path):
    with pytest.raises(BadInput, match="row 2, column 'paid': 'x' is not a finite number") as caught:
        mapped(tmp_path / "a.csv", "paid,click\nx,0\ny,1\n", "price: paid\nclick: click\n", drop_bad=True)
    assert len(caught.value.problems) == 3


def test_the_thread_that_reads_ahead_has_ended_with_the_file(tmp_path):
    code = f"""
import gc, sys, weakref
from pathlib import Path
from jointbid.experiments.logs.rows import delimited
from jointbid.experiments.logs.rows.row_audit import RowAudit
from jointbid.experiments.logs.rows.column_rules import Column
feeds = []
class Feed(delimited._Feed):
    def __init__(self, stream):
        super().__init__(stream)
        feeds.append(weakref.ref(self))
delimited._Feed = Feed
for _ in range(50):
    for rows in delimited.read_rows(Path({str(CASES / "all_bad.csv")!r}), (Column("at", "integer"),), RowAudit("x"), delimited.Form()):
        pass
    rows = None
    assert all(feed() is None for feed in feeds), "held"
sys.exit(2 if len(feeds) == 50 else 1)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=CASES.parents[2]
    )
    assert done.returncode == 2, done.stderr


# -- times ----------------------------------------------------------------------------------------------------------

MOMENT_US = int(pd.Timestamp("2024-03-01 10:00:00.5").value // 1000)


@pytest.mark.parametrize(
    "text",
    ["2024-03-01 10:00:00.5 UTC", "2024-03-01T10:00:00.500Z", "2024-03-01 10:00:00.500000", "2024-03-01T12:00:00.5+02:00",
     "2024-03-01 10:00:00.5+00", "2024-03-01 12:00:00.5 +0200", "2024-03-01 10:00:00.500000000 +0000 UTC",
     "2024/03/01 10:00:00.5", "20240301T100000.5", " 2024-03-01 10:00:00.5 ", "2024-03-01 10:00:00.5 GMT"],
)  # fmt: skip
@pytest.mark.parametrize("beside", [None, "2024-03-01T10:00:00Z", "2024-03-01 10:00:00"])
def test_usual_spellings_of_a_time(text, beside):
    time_us, wrong = Clock("iso").read(pa.array([text] if beside is None else [beside, text]))
    assert not wrong.any()
    assert time_us[-1] == MOMENT_US


@pytest.mark.parametrize(
    ("unit", "text"),
    [("s", "1709287200.5"), ("ms", "1709287200500"), ("us", "1709287200500000"), ("ns", "1709287200500000000"),
     ("yyMMddHH", "24030110"), ("yyyyMMddHH", "2024030110"), ("yyyyMMddHHmm", "202403011000"),
     ("yyyyMMddHHmmss", "20240301100000"), ("yyyyMMddHHmmssSSS", "20240301100000500")],
)  # fmt: skip
def test_times_as_numbers(unit, text):
    fine = MOMENT_US if "H" not in unit or unit.endswith("SSS") else MOMENT_US - 500_000
    time_us, wrong = Clock(unit).read(pa.array([text]))
    assert not wrong.any()
    assert time_us[0] == pytest.approx(fine, abs=1)


@pytest.mark.parametrize(
    "text", ["2024-13-01 10:00:00", "1512101112345", "03/01/2024", "yesterday", "", "1709287200"]
)
def test_what_is_no_time(text):
    assert Clock("iso").read(pa.array([text]))[1].all()


@pytest.mark.parametrize(
    ("said", "written", "right"),
    [("s", "1709287200000", "ms"), ("ms", "1709287200", "s"), ("us", "1709287200", "s"), ("s", "1709287200000000", "us"),
     ("iso", "1709287200", "s"), ("iso", "24030110", "yyMMddHH"), ("ms", "1709287200000000000", "ns")],
)  # fmt: skip
@pytest.mark.parametrize("parquet", [False, True])
def test_a_wrong_unit_is_refused_with_the_unit_that_fits(tmp_path, said, written, right, parquet):
    frame = pd.DataFrame({"when": [int(written), int(written)], "p": [1.0, 2.0], "c": [0, 1]})
    path, mapping_file = tmp_path / ("a.parquet" if parquet else "a.csv"), tmp_path / "a.yaml"
    frame.to_parquet(path) if parquet else frame.to_csv(path, index=False)
    mapping_file.write_text(f"price: p\nclick: c\ntime: {{column: when, unit: {said}}}\n")
    with pytest.raises(BadInput, match=rf"column 'when': .*is not a time \({said}\).*; as {right} it is 2024-03-01 10:00:00: say unit: {right}"):  # fmt: skip
        read_log(path, mapping=str(mapping_file))


def test_a_log_in_mixed_units_and_one_that_counts_from_its_start(tmp_path):
    mapping = "price: p\nclick: c\ntime: {column: t, unit: s}\n"
    with pytest.raises(BadInput, match=r"row 3, column 't': '1709287201000' .* say unit: ms"):
        mapped(
            tmp_path / "a.csv", "t,p,c\n1709287200,1,0\n1709287201000,1,0\n1709287202,1,1\n0,1,1\n", mapping
        )
    log = mapped(tmp_path / "a.csv", "t,p,c\n0,1,0\n90000,1,0\n200000,1,1\n", mapping)
    assert log.frame["time_us"].tolist() == [0, 90_000_000_000, 200_000_000_000]
    assert "counted from the log's own start" in " ".join(log.notes)


@pytest.mark.parametrize(
    "odd", ["1970-01-01 00:00:00", "1899-12-30", "2424-03-01T10:00:00Z", "0001-01-01 00:00:00"]
)
def test_a_date_far_from_the_others_is_a_bad_row(tmp_path, odd):
    text = f"at,paid,click,segment,site\n2024-03-01,1,0,a,b\n{odd},1,1,a,b\n2024-03-02T10:00:00Z,1,0,a,b\n"
    with pytest.raises(
        BadInput, match=rf"row 3, column 'at': '{odd}' is not a time \(iso\) from 2000 to 2099"
    ):
        mapped(tmp_path / "a.csv", text)


def test_timestamps_of_parquet_need_no_unit(tmp_path):
    moments = pd.to_datetime(["2024-03-01 10:00:00.25", "2024-03-01 11:00:00.00"])
    mapping_file = tmp_path / "a.yaml"
    for unit in ("iso", "s", "ms"):
        for grain in ("ms", "us", "ns"):
            path = tmp_path / f"{unit}{grain}.parquet"
            pq.write_table(
                pa.table({"t": pa.array(moments, pa.timestamp(grain)), "p": [1.0, 2.0], "c": [0, 1]}), path
            )
            mapping_file.write_text(f"price: p\nclick: c\ntime: {{column: t, unit: {unit}}}\n")
            log = read_log(path, mapping=str(mapping_file))
            assert np.diff(log.frame["time_us"]).tolist() == [3_599_750_000]


# -- separators and compression -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", ["\t", ";", "|", ",", " "])
def test_the_separator_is_detected_from_the_header(tmp_path, mark):
    header = mark.join(["site", "at", "click", "segment", "paid"])
    rows = [
        mark.join([f"n{i}", f"2024-03-01T10:00:0{i}Z", str(i % 2), '"b,c;d|e"', f"{i}.5"]) for i in range(5)
    ]
    log = mapped(tmp_path / "a.csv", "\n".join([header, *rows]) + "\n")
    assert log.frame["price_micros"].tolist() == [500, 1500, 2500, 3500, 4500]
    assert set(log.frame["segment"]) == {"b,c;d|e"}


def test_the_separator_of_a_file_without_a_header_is_detected_from_its_width(tmp_path):
    mapping = "header: [click, paid, tags]\nprice: paid\nclick: click\nprofile: [tags]\n"
    log = mapped(tmp_path / "a.txt", "0\t1.5\ta,b,c\n1\t2.5\td,e,f\n", mapping)
    assert set(log.frame["tags"]) == {"a,b,c", "d,e,f"}
    assert mapped(tmp_path / "a.txt", "0|1.5|x\n1|2.5|y\n", mapping).frame["click"].tolist() == [0, 1]


def test_separators_alone():
    assert by_names("at\tpaid\tclick", ["paid", "click"]) == "\t"
    assert by_names('"a;b",paid,click', ["paid", "click"]) == ","
    assert by_width(["1;a,b,c", "2;d,e,f"], 2) == ";"
    assert by_count(["x\ta,b", "y\tc,d,e"]) == "\t"
    assert by_count(["x|a,b", "y|c,d,e", "z|c"]) == "|"
    assert by_count(["x;1;2", "y;3;4"]) == ";"


def test_a_mapped_tab_file_and_one_with_commas_in_a_cell():
    log = case("tab_mapped.tsv", "tab_mapped.yaml")
    assert set(log.frame["tags"]) == {f"a{i},b,c" for i in range(6)}
    with pytest.raises(
        BadInput, match=r"row 1: a text file with the cells 0, 0{32}, .*, 2821, 10048,16751,14273; say"
    ):
        case("tab_with_commas.txt")


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
@pytest.mark.parametrize("ending", ["csv", "gz", "parquet", "jsonl", "txt"])
def test_compression_is_detected_from_the_content_under_any_name(tmp_path, pack, ending):
    mapping_file = CASES / "tab_mapped.yaml"
    expected = case("tab_mapped.tsv", "tab_mapped.yaml").frame.drop(columns="campaign")
    for content in ((CASES / "tab_mapped.tsv").read_bytes(), pack((CASES / "tab_mapped.tsv").read_bytes())):
        path = tmp_path / f"a.{ending}"
        path.write_bytes(content)
        log = read_log(path, mapping=str(mapping_file))
        assert log.frame.drop(columns="campaign").equals(expected)


# -- flags ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        ("True", "False"),
        ("true", "false"),
        ("TRUE", "FALSE"),
        ("t", "f"),
        ("yes", "no"),
        ("Y", "N"),
        ("1", "0"),
        ("1.0", "0.0"),
        ("Ja", "Nein"),
        ("oui", "non"),
    ],
)
def test_clicks_in_words(tmp_path, yes, no):
    text = f"known,paid,click,conv\n1,1,{yes},{no}\n1,2,{no},\n{no},3,{no},{yes}\n{yes},4,{yes},{yes}\n"
    log = mapped(tmp_path / "a.csv", text, "price: paid\nclick: click\nconversion: conv\nknown: known\n")
    assert log.frame["click"].tolist() == [1, 0, 0, 1]
    assert log.frame["conversion"].tolist() == [0, 0, 1, 1]
    assert log.frame["known"].tolist() == [True, True, False, True]


def test_an_invalid_flag_names_row_and_value(tmp_path):
    for value in ("2", "maybe", "", "-1"):
        with pytest.raises(
            BadInput, match=rf"row 3, column 'click': '{value}' is not 0 or 1 \(or true or false"
        ):
            mapped(tmp_path / "a.csv", f"paid,click\n1,1\n2,{value}\n", "price: paid\nclick: click\n")


def test_any_entry_is_a_click_where_the_mapping_says_so(tmp_path):
    text = "paid,clicked_at,order\n1,2025-03-03 10:00,\n2,,\n3,x,817\n 4 , ,-1\n"
    mapping = "price: paid\nclick: clicked_at\nconversion: order\nfilled: [clicked_at, order]\nmissing: ['', ' ', '-1']\n"
    frame = mapped(tmp_path / "a.csv", text, mapping).frame
    assert (frame["click"].tolist(), frame["conversion"].tolist()) == ([1, 0, 1, 0], [0, 0, 1, 0])
    assert frame["price_micros"].tolist() == [1_000, 2_000, 3_000, 4_000]
    with pytest.raises(BadInput, match=r"say filled: \[clicked_at\] in the mapping"):
        mapped(tmp_path / "a.csv", text, "price: paid\nclick: clicked_at\n")
    with pytest.raises(BadInput, match="filled: paid is not the column of click, conversion or known"):
        mapped(tmp_path / "a.csv", text, "price: paid\nclick: clicked_at\nfilled: [paid]\n")


# -- forms of the iPinYou forks -------------------------------------------------------------------------------------


def test_log_txt_without_a_header():
    train, test = case("headerless.train.log.txt"), case("headerless.test.log.txt")
    for log in (train, test):
        assert set(log.frame["campaign"]) == {"2821"}
        assert set(log.frame["price_micros"]) == {600}
        assert set(log.frame["usertag"]) == {"10006,10063"}
        assert set(log.frame["hour"]) == {"20", "21", "22", "23"}
    assert "conversion" in test.frame
    assert "conversion" not in train.frame
    assert open_log(CASES / "headerless.test.log.txt", "ipinyou_log_txt")[0] == "ipinyou_log_txt"


def test_log_txt_files_of_both_widths_in_one_folder(tmp_path):
    for part in ("train", "test"):
        (tmp_path / f"{part}.log.txt").write_bytes((CASES / f"headerless.{part}.log.txt").read_bytes())
    log = read_log(tmp_path)
    assert len(log.frame) == 12
    assert "conversion" not in log.frame


def test_yzbx_knows_won_rows_alone(tmp_path):
    log = case("yzbx.train.yzbx.txt")
    assert log.full_information
    won = log.frame["price_micros"] < log.frame["bid_micros"]
    assert (log.frame["known"] == won).all()
    assert 0 < won.sum() < len(won)
    (tmp_path / "featindex.txt").write_bytes((CASES / "featindex_positions" / "featindex.txt").read_bytes())
    (tmp_path / "2259.train.yzbx.txt").write_text("1 60 60 1:1 5:1\n1 60 61 1:1 5:1\n0 60 10 1:1 5:1\n")
    log = read_log(tmp_path)
    assert log.frame["known"].tolist() == [False, True, False]
    assert log.frame["click"].tolist() == [0, 1, 0]
    assert set(log.frame["hour"]) == {"08"}
    assert "1 clicks stand on rows that were lost; they are not used" in log.notes
    (tmp_path / "2259.train.yzbx.txt").write_text("1 60 60 1:1\n1 60 x 1:1\n0 60 10 1:1\n")
    with pytest.raises(BadInput, match=r"column 'bid': 'x' is not a finite number"):
        read_log(tmp_path)


def test_a_mapping_of_losing_rows_is_asked_to_say_so(capsys, tmp_path):
    out = inspected(capsys, str(CASES / "yzbx.train.yzbx.txt"), f"supply.mapping={CASES / 'yzbx.yaml'}")
    assert "losing rows: 6 of 12 rows cost more than was bid" in out
    assert "full_information: true" in out
    assert "only impressions that the logger won" not in out
    assert "the price is believed" not in out
    mapping_file = tmp_path / "full.yaml"
    mapping_file.write_text((CASES / "yzbx.yaml").read_text() + "full_information: true\n")
    log = read_log(CASES / "yzbx.train.yzbx.txt", mapping=str(mapping_file))
    assert (log.frame["known"] == (log.frame["price_micros"] < log.frame["bid_micros"])).all()
    assert log.full_information


# -- JSON and other formats -----------------------------------------------------------------------------------------

JSON_MAP = """\
time: timestamp
price: price
floor: imp.0.bidfloor
click: click
user: user.id
profile: [user.segments]
context: [site.domain, "imp[0].banner.w"]
lists: [user.segments]
"""


def test_json_lines_are_read_by_dotted_paths(tmp_path):
    mapping_file = tmp_path / "a.yaml"
    mapping_file.write_text(
        JSON_MAP.replace("[user.segments]\ncontext", "[user.id]\ncontext").replace(
            "lists: [user.segments]\n", ""
        )
    )
    log = read_log(CASES / "openrtb.jsonl", mapping=str(mapping_file))
    rows = [json.loads(line) for line in (CASES / "openrtb.jsonl").read_text().splitlines()]
    assert log.frame["site.domain"].tolist() == [row["site"]["domain"] for row in rows]
    assert log.frame["price_micros"].tolist() == [round(1000 * row["price"]) for row in rows]
    assert set(log.frame["floor_micros"]) == {500}
    assert set(log.frame["imp[0].banner.w"]) == {"300"}
    assert log.frame["click"].sum() == sum(row["click"] for row in rows)


def test_json_lines_with_lists_missing_values_and_bad_lines(tmp_path):
    row = {"timestamp": "2024-03-01T10:00:00Z", "price": 1, "click": True, "user": {"id": "u", "segments": ["a", "b"]},
           "site": {"domain": "x"}, "imp": [{"bidfloor": 0.25, "banner": {"w": 300}}]}  # fmt: skip
    lines = [json.dumps(row), json.dumps(row | {"user": None, "click": False, "price": 2.5}), ""]
    log = mapped(tmp_path / "a.log", "\n".join(lines), JSON_MAP)
    assert log.frame["user.segments"].tolist() == ["a,b", ""]
    assert log.frame["click"].tolist() == [1, 0]
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + "\r\n".join(lines[:2]).encode()))
    assert len(read_log(tmp_path / "b.json.gz", mapping=str(tmp_path / "mapping.yaml"))) == 2
    for bad, message in [("{oops", r"row 2: '\{oops' is not a JSON object"), ("[1]", "is not a JSON object"),
                         (json.dumps(row | {"price": "free"}), r"row 2, column 'price': 'free' is not a finite")]:  # fmt: skip
        with pytest.raises(BadInput, match=message):
            mapped(tmp_path / "a.log", "\n".join([lines[0], bad]), JSON_MAP)
    with pytest.raises(
        BadInput, match=r"no row has 'prise'; did you mean 'price'\?; rows have timestamp, price"
    ):
        mapped(tmp_path / "a.log", lines[0], JSON_MAP.replace("price: price", "price: prise"))


def _zipped(names: list[str]) -> bytes:
    import io

    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for name in names:
            packed.writestr(name, "x")
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (
            b'{"price": 1, "site": {"domain": "x"}}\n',
            r"JSON lines, in the first of which are price, site\.domain; say",
        ),
        (b'[{"price": 1}, {"price": 2}]', "one JSON array"),
        (b'{\n  "price": 1\n}\n', "objects over several lines"),
        (b'[\n  {"price": 1}]', "one JSON array"),
        (b"Obj\x01\x04\x16avro.schema", "an Avro file"),
        (b"\x89HDF\r\n\x1a\n\x00\x00", "an HDF5 file"),
        (b"of the user\n" + bytes(2036) + b"\x89HDF\r\n\x1a\n\x00\x00", "an HDF5 file"),
        (b"ORC\x08\x03", "an ORC file"),
        (b"SQLite format 3\x00\x10\x00", "an SQLite database"),
        (b"ARROW1\x00\x00", r"an Arrow \(Feather\) file"),
        (_zipped(["[Content_Types].xml", "xl/workbook.xml"]), "an Excel workbook"),
        (_zipped(["a.csv", "b.csv"]), "a zip file that holds 2 files"),
        (b"\x00" * 8 + b"DUCK" + b"\x00" * 8, "a DuckDB database"),
        (b"\x93NUMPY\x01\x00", "a NumPy file"),
        (b"\x80\x04\x95\x10", "a Python pickle"),
        (b"a" * 257 + b"ustar\x00", "a tar archive"),
        (b"<!DOCTYPE html><html>", "an XML or HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
        (b"<Error><Code>AccessDenied</Code></Error>", "an XML or HTML page"),
        (_zipped(["mimetype", "content.xml"]), "an Excel workbook, or another document"),
        (b"-----BEGIN PGP MESSAGE-----\n", "is encrypted with PGP; decrypt it"),
        (gzip.compress(gzip.compress(b"price,click\n1,0\n", mtime=0), mtime=0), "is packed twice"),
        (gzip.compress(b"PAR1\x00", mtime=0), "a Parquet file that was packed"),
        (b"RDX3\nX\n\x00\x00\x00\x03", "a binary file of no kind that is read"),
        ("price,click\n1,0\n".encode("utf-16-le"), r"or UTF-16\)"),
    ],
)
@pytest.mark.parametrize("with_mapping", [False, True])
def test_other_formats_are_named(tmp_path, content, named, with_mapping):
    path, mapping_file = tmp_path / "log.csv", tmp_path / "a.yaml"
    path.write_bytes(content)
    mapping_file.write_text("price: price\nclick: click\n")
    if with_mapping and content.startswith(b'{"'):
        named = "no row has 'click'; rows have price, site"
    with pytest.raises(BadInput, match=named):
        read_log(path, mapping=str(mapping_file) if with_mapping else None)


def test_what_is_no_file_is_named(tmp_path):
    link, pipe, packed = tmp_path / "link", tmp_path / "pipe", tmp_path / "locked.zip"
    link.symlink_to("nowhere.csv")
    os.mkfifo(pipe)
    content = bytearray(_zipped(["a.csv"]))
    content[6] |= 1
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    packed.write_bytes(content)
    for path, named in (
        (link, "a link to nowhere.csv, which is not there"),
        (pipe, "is a pipe or a device"),
        (packed, "password required"),
    ):
        with pytest.raises(BadInput, match=named):
            read_log(path)


# -- several files --------------------------------------------------------------------------------------------------


def test_training_files_come_before_test_files_and_it_is_said(capsys):
    log = case("train_test_folder")
    assert log.frame["price_micros"].tolist() == [2000] * 12 + [100] * 12
    assert any("laid one after the other: 1458.train.txt, 1458.test.txt" in fact for fact in log.facts)
    assert set(log.frame["campaign"]) == {"1458"}
    log = case("train_test_names")
    assert log.frame["price_micros"].iloc[0] == 400
    assert set(log.frame["campaign"]) == {"train_test_names"}
    assert not any("laid one after" in fact for fact in case("yzbx.train.yzbx.txt").facts)


def test_parts_come_in_the_order_of_their_numbers(tmp_path):
    for name in ("part-10.txt", "part-2.txt", "test-1.txt", "train-2.txt", "valid.txt", "latest.txt"):
        (tmp_path / name).write_text("x")
    assert [file.name for file in files_of(tmp_path)] == [
        "latest.txt", "part-2.txt", "part-10.txt", "train-2.txt", "valid.txt", "test-1.txt",
    ]  # fmt: skip
    assert [split_of(name) for name in ("contest.csv", "2259_TEST.txt", "training2nd")] == [0, 2, 0]


@pytest.mark.parametrize(
    ("name", "campaign"),
    [("1458.train.txt", "1458"), ("1458_test.txt", "1458"), ("train_2259.csv", "2259"), ("shop-test.csv", "shop"),
     ("test.3386.txt", "3386"), ("train.txt", "folder"), ("testers.csv", "testers"), ("train2.yzx.txt", "folder")],
)  # fmt: skip
def test_a_part_of_a_split_is_no_campaign(tmp_path, name, campaign):
    assert campaign_of(tmp_path / "folder" / name) == campaign


def test_episodes_of_several_files_are_distinguished(tmp_path):
    for name in ("1458.train.txt", "1458.test.txt"):
        (tmp_path / name).write_text("1\n0 10 .1\n1 20 .1\n2\n0 30 .1\n0 10 .2\n")
    assert read_log(tmp_path).frame["episode"].nunique() == 4


def test_ids_of_several_files(tmp_path):
    mapping = "price: paid\nclick: click\nuser: user\n"
    folder = tmp_path / "logs"
    folder.mkdir()
    (tmp_path / "m.yaml").write_text(mapping)
    (folder / "a.csv").write_text("user,paid,click\n1,1,0\n2,1,1\n1,2,0\n")
    (folder / "b.csv").write_text("user,paid,click\n1,1,0\n3,1,1\n1,2,0\n")
    (folder / "README.md").write_text("about")
    log = read_log(folder, mapping=str(tmp_path / "m.yaml"))
    assert any(
        note.startswith("1 user ids stand in more than one file: they are taken for the same people")
        for note in log.notes
    )
    assert len(log) == 6


def test_an_index_of_another_log_or_with_a_number_twice(tmp_path):
    (tmp_path / "train.yzx.txt").write_text("0 10 1:1 99:1\n1 20 1:1 98:1\n1 20 2:1\n")
    (tmp_path / "featindex.txt").write_text("truncate\t0\n1:5\t1\n2:8\t3\n")
    notes = read_log(tmp_path).notes
    assert any(note.startswith("3 features have numbers that featindex.txt does not have") for note in notes)
    (tmp_path / "featindex.txt").write_text("truncate\t0\n1:5\t1\n2:8\t1\n")
    with pytest.raises(BadInput, match=r"featindex\.txt, row 2, column 'index': 1 is given to 2 features"):
        read_log(tmp_path)


@pytest.mark.parametrize(
    ("written", "unit"), [("14102100", "yyMMddHH"), ("2014102100", "yyyyMMddHH"), ("20141021", "yyyyMMdd")]
)
def test_counts_that_could_be_dates_are_said(tmp_path, written, unit):
    mapping = "price: p\nclick: c\ntime: {column: t, unit: s}\n"
    log = mapped(tmp_path / "a.csv", f"t,p,c\n{written},1,0\n{written},1,1\n", mapping)
    assert any(note.endswith(f"could also be dates: if they are, say unit: {unit}") for note in log.notes)
    log = mapped(tmp_path / "a.csv", "t,p,c\n1709287200,1,0\n1709287201,1,1\n", mapping)
    assert log.notes == ()


# -- what is shown --------------------------------------------------------------------------------------------------


def test_values_are_those_that_occur(capsys, tmp_path):
    out = inspected(capsys, str(CASES / "headerless.train.log.txt"))
    assert "| context | weekday | 1 |" in out
    assert "| context | hour | 4 |" in out
    assert "| context | floor_bucket | 1 |" in out
    assert "| profile | usertag | 2 |" in out
    path, mapping_file = tmp_path / "a.csv", tmp_path / "a.yaml"
    path.write_text("paid,click,site\n1,0,a\n2,1,\nbad,0,c\n3,0,a\n")
    mapping_file.write_text("price: paid\nclick: click\ncontext: [site]\n")
    assert "| context | site | 1 |" in inspected(capsys, str(path), f"supply.mapping={mapping_file}")


def test_headers_marks_quotes_and_line_ends(tmp_path):
    rows = '2024-03-01T10:00:00Z,"1.5",0,"a ""b"", c",n0\r\n2024-03-01T10:00:01Z,2.5,1,d,n1\r\n'
    log = mapped(tmp_path / "a.csv", "\ufeffat,paid,click,segment,site\r\n" + rows)
    assert log.frame["segment"].tolist() == ['a "b", c', "d"]
    with pytest.raises(BadInput, match=r"row 1 \(header\): column 'paid' is there 2 times"):
        mapped(tmp_path / "a.csv", "at,paid,click,segment,site,paid\n" + rows)
    for text, message in (
        ("at,paid,click,segment,site\n", "has no rows"),
        ("", "is empty"),
        ("\n\n", "no header"),
    ):
        with pytest.raises(BadInput, match=message):
            mapped(tmp_path / "a.csv", text)


# -- prices of lost auctions, feature numbers of several campaigns ---------------------------------------------------

LOST = "price: paid\nclick: click\nbid: bid\ncontext: [site]\n"


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_an_empty_price_is_that_of_a_lost_auction_where_losing_rows_are_logged(kind, tmp_path):
    frame = pd.DataFrame(
        {"paid": [2.0, None, 3.0, None], "click": [1, 0, 0, 0], "bid": [4.0, 4.0, 1.0, 0.0],
         "known": [1, 0, 0, 0], "site": list("abab")}
    )  # fmt: skip
    file = tmp_path / f"log.{kind}"

    def read(extra: str) -> LogTable:
        match kind:
            case "csv":
                frame.to_csv(file, index=False)
            case "jsonl":
                frame.to_json(file, orient="records", lines=True)
            case _:
                frame.to_parquet(file, index=False)
        mapping = tmp_path / "mapping.yaml"
        mapping.write_text(LOST + extra)
        return read_log(file, mapping=str(mapping))

    for extra in ("full_information: true\n", "full_information: true\nknown: known\n"):
        log = read(extra)
        assert log.frame["price_micros"].tolist() == [2_000, 3_000]
        assert log.frame["known"].tolist() == [True, False]
        assert list(log.rows.dropped.values()) == [2]
        assert "lost auctions with the price 0 or none" in str(log.rows)
    with pytest.raises(BadInput, match=r"rows? [\d, ]+, column 'paid': .* is not a finite number"):
        read("")
    frame.loc[1, "known"] = 1
    with pytest.raises(BadInput, match="column 'paid': nan is not the price of an auction that was won"):
        read("known: known\n")


def test_feature_numbers_of_several_campaigns_are_kept_apart_without_an_index(tmp_path):
    for campaign in ("1458", "2259"):
        (tmp_path / f"{campaign}.yzx.txt").write_text("0 20 3:1 5:1\n1 30 5:1\n")
    both, one = read_log(tmp_path), read_log(tmp_path / "1458.yzx.txt")
    assert both.frame["features"].tolist() == ["1458/3,1458/5", "1458/5", "2259/3,2259/5", "2259/5"]
    assert one.frame["features"].tolist() == ["3,5", "5"]
    assert any("numbers its features anew" in fact for fact in both.facts)
    assert not any("numbers its features anew" in fact for fact in one.facts)
