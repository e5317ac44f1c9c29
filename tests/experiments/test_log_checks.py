"""What a study of a log needs is checked before anything is learned; what is estimated from few rows says so."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.experiments.log_files import open_log, read_log

from jointbid.experiments.cli.main import main
from jointbid.experiments.logs.calibration.fit import _rising, as_types
from jointbid.experiments.logs.formats.registry import fingerprint
from jointbid.experiments.logs.inspection.survey import Histogram, Survey
from jointbid.experiments.logs.read_log import stream
from jointbid.experiments.logs.replay import strategy_table as classic
from jointbid.experiments.logs.rows.row_audit import RowAudit
from jointbid.sim.scenario import LogSupply

CASES = Path(__file__).parents[1] / "data" / "log_cases"
QUICK = ("executor.jobs=1", "plot.enabled=false", "study.replay.bootstrap=100", "study.replay.penalties=[.3]")
MAPPING = """currency: EUR
price_unit: cpm
time: {column: at, unit: h}
price: paid
click: clicked
campaign: campaign
profile: [segment]
context: [site]
"""


def shop(rows: int = 300, clicks: int = 100, hours: float = 48.0, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    clicked = np.zeros(rows, dtype=int)
    clicked[rng.choice(rows, clicks, replace=False)] = 1
    return pd.DataFrame(
        {
            "at": np.sort(rng.uniform(0, hours, rows)),
            "paid": rng.integers(10, 90, rows) / 10,
            "clicked": clicked,
            "campaign": "a",
            "segment": rng.choice(list("xyz"), rows),
            "site": rng.choice(list("pqr"), rows),
        }
    )


def written(frame: pd.DataFrame, folder: Path, more: str = "") -> tuple[str, str]:
    """The log as an override or argument, and its mapping."""
    frame.to_csv(folder / "log.csv", index=False)
    (folder / "log.yaml").write_text(MAPPING + more)
    return str(folder / "log.csv"), f"supply.mapping={folder / 'log.yaml'}"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def unlearned(monkeypatch):
    """Learning anything fails the test."""

    def learn(*_: object, **__: object) -> None:
        raise AssertionError("something was learned before the check")

    for place in (
        "studies.replay.ladder.fit_ladders",
        "logs.calibration.fit.fit_ladders",
        "logs.replay.priced_log.forward_ctr",
    ):
        monkeypatch.setattr(f"jointbid.experiments.{place}", learn)


def said(capsys) -> str:
    out, err = capsys.readouterr()
    return " ".join((out + err).split())


# -- blocks of a short log, and of one without times ----------------------------------------------------------------


@pytest.mark.few(1)
@pytest.mark.parametrize("hours", [0.5, 8.5])
@pytest.mark.few(1)
def test_a_short_log_is_resampled_by_rows_and_says_so(hours, tmp_path, capsys):
    path, mapping = written(shop(hours=hours), tmp_path)
    assert main(["value", f"supply.path={path}", mapping, "study.replay.budgets=[.25]", *QUICK]) == 0
    text = said(capsys)
    assert "intervals resample single rows" in text
    assert "100 resamples of rows" in text
    assert "where a bootstrap needs 10" in text


def test_a_long_enough_log_is_resampled_by_the_hour(tmp_path, capsys):
    path, mapping = written(shop(hours=12), tmp_path)
    assert main(["value", f"supply.path={path}", mapping, "study.replay.budgets=[.25]", *QUICK]) == 0
    assert "100 resamples of stretches of 1 h" in said(capsys)


def test_a_log_without_times_is_resampled_by_rows_however_long_it_is(tmp_path):
    from jointbid.experiments.logs.replay.folds import blocks_of

    frame = shop().drop(columns="at")
    frame.to_csv(tmp_path / "log.csv", index=False)
    (tmp_path / "log.yaml").write_text(MAPPING.replace("time: {column: at, unit: h}\n", ""))
    log = read_log(tmp_path / "log.csv", mapping=str(tmp_path / "log.yaml"))
    found = blocks_of(log, "time", 0.0001)
    assert found.numbers is None
    assert "keeps no time" in found.note


# -- checks that come first ------------------------------------------------------------------------------------------

LATE = {"clicked": lambda f: (np.arange(len(f)) >= 200) & (np.arange(len(f)) % 2 == 0)}
TWO_PARTS = {"clicked": lambda f: (np.arange(len(f)) < 118) & (np.arange(len(f)) % 2 == 0)}


@pytest.mark.parametrize(
    ("change", "verb", "texts", "message"),
    [
        ({"clicked": 0}, "value", [], "0 clicks among 300 rows"),
        (TWO_PARTS, "value", [], "without part 1 and 2 of 5"),
        ({}, "value", ["study.replay.budgets=[1e-7]"], "study.replay.budgets = 1e-07"),
        (LATE, "run", [], "none of the 180 training rows has a click"),
        ({}, "run", ["strategy=truthful", "study.replay.landscape=kaplan_meier"], "has no bids of the logger"),
        ({}, "run", ["strategy=truthful", "bidders.budget=1e-6"], "bidders.budget = 1e-06: the cheapest row"),
        ({}, "run", ["bidders.strategy.name=no_such_one"], "no_such_one"),
        ({"clicked": 0}, "table", [], "no campaign can be played"),
        ({"campaign": lambda f: (np.arange(len(f)) % 30).astype(str)}, "table", [], "campaign 29 is left out"),
        ({}, "table", ["study.replay.landscape=kaplan_meier"], "has no bids of the logger"),
        ({"segment": lambda f: np.where(f["clicked"] == 1, "", "x")}, "calibrate", [], "0 of the 100 clicks lie among"),
        ({"segment": ""}, "calibrate", [], "the 0 of 300 rows with a profile (segment filled in)"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("unlearned")
def test_what_stops_a_study_stops_it_before_anything_is_learned(
    change, verb, texts, message, tmp_path, capsys
):
    frame = shop()
    for name, how in change.items():
        frame[name] = how(frame) if callable(how) else how
    frame["clicked"] = frame["clicked"].astype(int)
    path, mapping = written(frame, tmp_path)
    command = [verb, f"supply.path={path}"] if verb in {"value", "run"} else ["log", verb, path]
    assert main([*command, mapping, *QUICK, *texts]) == 2
    assert message in said(capsys)


@pytest.mark.slow
def test_all_clicks_in_one_part_of_the_training_rows(tmp_path, capsys):
    frame = shop()
    frame["clicked"] = (np.arange(300) < 30).astype(int)
    path, mapping = written(frame, tmp_path)
    assert main(["run", f"supply.path={path}", mapping, "strategy=truthful", *QUICK]) == 2
    assert "lie in part 1 of 5" in said(capsys)


# -- leaks by absence -----------------------------------------------------------------------------------------------


def suspects_of(path: Path, mapping: Path) -> list[tuple[str, str, str]]:
    reader = open_log(path, mapping=str(mapping))[1]
    survey = Survey(reader.roles)
    for table in stream(reader, RowAudit("x")):
        survey.add(table)
    return [(s.campaign, s.column, s.value) for s in survey.leaks.suspects()]


def test_a_column_that_is_missing_on_every_click_is_a_leak():
    found = suspects_of(CASES / "missing_on_clicks.csv", CASES / "missing_on_clicks.yaml")
    assert ("missing_on_clicks", "segment", "(anything)") in found


@pytest.mark.parametrize("campaigns", [1, 8])
@pytest.mark.parametrize(
    ("on_clicks", "value"),
    [("y", "x"), ("", "(anything)"), ("x", "")],
    ids=["a value", "filled in", "missing"],
)
def test_what_clicks_avoid_is_suspect(on_clicks, value, campaigns, tmp_path):
    """Half of the other rows have `value`, no click has; also where each campaign alone has too few clicks to tell."""
    frame = shop(800, 120)
    other = {"(anything)": ["x", ""], "x": ["x", "y"], "": ["x", ""]}[value]
    frame["segment"] = np.where(frame["clicked"] == 1, on_clicks, np.array(other)[np.arange(800) // 8 % 2])
    frame["campaign"] = (np.arange(800) % campaigns).astype(str)
    path, _ = written(frame, tmp_path)
    where = "0" if campaigns == 1 else "(all)"
    assert (where, "segment", value) in suspects_of(Path(path), tmp_path / "log.yaml")
    calm = shop(800, 120)
    written(calm.assign(campaign=frame["campaign"]), tmp_path)
    assert suspects_of(Path(path), tmp_path / "log.yaml") == []


def test_calibrate_has_no_nan_and_no_warning_where_columns_say_nothing(tmp_path):
    path, mapping = written(shop().assign(segment="x", site="p"), tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        assert main(["log", "calibrate", path, mapping, "--out", "s.yaml", *QUICK]) == 0
    page = (tmp_path / "s.md").read_text()
    assert "nan" not in page.replace(str(tmp_path), "")
    (line,) = [line for line in page.splitlines() if "correlation of the scores" in line]
    assert (
        abs(float(line.split("|")[2])) < 0.2
    )  # rows that do not differ get no profile that goes with their context


def test_edges_that_rounding_makes_one_are_put_together():
    edges, weights = _rising((1.0, 2.0, 2.0000000001, 3.0), (0.25, 0.25, 0.5))
    assert edges == [1.0, 2.0, 3.0]
    assert weights == [0.5, 0.5]
    edges, _ = _rising((1_000 - 1e-6, 1_000.0), (1.0,))
    assert edges[0] < edges[1]


def test_rows_of_one_score_get_types_that_do_not_go_together():
    score, weight = np.zeros(4_000), np.ones(4_000)
    one, other = (as_types(score, weight, 4, name) for name in ("profile", "context"))
    assert np.array_equal(np.bincount(one), [1_000] * 4)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.06


# -- quantiles ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("amounts", [[530] * 10, [170, 532, 1456], [1, 2**40], [0, 0, 7], [999_999] * 3])
def test_quantiles_of_few_prices_are_prices(amounts):
    histogram = Histogram()
    histogram.add(np.array(amounts), np.ones(len(amounts)))
    for share in (0.0, 0.1, 0.5, 0.9, 1.0):
        want = float(np.quantile(amounts, share, method="inverted_cdf"))
        assert histogram.quantile(share) == want
    assert min(amounts) <= histogram.mean <= max(amounts)


def test_quantiles_of_many_prices_lie_between_the_lowest_and_the_highest():
    amounts = 1_000_000 + np.arange(20_000)
    histogram = Histogram()
    for part in np.array_split(amounts, 7):
        histogram.add(part, np.ones(len(part)))
    assert not histogram.is_exact
    for share in (0.0, 0.1, 0.5, 0.9, 1.0):
        assert amounts[0] <= histogram.quantile(share) <= amounts[-1]


def test_inspect_shows_a_constant_price_as_it_is(capsys):
    assert main(["log", "inspect", str(CASES / "constant_price.txt")]) == 0
    text = " ".join(re.split(r"[\s|]+", said(capsys)))
    assert "mean 0.530; 10% 0.530, 50% 0.530, 90% 0.530; highest 0.530" in text


# -- the table's budget ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_budget_is_a_share_of_what_the_test_rows_cost(tmp_path, capsys):
    assert main(["log", "table", str(CASES / "budget_share.txt"), "results_dir=out", *QUICK]) == 0
    (path,) = tmp_path.glob("out/table/*/table.csv")
    table = pd.read_csv(path)
    for share, budget in table.groupby("budget_share")["budget"].first().items():
        assert budget == pytest.approx(share * 48 * 200e-5)  # 48 test rows at 200 fen CPM
    assert "a budget of 1/64 is less than its cheapest test row costs" in said(capsys)


# -- lost auctions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["run", "value", "table", "calibrate", "inspect"])
def test_lost_auctions_with_the_price_0_are_not_bought_and_that_is_said(verb, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("jointbid.experiments.studies.replay.strategy_table.SHARES", (0.5,))
    monkeypatch.setattr(classic, "STRATEGIES", {"lin": "linear"})
    frame = shop(600, 150)
    lost = (np.arange(600) % 3 == 0) & (frame["clicked"] == 0)
    frame["paid"] = frame["paid"].where(~lost, 0.0)
    path, mapping = written(frame, tmp_path)
    command = [verb, f"supply.path={path}"] if verb in {"value", "run"} else ["log", verb, path]
    more = {"run": ["strategy=truthful"], "value": ["study.replay.budgets=[.5]"]}.get(verb, [])
    assert main([*command, mapping, *more, "results_dir=out", *QUICK]) == 0
    assert f"{lost.sum()} lost auctions with the price 0" in said(capsys)
    if verb == "run":
        (bidders,) = tmp_path.glob("out/run/*/bidders.csv")
        assert pd.read_csv(bidders)["requests"].item() == (600 - lost.sum()) - round(0.6 * (600 - lost.sum()))


def test_a_row_that_was_shown_keeps_its_price_of_0(tmp_path):
    frame = shop()
    frame["paid"], frame["shown"] = 0.0, (np.arange(300) % 2)
    path, _ = written(frame, tmp_path, "known: shown\n")
    log = read_log(path, mapping=str(tmp_path / "log.yaml"))
    assert len(log) == 150
    assert log.frame["known"].all()


# -- joins ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("strangers", "caution"), [(1, False), (40, True)])
def test_a_join_is_counted_in_rows_with_a_caution_where_most_do_not_match(strangers, caution):
    import pyarrow as pa

    from jointbid.experiments.logs.formats.ipinyou import ClickIndex

    ids = ["a", "a", "b", *["stranger"] * strangers]
    index = ClickIndex([(pa.array(ids), pa.array(["1"] * len(ids)))])
    assert index.clicked(pa.array(["a", "b", "c"]), pa.array(["1", "1", "1"])).tolist() == [1, 1, 0]
    notes = index.notes("click")
    assert notes["click rows repeat another one's bid id and creative"] == 1 + strangers - 1
    assert notes[f"click rows found their impression, of {3 + strangers}"] == 3
    (none,) = [text for text in notes if "have no impression" in text]
    assert ("beware" in none) == caution
    assert notes[none] == strangers


def test_episodes_of_two_files_are_distinguished(tmp_path):
    for name in ("1458", "2259"):
        lines = ["1", "1 20 .1", "0 30 .1", "2", "0 20 .1", "0 30 .1"]
        (tmp_path / f"{name}.txt").write_text("\n".join(lines) + "\n")
    reader = open_log(tmp_path)[1]
    survey = Survey(reader.roles)
    for table in stream(reader, RowAudit("x")):
        survey.add(table)
    assert sorted(survey.episodes.values()) == [[2, 0], [2, 0], [2, 1], [2, 1]]


@pytest.mark.parametrize(
    ("log", "beside"),
    [
        ("1458.yzx.txt", "featindex.txt"),
        ("imp.20130606.txt", "clk.20130606.txt"),
        ("imp.6.txt", "conv.6.txt"),
    ],
)
def test_what_lies_beside_a_file_and_is_read_with_it_belongs_to_its_content(log, beside, tmp_path):
    (tmp_path / log).write_text("1 2 3:1\n")
    supply = LogSupply(path=str(tmp_path / log))
    seen = [fingerprint(supply)]
    for text in ("0", "1"):
        (tmp_path / beside).write_text(text)
        seen.append(fingerprint(supply))
    (tmp_path / "notes.txt").write_text("no part of it")
    assert fingerprint(supply) == seen[-1]
    assert seen[0] != seen[1] != seen[2]
