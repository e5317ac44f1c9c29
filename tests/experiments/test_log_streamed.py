"""All rows of a log that is longer than memory are played: the same rows, prices, times and predictions as from memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.experiments.log_files import open_log, read_log

from jointbid.experiments.cli.main import main
from jointbid.experiments.config.points import load
from jointbid.experiments.logs.read_log import stream
from jointbid.experiments.logs.replay.holdout_models import fit_predictor, forward_ctr
from jointbid.experiments.logs.replay.plan import ReplayPlan
from jointbid.experiments.logs.rows import delimited
from jointbid.experiments.logs.rows.row_audit import RowAudit
from jointbid.experiments.logs.synthetic.forms import shop, write_auctionnet, write_click_price_pctr
from jointbid.experiments.logs.synthetic.ipinyou_rows import write_ipinyou_csv
from jointbid.experiments.studies.replay.run import run_log

MAPPING = """\
time: {column: at, unit: s}
price: paid_cpm
floor: floor_cpm
click: clicked
campaign: campaign
profile: [segment, age]
context: [site, device]
history: [touches]
ad: [creative]
lists: [segment]
list_separator: "|"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("streamed")
    write_click_price_pctr(root / "1458.txt", 6_000)
    write_auctionnet(root / "period-7.csv", 6_000)
    write_ipinyou_csv(root / "cleaned.csv", 3_000)
    frame = shop(6_000)
    frame["at"] = np.arange(6_000) * 50.0
    frame.to_csv(root / "shop.csv", index=False)
    frame.sample(frac=1, random_state=2).to_csv(root / "shuffled.csv", index=False)
    (root / "shop.yaml").write_text(MAPPING)
    return root


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 20_000)


def options(path: Path) -> dict[str, str]:
    return {"mapping": str(path.parent / "shop.yaml")} if path.name in {"shop.csv", "shuffled.csv"} else {}


@pytest.mark.parametrize("name", ["1458.txt", "period-7.csv", "cleaned.csv", "shop.csv"])
def test_rows_read_again_are_those_of_memory(name, folder):
    path = folder / name
    whole, held = read_log(path, **options(path)), read_log(path, **options(path), most_rows=1_000)
    assert whole.full is None
    assert held.is_sample
    assert not whole.is_sample
    again, start = held.full, 1_234
    assert len(again) == len(whole)
    read = pd.concat(
        [table.to_pandas().astype({"campaign": str}) for table in again.tables(start)], ignore_index=True
    )
    for column in ("time_us", "price_micros", "floor_micros", "click", "campaign"):
        expected = whole.frame[column].iloc[start:].reset_index(drop=True)
        assert (read[column] == expected.astype(read[column].dtype)).all(), column
    assert again.last_us == whole.frame["time_us"].iloc[-1]
    kept = whole.frame.iloc[again.places]
    assert (kept["price_micros"].to_numpy() == held.frame["price_micros"].to_numpy()).all()


def replayed(path: Path, tmp_path: Path, *texts: str):
    mapping = options(path).get("mapping")
    said = [f"supply.mapping={mapping}"] if mapping else []
    (point,) = load("run", [f"supply.path={path}", f"results_dir={tmp_path}", *said, *texts])
    return run_log(point)


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("1458.txt", ["strategy=adaptive_pacing", "bidders.budget=.02", "study.replay.value_per_click=.02"]),
        ("period-7.csv", ["strategy=linear", "bidders.budget=3", "study.replay.value_per_click=20"]),
    ],
    ids=["1458.txt", "period-7.csv"],
)
def test_what_comes_of_all_rows_is_what_comes_of_them_from_memory(name, texts, folder, tmp_path):
    memory, _, _ = replayed(folder / name, tmp_path / "a", *texts)
    streamed, notes, _ = replayed(folder / name, tmp_path / "b", *texts, "supply.most_rows=1000")
    pd.testing.assert_frame_equal(memory.bidders, streamed.bidders, check_exact=True)
    pd.testing.assert_frame_equal(memory.timeseries, streamed.timeseries, check_exact=True)
    assert memory.bidders["wins"].iloc[0] > 0
    assert "all rows after the training part are played, each once" in notes


@pytest.mark.parametrize("arm", ["stacked", "summed", "none"])
def test_predictions_of_rows_that_go_by_are_those_of_memory(arm, folder):
    path = folder / "shop.csv"
    log = read_log(path, **options(path))
    (point,) = load(
        "run", [f"supply.path={path}", f"supply.mapping={folder / 'shop.yaml'}", "study.replay.folds=3"]
    )
    plan = ReplayPlan.from_settings(point.settings)
    training = np.arange(len(log)) < 3_600
    expected = forward_ctr(plan, log, training, arm)
    frame = log.frame[training].reset_index(drop=True)
    predictor, _ = fit_predictor(plan, replace(log, frame=frame), arm)
    _, reader = open_log(path, **options(path))
    found = np.concatenate([predictor.ctr(table.to_pandas()) for table in stream(reader, RowAudit("shop"))])
    assert found[3_600:] == pytest.approx(expected[3_600:], rel=1e-7)
    assert len(np.unique(found)) > (1 if arm == "none" else 9)


def test_learned_values_are_played_on_all_rows(folder, tmp_path):
    memory, _, _ = replayed(folder / "shop.csv", tmp_path / "a", "strategy=truthful", "study.replay.folds=3")
    streamed, notes, _ = replayed(
        folder / "shop.csv",
        tmp_path / "b",
        "strategy=truthful",
        "study.replay.folds=3",
        "supply.most_rows=3000",
    )
    a, b = memory.bidders.iloc[0], streamed.bidders.iloc[0]
    assert a["requests"] == b["requests"] == 2_400
    assert b["wins"] == pytest.approx(a["wins"], rel=0.25)
    assert any("replayed on 2,400" in note for note in notes)


@pytest.mark.parametrize(
    ("name", "texts", "why"),
    [
        ("shuffled.csv", [], "its rows are not in order of time"),
        ("shop.csv", ["study.replay.learner=boosting"], "study.replay.learner is boosting"),
        ("shop.csv", ["study.replay.split=random"], "study.replay.split is random"),
    ],
)
def test_where_the_sample_is_played_it_says_why(name, texts, why, folder, tmp_path):
    _, notes, _ = replayed(folder / name, tmp_path, "strategy=truthful", "supply.most_rows=3000", *texts)
    assert any(note.startswith("only the sampled rows are played") and why in note for note in notes)


def test_the_command_says_what_was_played(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert (
        main(["run", f"supply.path={folder / '1458.txt'}", "supply.most_rows=1000", "plot.enabled=false"])
        == 0
    )
    out = capsys.readouterr().out
    assert "replayed on 2,400" in out
    assert "are kept (supply.most_rows = 1,000)" in out
