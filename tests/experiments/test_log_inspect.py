"""`jointbid log inspect`: what a log holds, suspected leaks, selection, censoring; in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.experiments.log_files import open_log

from jointbid.experiments.cli.main import main
from jointbid.experiments.logs.inspection.leaks import LeakCounts
from jointbid.experiments.logs.inspection.survey import Histogram, Survey
from jointbid.experiments.logs.read_log import stream
from jointbid.experiments.logs.rows.row_audit import RowAudit
from jointbid.experiments.logs.synthetic.forms import shop, write_all
from jointbid.experiments.logs.synthetic.ipinyou_rows import ipinyou_rows

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data" / "ipinyou" / "sample.csv.gz"
DATA = ROOT / "tests" / "data" / "ipinyou_synthetic.csv.gz"


def survey(path: Path, **options: object) -> Survey:
    audit = RowAudit(str(path))
    reader = open_log(path, **options)[1]
    found = Survey(reader.roles)
    for table in stream(reader, audit):
        found.add(table)
    found.close()
    return found


def said(capsys, *arguments: str) -> str:
    assert main(["log", "inspect", *arguments]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_sums_are_those_of_the_rows():
    made, found = ipinyou_rows(), survey(DATA, nonclick_weight=5.0)
    weight = np.where(made["click"] == 1, 1.0, 5.0)
    assert (found.rows, found.clicks) == (2_500, int(made["click"].sum()))
    assert found.ctr == pytest.approx(made["click"].sum() / weight.sum())
    assert found.price.mean == pytest.approx(np.average(made["payprice"] * 10, weights=weight))
    assert found.price.most == made["payprice"].max() * 10
    assert found.missing["usertag"][0] == (made["usertag"] == "").sum()
    assert found.missing["usertag"][1] == ((made["usertag"] == "") & (made["click"] == 1)).sum()
    assert found.hourly.sum() == pytest.approx(weight.sum())
    assert sum(rows for rows, _ in found.campaigns.values()) == 2_500


def test_quantiles_are_right_to_a_bin():
    amounts = np.random.default_rng(1).lognormal(7, 1, 50_000).astype(np.int64)
    histogram = Histogram()
    histogram.add(amounts, np.ones(50_000))
    for share in (0.1, 0.5, 0.9):
        assert histogram.quantile(share) == pytest.approx(np.quantile(amounts, share), rel=0.012)
    assert Histogram().mean != Histogram().mean


def test_the_planted_leak_is_found_and_nothing_else():
    suspects = survey(DATA).leaks.suspects()
    assert [(s.campaign, s.column, s.value) for s in suspects] == [("1458", "usertag", "11278")]
    assert suspects[0].times > 4


@pytest.mark.skipif(
    not REAL.exists(), reason="the iPinYou sample is not shipped; expected at ../shared/data/ipinyou"
)
def test_the_three_suspect_tags_of_the_real_sample_are_found():
    suspects = survey(REAL).leaks.suspects()
    assert {(s.campaign, s.value) for s in suspects} == {
        ("1458", "11278"), ("3358", "10684"), ("3427", "13042"), ("3476", "13042")
    }  # fmt: skip


@pytest.mark.parametrize(("fill", "value"), [("on clicks", "(anything)"), ("off clicks", "")])
def test_what_is_there_on_one_label_alone(tmp_path, fill, value):
    paths = write_all(tmp_path, 1_000)
    frame = shop(1_000)
    clicked = frame["clicked"] == 1
    frame["last_touch"] = np.where(clicked == (fill == "on clicks"), "seen", "")
    frame.to_csv(paths["mapped"], index=False)
    suspects = survey(paths["mapped"], mapping=str(tmp_path / "shop.yaml")).leaks.suspects()
    assert ("last_touch", value) in {(s.column, s.value) for s in suspects}


def test_memory_of_values_is_bounded(monkeypatch):
    monkeypatch.setattr("jointbid.experiments.logs.inspection.leaks.MOST_VALUES", 50)
    audit = RowAudit("x")
    reader = open_log(DATA)[1]
    counts = LeakCounts(reader.roles)
    for table in stream(reader, audit):
        counts.add(table)
    assert max(len(values) for values in counts._values.values()) <= 50
    assert "11278" in {suspect.value for suspect in counts.suspects()}


def test_in_words(capsys, tmp_path):
    paths = write_all(tmp_path, 800)
    text = said(capsys, str(DATA))
    for part in ("ipinyou_csv", "2,500 rows read, 2,500 used, dropped: none", "one-sided", "suspected leak: campaign 1458",
                 "non-clicks seem to be sampled", "few clicks"):  # fmt: skip
        assert part in text
    text = said(capsys, str(paths["auctionnet"]))
    assert "full information: every row has its price" in text
    assert "nothing to join" in text
    text = said(capsys, str(paths["mapped"]), f"supply.mapping={tmp_path / 'shop.yaml'}")
    assert "touches" in text
    assert "split by person" in text
    text = said(capsys, str(paths["ipinyou_raw"]))
    assert "not in order of time" in text
    assert "click rows found their impression, of " in text


def test_selection_and_bad_rows_are_said(capsys, tmp_path):
    path = tmp_path / "1.txt"
    path.write_text("".join(f"{e}\n1 20 .1\n0 30 .2\n0 dear .1\n" for e in range(1, 40)))
    text = said(capsys, str(path))
    assert "every episode (39) holds a click" in text
    assert "156 rows read, 78 used, dropped: 39 bad price, 39 episode line" in text
    assert f"{path}, rows 4, 8, 12, " in text
    assert "column 'price': 'dear' is not a finite number" in text
    assert f"{path}: 19 more rows like these" in text


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["inspec", "x"], ["log inspec", "did you mean 'inspect'"]),
        (["inspect"], ["needs one FILE", "got none"]),
        (["inspect", "a.csv", "b.csv"], ["needs one FILE", "a.csv, b.csv"]),
        (["inspect", "nowhere.csv"], ["nowhere.csv: cannot be read: no such file"]),
        (["calibrate", "x.csv", "--ouT", "y"], ["--ouT: no such option; did you mean '--out'"]),
        (["inspect", "x.csv", "supply.formt=yzx"], ["supply.formt: no such key; did you mean 'supply.format'"]),
        (["inspect", str(DATA), "supply.format=yxz"], ["'yxz' is not one of", "did you mean 'yzx'"]),
    ],
)  # fmt: skip
def test_bad_input(capsys, arguments, parts):
    assert main(["log", *arguments]) == 2
    err = capsys.readouterr().err
    assert all(part in err for part in parts)
    assert "Traceback" not in err


def test_help_lists_the_formats(capsys):
    assert main(["log", "--help"]) == 0
    text = capsys.readouterr().out
    assert "ipinyou_raw" in text
    assert "supply.mapping" in text
