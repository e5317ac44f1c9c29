"""Readers of real logs: every row accounted for, every problem with file, row, column and value."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.experiments.log_files import open_log, read_log

from jointbid.experiments.errors import BadInput
from jointbid.experiments.logs.formats.ipinyou import MICROS_PER_FEN_CPM
from jointbid.experiments.logs.log_table import LogTable
from jointbid.experiments.logs.read_log import stream
from jointbid.experiments.logs.rows.column_rules import Column
from jointbid.experiments.logs.rows.row_audit import SHOWN, RowAudit
from jointbid.experiments.logs.synthetic.ipinyou_rows import ipinyou_rows, write_ipinyou_csv

DATA = Path(__file__).parents[1] / "data" / "ipinyou_synthetic.csv.gz"


def read(path: Path, *, drop_bad: bool = False) -> LogTable:
    return read_log(path, "ipinyou_csv", nonclick_weight=112.2, drop_bad=drop_bad)


@pytest.fixture(scope="module")
def lines() -> list[str]:
    with gzip.open(DATA, "rt", encoding="utf-8") as file:
        return file.read().splitlines()


@pytest.fixture
def broken(lines, tmp_path):
    """Write 60 rows, some cells replaced, as `log.csv`."""

    def write(cells: dict[tuple[int, str], str] | None = None, rows: dict[int, str] | None = None) -> Path:
        header = lines[0].split(",")
        text = list(lines[:61])
        for (row, column), value in (cells or {}).items():
            parts = next(csv.reader([text[row - 1]]))
            parts[header.index(column)] = value
            out = io.StringIO()
            csv.writer(out, lineterminator="").writerow(parts)
            text[row - 1] = out.getvalue()
        for row, line in (rows or {}).items():
            text[row - 1] = line
        path = tmp_path / "log.csv"
        path.write_bytes("\n".join(text).encode("latin-1"))
        return path

    return write


def test_reads_the_log_in_order_of_time_with_money_in_micros():
    log = read(DATA)
    frame, made = log.frame, ipinyou_rows()
    assert len(log) == log.rows.used == log.rows.read == len(made)
    assert (np.diff(frame["time_us"]) > 0).all()
    assert frame["time_us"].iloc[-1] < 7 * 24 * 3_600_000_000
    assert (frame["price_micros"] == made["payprice"] * MICROS_PER_FEN_CPM).all()
    assert (frame["floor_micros"] == made["slotprice"] * MICROS_PER_FEN_CPM).all()
    assert (frame["weight"] == np.where(made["click"] == 1, 1, 112.2)).all()
    assert set(log.roles.profile + log.roles.context + log.roles.ad) <= set(frame.columns)
    assert not {"payprice", "bidprice", "keypage", "price_micros"} & set(
        log.roles.profile + log.roles.context
    )


def test_the_synthetic_file_is_what_its_script_makes(tmp_path):
    write_ipinyou_csv(tmp_path / "again.csv")
    assert gzip.decompress(DATA.read_bytes()) == (tmp_path / "again.csv").read_bytes()


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress, bz2.compress, pa.Codec("zstd").compress])
def test_plain_gzip_bz2_and_zstd_are_distinguished_by_content(tmp_path, pack):
    path = tmp_path / "log.data"
    path.write_bytes(memoryview(pack(gzip.decompress(DATA.read_bytes()))))
    assert read(path).frame.equals(read(DATA).frame)


def test_joined_gzip_members_byte_order_mark_crlf_and_foreign_columns_are_read(tmp_path, lines):
    path = tmp_path / "log.csv"
    path.write_bytes(
        gzip.compress("\n".join(lines[:31]).encode() + b"\n")
        + gzip.compress("\n".join(lines[31:61]).encode())
    )
    expected = read(path).frame
    wide = [line + ("," + ",".join(f"x{i}" for i in range(100))) for line in lines[:61]]
    for text in ("\ufeff" + "\n".join(lines[:61]), "\r\n".join(lines[:61]) + "\r\n", "\n".join(wide)):
        path.write_bytes(text.encode())
        assert read(path).frame.equals(expected)


def test_a_shuffled_log_gives_the_same_hours(tmp_path, lines):
    path = tmp_path / "log.csv"
    order = np.random.default_rng(0).permutation(np.arange(1, len(lines)))
    path.write_text("\n".join([lines[0], *(lines[i] for i in order)]))
    hours = [log.frame["time_us"] // 3_600_000_000 for log in (read(path), read(DATA))]
    assert hours[0].equals(hours[1])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("payprice", "abc"),
        ("payprice", ""),
        ("payprice", "nan"),
        ("payprice", "inf"),
        ("payprice", "1e400"),
        ("payprice", "-3"),
        ("slotprice", "12,5"),
        ("click", "2"),
        ("click", "0.5"),
        ("hour", "24"),
        ("weekday", "-1"),
    ],
)
def test_a_bad_cell_names_file_row_column_value_and_rule(broken, column, value):
    path = broken({(8, column): value})
    with pytest.raises(BadInput) as caught:
        read(path)
    assert len(caught.value.problems) == 1
    assert f"{path}, row 8, column {column!r}: {value!r} is not" in caught.value.problems[0]
    log = read(path, drop_bad=True)
    assert (log.rows.read, log.rows.used, log.rows.dropped) == (60, 59, {f"bad {column}": 1})


def test_undecodable_bytes_name_row_and_column(broken):
    path = broken({(9, "domain"): "\xff\xfe"})
    with pytest.raises(BadInput, match=r"row 9, column 'domain': .*xff.* is not text in UTF-8"):
        read(path)


def test_problems_of_different_rows_come_in_order_and_long_lists_are_counted(broken):
    path = broken({(12, "click"): "x"}, {5: "1,2,3", 9: ""})
    with pytest.raises(BadInput) as caught:
        read(path)
    assert [problem.split(",")[1] for problem in caught.value.problems] == [
        " row 5: 3 cells where the header has 20: '1",
        " row 12",
    ]
    dropped = read(path, drop_bad=True).rows.dropped
    assert dropped == {"bad click": 1, "blank line": 1, "ragged row": 1}
    with pytest.raises(BadInput) as caught:
        read(broken(rows={row: "1," * (row % 18) for row in range(2, 56)}))
    assert len(caught.value.problems) == 17, "a line for each number of cells but the right one"
    assert "rows 3, 21, 39: 4 cells" in caught.value.problems[1]
    with pytest.raises(BadInput) as caught:
        read(broken(rows={row: "1,2" + "x" * row for row in range(2, 52)}))
    assert len(caught.value.problems) == SHOWN + 1
    assert "30 more rows" in caught.value.problems[-1]


def test_rows_keep_their_numbers_across_blocks(tmp_path, lines, monkeypatch):
    monkeypatch.setattr("jointbid.experiments.logs.rows.delimited.BLOCK_BYTES", 4_096)
    text = list(lines)
    text[1_000] = "1,2"
    text[2_000] = "x" + text[2_000]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(text))
    with pytest.raises(BadInput) as caught:
        read(path)
    assert "row 1001: 2 cells" in caught.value.problems[0]
    assert "row 2001, column 'click'" in caught.value.problems[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; expected a header and rows"),
        (b"\n\n", "row 1: no header"),
        (gzip.compress(b"", mtime=0), "is empty; expected a header and rows"),
        (b"\x1f\x8bhello", "cannot be read"),
        (b"\x28\xb5\x2f\xfdhello", "cannot be read"),
        ("click\n".encode("utf-16"), "is text in UTF-16; save it as UTF-8"),
        (b"PAR1" + bytes(range(128, 256)), "is not UTF-8 text"),
        (b"a,b\n1,2\n", r"row 1 \(header\): has none of the columns click, weekday"),
    ],
)
def test_files_that_are_no_log(tmp_path, content, message):
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=message):
        read(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(BadInput, match=r"nowhere\.csv: cannot be read: no such file"):
        read(tmp_path / "nowhere.csv")
    with pytest.raises(BadInput, match="cannot be read"):
        read(tmp_path)


@pytest.mark.parametrize("ending", ["", "\n"])
def test_a_header_and_nothing_else(tmp_path, lines, ending):
    path = tmp_path / "log.csv"
    path.write_text(lines[0] + ending)
    with pytest.raises(BadInput, match="has no rows"):
        read(path)
    path.write_text(lines[0] + "\n1,2\n\n")
    with pytest.raises(BadInput, match=r"no rows that can be used \(.*blank line"):
        read(path, drop_bad=True)


def test_a_truncated_gzip_is_refused_wherever_it_ends(tmp_path):
    data, path = DATA.read_bytes(), tmp_path / "log.csv.gz"
    for length in (12, len(data) // 2, len(data) - 9, len(data) - 1):
        path.write_bytes(data[:length])
        for drop_bad in (False, True):
            with pytest.raises(BadInput, match=r"log\.csv\.gz: cannot be read"):
                read(path, drop_bad=drop_bad)
    path.write_bytes(data[: len(data) // 2] + b"garbage" + data[len(data) // 2 :])
    with pytest.raises(BadInput, match=r"log\.csv\.gz: cannot be read"):
        read(path)


def test_missing_and_doubled_columns_with_the_closest_match(broken, lines):
    header = lines[0].replace("payprice", "pay_price").replace("hour", "hour,hour", 1).replace("keypage,", "")
    with pytest.raises(BadInput) as caught:
        read(broken(rows={1: header}))
    assert "column 'payprice' is missing; did you mean 'pay_price'?" in caught.value.problems[0]
    assert "column 'hour' is there 2 times" in caught.value.problems[1]


def test_unknown_format_names_the_closest():
    with pytest.raises(
        BadInput, match=r"supply\.format: 'ipinyou_cvs' is not one of .*; did you mean 'ipinyou_csv'"
    ):
        read_log(DATA, "ipinyou_cvs")


def test_floors_above_the_price_are_lowered_and_said(broken):
    log = read(broken({(4, "slotprice"): "250", (4, "payprice"): "30"}))
    assert (log.frame["floor_micros"] <= log.frame["price_micros"]).all()
    assert log.notes == ("1 rows paid less than their floor: their floor is taken to be the price",)


def test_chunks_stream(monkeypatch):
    monkeypatch.setattr("jointbid.experiments.logs.rows.delimited.BLOCK_BYTES", 16_384)
    audit = RowAudit(str(DATA))
    sizes = [len(chunk) for chunk in stream(open_log(DATA)[1], audit)]
    assert len(sizes) > 5
    assert sum(sizes) == audit.read == audit.used == 2_500


def test_a_column_says_its_rule():
    assert Column("hour", "integer", 0, 23).allowed == "a whole number from 0 to 23"
    assert Column("domain").allowed == "text in UTF-8"
