from __future__ import annotations

import io

import pytest
from rich.console import Console

from jointbid.experiments.estimate.ladder import ladder_summary, lookup
from jointbid.experiments.estimate.sides import Sides
from jointbid.experiments.report.tables import FOOTNOTE, linked, plain, show, text_table
from jointbid.experiments.report.value_tables import estimand_table, ladder_table, source_table

SINGLE = Sides("best_single", {"best_single": "context"})
UNIT = "CNY per million bid requests"


@pytest.fixture
def summary(cells):
    return ladder_summary(cells(rivals=2), SINGLE, unit=UNIT)


def line(text, start):
    """Cells of the one row whose first cell is `start`; a name may go on in the next line, and a row in the next part."""
    rows = []
    for cells in (
        [c.strip() for c in r.strip("|").split("|")] for r in text.splitlines() if r.startswith("|")
    ):
        if rows and not cells[-1]:
            rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
    first, *more = [row for row in rows if row[0] == start]
    return sum((row[1:] for row in more), first)


def test_ladder_shows_each_arm_with_interval_differences_and_win_rate(cells):
    summary = ladder_summary(cells(market_sd=0, arm_sd=0), SINGLE, unit=UNIT)
    text = plain(ladder_table(summary, SINGLE))
    assert text.startswith(f"Profit of each arm, {UNIT}")
    interval, over_none, over_single, win_rate = "285,000 to 285,000", "+35,000", "+12,500", "10.0 %"
    assert line(text, "joint") == ["joint", "285,000", interval, over_none, over_single, win_rate]
    assert line(text, "none")[3:5] == ["-", "-22,500"]
    assert line(text, "split_budget")[5] == "20.0 %"
    assert line(text, "best_single (context)")[4] == "-"


def test_ladder_names_another_silo(cells):
    summary = ladder_summary(cells(), Sides("split_budget"), unit=UNIT)
    text = plain(ladder_table(summary, Sides("split_budget")))
    assert "over split_budget" in text
    assert line(text, "split_budget")[4] == "-"


def test_estimands_show_the_steps_and_the_market(summary):
    text = plain(estimand_table(summary, SINGLE))
    assert "siloed: best_single (context)" in text
    for row in ("value of joint data", "same-request step", "joint-model step", "change of welfare"):
        assert line(text, row)[2].startswith("+")
    assert line(text, "change of the seller's revenue")[2] == "~ 0"
    assert max(map(len, text.splitlines())) <= 80
    assert line(text, "synergy")[1] == "joint"


def test_sources_are_a_row_each(summary):
    text = plain(source_table(summary, ("profile", "context")))
    alone, last, average, interval = line(text, "profile")[1:]
    assert lookup(summary, "shapley", arm="profile").estimate == pytest.approx(11_250, rel=0.2)
    assert all(cell.startswith("+") for cell in (alone, last, average))
    assert " to " in interval


def test_what_is_not_shown_is_marked_and_explained(cells):
    summary = ladder_summary(cells(replications=3, arm_sd=5), SINGLE, unit=UNIT)
    text = plain(ladder_table(summary, SINGLE))
    assert line(text, "joint")[3].startswith("~ ")
    assert FOOTNOTE in " ".join(text.split())


def test_one_replication_has_no_interval(cells):
    summary = ladder_summary(cells(replications=1), SINGLE, unit=UNIT)
    text = plain(ladder_table(summary, SINGLE), estimand_table(summary, SINGLE))
    assert line(text, "joint")[2] == "-"
    assert line(text, "joint-model step")[2].startswith("~ ")
    assert "nan" not in text


def test_elsewhere_than_on_a_terminal_it_is_plain_and_whole(summary):
    file = io.StringIO()
    sentence = "a sentence " * 40
    show(sentence, ladder_table(summary, SINGLE), console=Console(file=file, width=30))
    text = file.getvalue()
    assert text.isascii()
    assert "\x1b" not in text
    assert max(len(row) for row in text.splitlines() if row.startswith("|")) <= 80
    assert sentence.rstrip() in text.splitlines()


def test_on_a_terminal_it_is_rich(summary):
    file = io.StringIO()
    table = ladder_table(summary, SINGLE)
    show(table, console=Console(file=file, width=100, force_terminal=True))
    assert "\x1b[" in file.getvalue()
    assert "─" in file.getvalue()
    plain(table)
    show(table, console=Console(file=(again := io.StringIO()), width=100, force_terminal=True))
    assert again.getvalue() == file.getvalue()


def test_a_wide_table_is_laid_in_parts_that_fit_and_lose_nothing():
    heads = ["strategy", "profit", "95 % interval", *(f"against {rival}" for rival in range(8))]
    rows = [["truthful", "-190,000", "-236,000 to -144,000", *(f"{100_000 + rival}*" for rival in range(8))],
            ["adaptive_pacing", "0", "0 to 0", *["-"] * 8]]  # fmt: skip
    table = text_table("Who against whom", rows, *((head, str) for head in heads), caption="in CNY")
    text = plain(table)
    assert max(map(len, text.splitlines())) <= 80
    assert (text.count("Who against whom"), text.count("in CNY")) == (1, 1)
    words = [cell.strip() for line in text.splitlines() for cell in line.split("|")]
    assert all(words.count(cell) == 1 for cell in rows[0][1:])
    parts = words.count("truthful")
    assert 1 < parts == words.count("adaptive_pacing")
    (row,) = [line for line in text.splitlines() if "-236,000 to -144,000" in line]
    assert "-190,000" in row, "an interval stays beside its estimate"
    assert text == plain(table), "the table itself is left as it was"


@pytest.mark.parametrize("width", [12, 30, 36])
def test_a_narrow_terminal_gets_every_word(width):
    heads, row = ["strategy", "profit", "95 % interval"], ["truthful", "-190,000", "-236,000 to -144,000"]
    show(
        text_table("", [row], *((head, str) for head in heads), caption=""),
        console=Console(file=(file := io.StringIO()), width=width, force_terminal=True, color_system=None),
    )
    assert max(map(len, file.getvalue().splitlines())) <= width
    if width > 12:  # narrower than a number
        assert {*" ".join([*heads, *row]).split()} <= {*file.getvalue().split()}


@pytest.mark.parametrize("width", [72, 80, 100])
def test_numbers_and_intervals_stay_whole_and_names_are_broken_first(summary, width):
    file = io.StringIO()
    table = estimand_table(summary, SINGLE)
    show(table, console=Console(file=file, width=width, force_terminal=True, color_system=None))
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    for interval in [str(cell) for cell in table.columns[3].cells] + [
        str(cell) for cell in table.columns[2].cells
    ]:
        assert any(interval in line for line in lines)


def test_a_path_is_never_broken_in_a_pipe(tmp_path):
    file = tmp_path / ("long" * 40) / "report.html"
    assert plain(linked("Report: ", file)) == f"Report: {file}\n"
