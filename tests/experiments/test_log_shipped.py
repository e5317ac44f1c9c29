"""The small made-up files that ship in tests/data/logs, one of each form, and the shapes in which such files are met."""

from __future__ import annotations

import bz2
import gzip
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from tests.experiments.log_files import open_log, read_log

from jointbid.experiments.cli.main import main
from jointbid.experiments.errors import BadInput
from jointbid.experiments.logs.synthetic.forms import write_all

SHIPPED = Path(__file__).parents[1] / "data" / "logs"
CLEANED = SHIPPED.parent / "ipinyou_synthetic.csv.gz"
FORMS = {
    "season2": "ipinyou_raw",
    "season3": "ipinyou_raw",
    "train.log.txt": "ipinyou_log_txt",
    "1458.test.txt": "click_price_pctr",
    "2259.test.txt": "click_price_pctr",
    "yzx": "yzx",
    "period-7.csv": "auctionnet",
    "shop.csv": "mapped",
    "shop.parquet": "mapped",
}


def options(name: str) -> dict[str, str]:
    return {"mapping": str(SHIPPED / "shop.yaml")} if name.startswith("shop") else {}


@pytest.mark.parametrize("name", FORMS)
def test_shipped_files_are_detected_and_read_whole(name, capsys):
    found, _ = open_log(SHIPPED / name, **options(name))
    assert found == FORMS[name]
    log = read_log(SHIPPED / name, **options(name))
    assert len(log) == 80
    assert set(log.rows.dropped) <= {"episode line", "first line (rows, episode length)"}
    mapping = [f"supply.mapping={SHIPPED / 'shop.yaml'}"] if name.startswith("shop") else []
    assert main(["log", "inspect", str(SHIPPED / name), *mapping]) == 0
    assert "80 used" in capsys.readouterr().out


def test_shipped_files_are_what_the_module_writes(tmp_path):
    write_all(tmp_path, 80)
    for file in sorted(SHIPPED.rglob("*")):
        if file.suffix not in {"", ".parquet"}:
            assert (tmp_path / file.relative_to(SHIPPED)).read_bytes() == file.read_bytes(), file.name


def test_a_folder_of_seasons_is_one_log(tmp_path):
    root = tmp_path / "ipinyou.contest.dataset"
    for season, folder in (("season2", "training2nd"), ("season3", "training3rd")):
        (root / folder).mkdir(parents=True)
        (root / folder / "files.md5").write_text("0123  imp.txt.bz2\n")
        for file in (SHIPPED / season).iterdir():
            (root / folder / f"{file.name}.bz2").write_bytes(bz2.compress(file.read_bytes()))
            (root / folder / f"bid{file.name[3:]}.bz2").write_bytes(bz2.compress(b"a\tb\n"))
    (root / "README").write_text("about\n")
    log = read_log(root)
    parts = [read_log(SHIPPED / season) for season in ("season2", "season3")]
    assert len(log) == 160
    assert log.frame["click"].sum() == sum(part.frame["click"].sum() for part in parts) > 0


def test_a_folder_of_several_formats_is_refused_by_name(tmp_path):
    shutil.copy(SHIPPED / "train.log.txt", tmp_path / "train.log.txt")
    shutil.copy(SHIPPED / "yzx" / "train.yzx.txt", tmp_path / "train.yzx.txt")
    with pytest.raises(
        BadInput, match=r"several formats: train.log.txt \(ipinyou_log_txt\), train.yzx.txt \(yzx\)"
    ):
        read_log(tmp_path)
    (tmp_path / "train.yzx.txt").unlink()
    (tmp_path / "README").write_text("about\n")
    assert len(read_log(tmp_path)) == 80


