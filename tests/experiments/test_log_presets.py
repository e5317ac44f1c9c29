"""Formats that are YAML files; times in several columns; filters; pairs of files; budgets per episode."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.experiments.log_files import open_log, read_log

from jointbid.experiments.errors import BadInput
from jointbid.experiments.logs.formats import presets as module
from jointbid.experiments.logs.formats.presets import Preset, preset_of, presets
from jointbid.experiments.logs.log_table import LogTable
from jointbid.experiments.logs.replay.episodes import budgets_of, episodes_of
from jointbid.experiments.logs.replay.strategy_tuning import TuningRows
from jointbid.experiments.logs.rows.conditions import LEFT_OUT, OneOf, SqlCondition
from jointbid.experiments.logs.rows.times import Clock, HourOfDay, Weekday, unit_of

HOUR_US = 3_600_000_000
CASES = Path(__file__).parents[1] / "data" / "log_cases"


def mapped(path: Path, text: str, mapping: str, **more: object) -> LogTable:
    path.write_text(text)
    mapping_file = path.with_name("mapping.yaml")
    mapping_file.write_text(mapping)
    return read_log(path, mapping=str(mapping_file), **more)


# -- presets --------------------------------------------------------------------------------------------------------


def test_criteo_attribution_is_known_by_its_columns(tmp_path):
    cats = [f"cat{i}" for i in range(1, 10)]
    names = ["timestamp", "uid", "campaign", "conversion", "conversion_timestamp", "conversion_id", "attribution", "click",
             "click_pos", "click_nb", "cost", "cpo", "time_since_last_click", *cats]  # fmt: skip
    rows = [
        [0, 7, 3, 0, -1, -1, 0, 0, -1, -1, 1e-5, 0.39, -1, *range(9)],
        [90, 8, 3, 1, 99, 5, 0, 1, 0, 7, 2e-4, 0.1, 700, *range(9)],
    ]
    path = tmp_path / "criteo.tsv.gz"
    pd.DataFrame(rows, columns=names).to_csv(path, sep="\t", index=False)
    name, reader = open_log(path)
    assert name == "criteo_attribution"
    assert reader.roles.context == tuple(cats)
    frame = read_log(path).frame
    assert frame["time_us"].tolist() == [0, 90_000_000]
    assert frame["price_micros"].tolist() == [10, 200]
    assert frame["time_since_last_click"].tolist() == ["up to -1", "up to 3600"]
    assert (frame["click"].tolist(), frame["conversion"].tolist(), frame["user"].tolist()) == (
        [0, 1],
        [0, 1],
        ["7", "8"],
    )


def test_names_in_capitals_and_files_beside_the_log(tmp_path):
    names = [
        "TIMESTAMP",
        "UID",
        "CAMPAIGN",
        "CONVERSION",
        "ATTRIBUTION",
        "CLICK",
        "COST",
        "CPO",
        "TIME_SINCE_LAST_CLICK",
        "CAT1",
        "CAT9",
    ]
    frame = pd.DataFrame([[0, 7, 3, 0, 0, 1, 0.5, 0.1, -1, 4, 5]], columns=names)
    frame.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "Experiments.ipynb").write_text("{}")
    frame.to_parquet(tmp_path / "a.parquet")
    for path in (tmp_path / "a.csv", tmp_path / "a.parquet"):
        read = read_log(path).frame
        assert (read["price_micros"].tolist(), read["cat9"].tolist()) == ([500_000], ["5"])
    (tmp_path / "a.parquet").unlink()
    assert open_log(tmp_path)[0] == "criteo_attribution"
    frame.rename(columns={"COST": "paid"}).to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(
        BadInput, match="of the columns of criteo_attribution it lacks cost: name them so, or say"
    ):
        open_log(tmp_path / "b.csv")


def private_ad(folder: Path) -> Path:
    for day in (2, 10):
        part = folder / f"day_int={day}"
        part.mkdir(parents=True)
        columns = {
            "user_id": ["a", "b"],
            "campaign_id": [1, 1],
            "publisher_id": [4, 5],
            "is_clicked": [0, 1],
            "display_order": [1, 2],
        }
        groups = ("kv_bits_constrained", "browser_bits_constrained", "ctx_not_constrained", "not_available")
        columns |= {f"features_{group}_{i}": [1.0, None] for group in groups for i in range(2)}
        pq.write_table(pa.table(columns), part / "part-0.parquet")
    (folder / "_SUCCESS").touch()
    return folder


def test_criteo_private_ad_in_folders_of_days(tmp_path):
    name, reader = open_log(private_ad(tmp_path / "data"))
    assert (name, reader.has_prices) == ("criteo_private_ad", False)
    assert reader.roles.profile == ("features_kv_bits_constrained_0", "features_kv_bits_constrained_1")
    assert reader.roles.history == (
        "features_browser_bits_constrained_0",
        "features_browser_bits_constrained_1",
    )
    assert not any("not_available" in feature for feature in reader.roles.features)
    log = read_log(tmp_path / "data")
    assert len(log) == 4
    assert log.frame["time_us"].tolist() == [0, 0, 8 * 24 * HOUR_US, 8 * 24 * HOUR_US]
    assert log.frame["price_micros"].eq(0).all()


def test_openrtb_lines_are_known_and_what_they_lack_is_left_out(tmp_path):
    log = read_log(CASES / "openrtb.jsonl")
    assert log.roles.profile == ()
    assert set(log.roles.context) == {"site.domain", "imp.0.banner.w", "imp.0.banner.h"}
    assert log.frame["floor_micros"].tolist() == [500] * 6
    row = {"id": "a", "timestamp": 1709287200, "imp": [{"id": "1"}], "price": 1.5, "click": True,
           "user": {"data": [{"segment": [{"id": "s1"}, {"id": "s2"}]}]}, "device": {"geo": {"country": "DE"}}}  # fmt: skip
    path = tmp_path / "own.jsonl"
    path.write_text("\n".join(json.dumps(row) for _ in range(3)))
    frame = read_log(path).frame
    assert frame["user.data.segment.id"].tolist() == ["s1,s2"] * 3
    assert frame["click"].tolist() == [1, 1, 1]


def test_a_log_without_header_is_opened_by_the_name_of_its_preset(tmp_path):
    cells = [
        "0",
        "-1.0",
        "-1",
        "1596440000",
        "3",
        "0.0",
        "-1",
        "7E",
        "-1",
        *["-1"] * 9,
        "DE",
        "P",
        "t",
        "partner",
        "u",
    ]
    (tmp_path / "log").write_text("\t".join(cells) + "\n" + "\t".join(["1", *cells[1:]]) + "\n")
    log = read_log(tmp_path / "log", "criteo_search")
    assert log.frame["click"].tolist() == [0, 1]
    assert log.frame["nb_clicks_1week"].tolist() == ["up to 3"] * 2


def test_a_plugin_brings_a_preset_and_a_wrong_one_is_named(tmp_path, monkeypatch):
    folder = tmp_path / "log_format"
    folder.mkdir()
    (folder / "acme.yaml").write_text(
        "about: Acme\ncolumns: [acme_id, paid]\nmapping: {price: paid, click: hit, profile: [seg_*], context: [page]}\n"
    )
    monkeypatch.setattr(module, "folders", lambda: (f"file://{tmp_path}",))
    presets.cache_clear()
    try:
        (tmp_path / "log.csv").write_text("acme_id,paid,hit,seg_a,seg_b,page\n1,2.0,0,x,y,z\n2,1.0,1,x,y,z\n")
        name, reader = open_log(tmp_path / "log.csv")
        assert name == "acme"
        assert reader.roles.profile == ("seg_a", "seg_b")
        (folder / "acme.yaml").write_text("about: Acme\nmapping: {price: paid, clik: hit}\n")
        presets.cache_clear()
        with pytest.raises(BadInput, match=r"acme.yaml: .*clik"):
            open_log(tmp_path / "log.csv")
    finally:
        presets.cache_clear()


def test_presets_are_not_taken_for_one_another():
    for name, preset in presets().items():
        assert isinstance(preset, Preset)
        if preset.columns:
            assert preset_of([one.replace("*", "0") for one in preset.columns]) == name
    assert preset_of(["click", "price", "hour"]) == ""


# -- times ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "unit"),
    [(["1709287200"], "s"), (["1709287200123"], "ms"), (["1709287200123456"], "us"), (["1709287200123456789"], "ns"),
     (["14102100", "14102101"], "yyMMddHH"), (["20240301"], "yyyyMMdd"), (["2024030110"], "yyyyMMddHH"), (["20240301101500"], "yyyyMMddHHmmss"),
     (["2024-03-01 10:00:00"], "iso"), (["1709287200.5", ""], "s"), (["1.7092872e9"], "s"), (["0", "17"], "iso"), ([""], "iso")],
)  # fmt: skip
def test_the_unit_is_read_off_the_first_rows(cells, unit):
    assert unit_of(pa.array(cells)) == unit


def test_a_pattern_and_hours_and_weekdays():
    time_us, wrong = Clock("%d/%m/%Y %H:%M").read(pa.array(["01/03/2024 10:00", "x"]))
    assert (time_us[0], wrong.tolist()) == (1_709_287_200_000_000, [False, True])
    time_us, wrong = HourOfDay().read(pa.array(["08", "10:15", "23:59:59", "24", "x", None]))
    assert (time_us[:3] // 1_000_000).tolist() == [8 * 3600, 10 * 3600 + 900, 86_399]
    assert wrong.tolist() == [False, False, False, True, True, True]
    number, wrong = Weekday().read(pa.array(["Mon", "sunday", "7", "0", "8"]))
    assert (number[:4].tolist(), wrong.tolist()) == ([1, 0, 0, 0], [False, False, False, False, True])


def test_a_weekday_with_an_hour_and_a_day_with_an_hour(tmp_path):
    week = "price,click,wd,h\n" + "".join(
        f"1,{i % 2},{wd},{h}\n" for i, (wd, h) in enumerate([(5, 22), (6, 1), (0, 3), (4, 23)])
    )
    log = mapped(tmp_path / "week.csv", week, "price: price\nclick: click\ntime: {weekday: wd, hour: h}\n")
    assert (log.frame["time_us"] // HOUR_US).tolist() == [22, 25, 51, 167]
    days = "price,click,day,h\n1,0,2024-03-01,10\n1,1,2024-03-02,00:30\n"
    log = mapped(tmp_path / "days.csv", days, "price: price\nclick: click\ntime: {column: day, hour: h}\n")
    assert (log.frame["time_us"] / HOUR_US).tolist() == [10, 24.5]
    with pytest.raises(BadInput, match="weekday needs hour"):
        mapped(tmp_path / "days.csv", days, "price: price\nclick: click\ntime: {weekday: day}\n")
    with pytest.raises(
        BadInput, match=r"row 3, column 'h': '00:30' is not a whole number|an hour of the day"
    ):
        mapped(
            tmp_path / "days.csv",
            days.replace("00:30", "25"),
            "price: price\nclick: click\ntime: {column: day, hour: h}\n",
        )


# -- rows that are kept ---------------------------------------------------------------------------------------------

EVENTS = "event,price,click,site\nimpression,1.5,0,a\nview,,0,a\nimpression,2.5,yes,b\nclick,oops,1,b\n"


@pytest.mark.parametrize(
    ("condition", "kept"),
    [("event = 'impression'", 2), ("{event: impression}", 2), ("{event: [impression], site: b}", 1), ("event like 'imp%' and price > 2", 1),
     ("event = 'impression' -- the others are not paid", 2), ("{click: 'yes'}", 1)],
)  # fmt: skip
def test_a_filter_leaves_rows_out_before_their_cells_are_judged(tmp_path, condition, kept):
    text = condition if condition.startswith("{") else json.dumps(condition)
    log = mapped(
        tmp_path / "events.csv", EVENTS, f"price: price\nclick: click\ncontext: [site]\nfilter: {text}\n"
    )
    assert len(log) == kept
    assert log.rows.dropped[LEFT_OUT] == 4 - kept


@pytest.mark.parametrize(
    "condition", ["price >", "1 = 1", "price in (select 1)", "price = 1; drop table log"]
)
def test_a_filter_that_is_no_condition_is_refused(condition):
    with pytest.raises(BadInput, match=r"m.yaml: filter: "):
        SqlCondition(condition, "m.yaml: filter")


def test_a_filter_over_a_column_that_is_not_there(tmp_path):
    with pytest.raises(BadInput, match="column 'evnt' is missing; did you mean 'event'"):
        mapped(tmp_path / "events.csv", EVENTS, "price: price\nclick: click\nfilter: evnt = 'click'\n")


def test_a_column_of_numbers_is_compared_as_numbers():
    cells = {"price": pa.array(["9", "10", "", "1e1"]), "site.domain": pa.array(["a", "b", "", "a"])}
    assert SqlCondition("price > 9.5", "x").keeps(cells).tolist() == [False, True, False, True]
    assert SqlCondition("site.domain is null", "x").keeps(cells).tolist() == [False, False, True, False]
    assert OneOf({"price": [9, None]}).keeps(cells).tolist() == [True, False, True, False]


def test_decimal_commas_buckets_and_patterns(tmp_path):
    text = "preis;klick;alter;q_1;q_2\n1.234,5;no;17;a;b\n0,5;yes;65;a;b\n2;no;;a;b\n"
    mapping = "price: preis\nclick: klick\ndecimal: ','\nprofile: [alter]\ncontext: ['q_*']\nbuckets: {alter: [17, 40]}\n"
    log = mapped(tmp_path / "de.csv", text, mapping)
    assert log.frame["price_micros"].tolist() == [1_234_500, 500, 2_000]
    assert log.frame["alter"].tolist() == ["up to 17", "above 40", ""]
    assert log.roles.context == ("q_1", "q_2")
    with pytest.raises(BadInput, match="say decimal: ','"):
        mapped(tmp_path / "de.csv", text, mapping.replace("decimal: ','\n", ""))
    with pytest.raises(BadInput, match=r"context: no column fits 'r_\*'"):
        mapped(tmp_path / "de.csv", text, mapping.replace("q_*", "r_*"))


def test_ids_of_several_files_are_kept_apart_where_asked(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        (folder / name).write_text("user,paid,click,ep\n1,1,0,1\n2,1,1,1\n")
    (tmp_path / "m.yaml").write_text("price: paid\nclick: click\nuser: user\nepisode: ep\n")
    log = read_log(folder, mapping=str(tmp_path / "m.yaml"))
    assert (log.frame["user"].nunique(), log.frame["episode"].nunique()) == (2, 1)
    assert sum("in more than one file" in note for note in log.notes) == 2
    (tmp_path / "m.yaml").write_text(
        "price: paid\nclick: click\nuser: user\nepisode: ep\nids_per_file: true\n"
    )
    log = read_log(folder, mapping=str(tmp_path / "m.yaml"))
    assert (log.frame["user"].nunique(), log.frame["episode"].nunique()) == (4, 2)
    assert not any("in more than one file" in note for note in log.notes)


def test_a_zip_file_of_a_mac_and_cells_between_control_characters(tmp_path):
    path = tmp_path / "log.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("log.csv", "paid\x01click\x01site\n1.5\x010\x01a\n2.5\x011\x01b\n")
        packed.writestr("__MACOSX/._log.csv", "\x00\x05\x16")
    (tmp_path / "m.yaml").write_text("price: paid\nclick: click\ncontext: [site]\n")
    assert read_log(path, mapping=str(tmp_path / "m.yaml")).frame["site"].tolist() == ["a", "b"]


# -- pairs of files, and episodes -----------------------------------------------------------------------------------


def test_a_pair_of_files_keeps_rows_and_episodes_apart(tmp_path):
    (tmp_path / "train.txt").write_text("1\n0 10 .1\n1 20 .1\n2\n0 30 .1\n")
    (tmp_path / "test.txt").write_text("1\n1 40 .2\n0 50 .2\n")
    log = read_log(tmp_path / "train.txt", test_path=str(tmp_path / "test.txt"))
    assert log.frame["test"].tolist() == [False, False, False, True, True]
    assert log.frame["price_micros"].tolist() == [100, 200, 300, 400, 500]
    assert log.frame["episode"].nunique() == 3
    assert (np.diff(log.frame["time_us"]) > 0).all()
    assert log.rows.read == 8
    with pytest.raises(BadInput, match=r"supply.test_path = .*: is supply.path itself"):
        read_log(tmp_path / "train.txt", test_path=str(tmp_path / "train.txt"))
    (tmp_path / "other.txt").write_text("1 40 3:1 4:1\n0 50 3:1\n")
    with pytest.raises(BadInput, match="both must be logs of one form"):
        read_log(tmp_path / "train.txt", test_path=str(tmp_path / "other.txt"))


def test_budgets_of_episodes_are_parts_of_the_whole(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text("1\n0 10 .1\n1 20 .1\n2\n0 30 .1\n")
    log = read_log(path)
    assert episodes_of(log, "episode").tolist() == [0, 0, 1]
    assert episodes_of(log, 2).tolist() == [0, 0, 1]
    assert episodes_of(log, "log").tolist() == [0, 0, 0]
    assert budgets_of(np.array([0, 0, 1]), 9.0).tolist() == [6.0, 3.0]


def test_tuning_spends_an_episodes_budget_in_it_alone():
    one = np.ones(4)
    rows = TuningRows(one, 0 * one, one, one, one, one, 2.0, np.array([0, 0, 0, 1]))
    # The first episode may spend 1.5 and buys one row; the second has .5, and its row costs 1.
    assert rows.clicks_of(2 * one) == (1.0, 1.0)
    whole = TuningRows(one, 0 * one, one, one, one, one, 2.0, np.zeros(4, dtype=np.int64))
    assert whole.clicks_of(2 * one) == (2.0, 2.0)