def test_header_names_may_differ_in_case_and_separators(tmp_path):
    text = (SHIPPED / "train.log.txt").read_text()
    first, _, rest = text.partition("\n")
    (tmp_path / "upper.log.txt").write_text(first.upper() + "\n" + rest)
    (tmp_path / "spaced.log.txt").write_text(first.replace("logtype", "logtype ") + "\n" + rest)
    cleaned = pd.read_csv(CLEANED, dtype=str, keep_default_na=False)
    for name, separator in (("tabs", "\t"), ("semicolons", ";")):
        with_quotes = cleaned.to_csv(sep=separator, index=False)
        (tmp_path / f"{name}.csv").write_text(with_quotes)
    whole = read_log(SHIPPED / "train.log.txt").frame
    assert read_log(tmp_path / "upper.log.txt").frame.equals(whole)
    assert read_log(tmp_path / "spaced.log.txt").frame.equals(whole)
    expected = read_log(CLEANED).frame
    assert read_log(tmp_path / "tabs.csv").frame.equals(expected)
    assert read_log(tmp_path / "semicolons.csv").frame.equals(expected)


def test_line_ends_and_marks_of_other_systems(tmp_path):
    plain = gzip.decompress(CLEANED.read_bytes())
    expected = read_log(CLEANED).frame
    for name, text in {
        "windows": plain.replace(b"\n", b"\r\n"),
        "mac": plain.replace(b"\n", b"\r"),
        "marked": b"\xef\xbb\xbf" + plain,
    }.items():
        (tmp_path / f"{name}.csv").write_bytes(text)
        assert read_log(tmp_path / f"{name}.csv").frame.equals(expected), name
    (tmp_path / "wide.csv").write_bytes(plain.decode().encode("utf-16"))
    with pytest.raises(BadInput, match="is text in UTF-16; save it as UTF-8"):
        read_log(tmp_path / "wide.csv")


def test_numbers_as_other_programs_write_them(tmp_path):
    frame = pd.read_csv(SHIPPED / "period-7.csv")
    expected = read_log(SHIPPED / "period-7.csv").frame.astype({"advertiserNumber": str})
    frame[frame.columns[::-1]].to_csv(tmp_path / "turned.csv")  # an index column, too
    assert read_log(tmp_path / "turned.csv").frame.astype({"advertiserNumber": str}).equals(expected)
    frame.astype(float).to_csv(tmp_path / "floats.csv", index=False)
    floats = read_log(tmp_path / "floats.csv").frame
    assert floats["price_micros"].equals(expected["price_micros"])
    assert floats["click"].equals(expected["click"])


def test_a_zip_with_one_file_is_unpacked_and_others_are_distinguished(tmp_path):
    text = (SHIPPED / "period-7.csv").read_bytes()
    for name, members in {"one": ["a.csv"], "two": ["a.csv", "b.csv"]}.items():
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as packed:
            for member in members:
                packed.writestr(member, text)
    assert read_log(tmp_path / "one.zip").frame.equals(read_log(SHIPPED / "period-7.csv").frame)
    with pytest.raises(BadInput, match="a zip file that holds 2 files: unpack it"):
        read_log(tmp_path / "two.zip")


@pytest.mark.few(1)
@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_packed_file_with_a_flipped_byte_is_refused(pack, tmp_path):
    packed = bytearray(pack(gzip.decompress(CLEANED.read_bytes()) * 8))
    packed[len(packed) // 2] ^= 0x55
    path = tmp_path / "flipped"
    path.write_bytes(packed)
    with pytest.raises(BadInput, match="cannot be read"):
        read_log(path, "ipinyou_csv", drop_bad=True)


def test_synthesize_writes_logs_that_are_read_and_refuses_what_it_does_not_know(tmp_path, capsys):
    assert main(["log", "synthesize", str(tmp_path / "all"), "rows=60"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 10
    for line in shown:
        form, _, rest = line.partition(": ")
        path, _, mapping = rest.partition(" supply.mapping=")
        log = read_log(path, mapping=mapping or None)
        assert log.rows.used == (56 if form == "auctionnet" else 60), form
    assert main(["log", "synthesize", str(tmp_path / "one"), "form=yzx", "rows=60"]) == 0
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["yzx"]
    capsys.readouterr()
    assert main(["log", "synthesize", str(tmp_path / "bad"), "form=yz", "rows=4", "row=9"]) == 2
    printed = capsys.readouterr().err
    for part in (
        "form = yz: must be one of all",
        "did you mean 'yzx'",
        "rows = 4: must be a whole",
        "row: no such key",
    ):
        assert part in printed
    assert not (tmp_path / "bad").exists()
