"""Names that users give are text, with any signs in them: in plots, pages and Markdown."""

from __future__ import annotations

import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from jointbid.experiments.cli.main import main
from jointbid.experiments.errors import reported
from jointbid.experiments.report import plots
from jointbid.experiments.report.folders.study import _escaped
from jointbid.experiments.report.plots import letters
from jointbid.experiments.report.plots.figure import Figure

NAMES = (
    "deal_$5_to_$9",
    "a_b^c",
    "$x",
    "\\frac",
    "<b>&amp;",
    "[red]",
    "50 % {x}",
    "two\nlines",
    "漢字",
    "عربي",
    "🙂",
    "x" * 90,
)


def curve(names):
    rows = [
        {
            "x": x,
            "estimate": 1.0,
            "ci_low": 0.5,
            "ci_high": 1.5,
            "metric": "focal_profit",
            "line": name,
            "n_replications": 3,
        }
        for name in names
        for x in (1.0, 1000.0)
    ]
    return pd.DataFrame(rows)


@pytest.mark.few(1)
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_drawn_as_it_is_written(tmp_path, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = curve([name, "other"])
        figure = plots.draw_curve(table, unit=name, silo=name, subject=name, x_label=name)
        paths = plots.save(figure, table, tmp_path, "curve")
    assert all(path.stat().st_size for path in paths)
    drawn = [text for text in figure.findobj(Text) if text.get_text() == name]
    assert drawn
    assert not any(text.get_parse_math() or text.get_usetex() for text in drawn)
    assert name in pd.read_csv(tmp_path / "curve.csv", keep_default_na=False)["line"].tolist()


def test_numbers_on_axes_are_plain(tmp_path):
    table = curve(["a"])
    figure = plots.draw_curve(table, unit="EUR", silo="", subject="s", x_label="x", log_x=True)
    plots.save(figure, table, tmp_path, "curve")
    shown = [
        text.get_text()
        for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis)
        for text in axis.get_ticklabels()
    ]
    assert "1,000" in shown
    assert not any("$" in text for text in shown)


def test_no_style_makes_markup_of_names(tmp_path):
    style = tmp_path / "tex.mplstyle"
    style.write_text("text.usetex: True\n")
    table = curve(["deal_$5_to_$9"])
    with plots.look(str(style)):
        figure = plots.draw_curve(table, unit="a_b", silo="", subject="s", x_label="x")
        plots.save(figure, table, tmp_path, "curve")


# -- letters ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def only(monkeypatch):
    """The fonts that are installed: those that come with matplotlib."""
    fonts = [
        font
        for font in mpl.font_manager.fontManager.ttflist
        if Path(mpl.get_data_path()) in Path(font.fname).parents
    ]
    monkeypatch.setattr(mpl.font_manager.fontManager, "ttflist", fonts)
    letters.fonts_for.cache_clear()
    monkeypatch.setattr(letters, "_reported", set())
    yield
    letters.fonts_for.cache_clear()


def test_a_letter_comes_from_a_font_that_has_it(only, tmp_path):
    """STIXGeneral has letters that DejaVu Sans lacks."""
    stix, base = (letters._letters(mpl.font_manager.findfont(name)) for name in ("STIXGeneral", letters.BASE))
    letter = min(stix - base - {chr(code) for code in range(0xE000, 0xF900)})
    families, missing = letters.fonts_for(frozenset(f"a{letter}"))
    assert not missing
    table = curve([letter])
    figure = plots.draw_curve(table, unit=letter, silo="", subject=letter, x_label="x")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.save(figure, table, tmp_path, "curve")
    drawn = [text for text in figure.findobj(Text) if letter in text.get_text()]
    assert drawn
    for text in drawn:
        assert text.get_fontfamily()[0] == letters.BASE
        assert text.get_fontfamily()[1:] == list(families)


def test_letters_that_no_font_has_are_one_line(only, capsys):
    letters.report_missing(["漢字", "plain", 3.5])
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "字, 漢" in said
    assert "install" in said
    letters.report_missing(["漢字"])
    letters.report_missing(["", "ä€"])
    assert capsys.readouterr().err == ""


# -- a plot that fails ------------------------------------------------------------------------------------------------


def test_a_plot_that_fails_does_not_lose_the_study(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def bad(*_args, **_options):
        raise ValueError("no such font")

    monkeypatch.setattr("jointbid.experiments.studies.run.draw_pacing", bad)
    assert main(["run", "scenario=theory", "supply.requests=200", "plot.format=svg"]) == 0
    said = capsys.readouterr()
    assert (
        "plots/pacing: cannot be made (ValueError: no such font); all other results are written" in said.err
    )
    (folder,) = Path("results/run").iterdir()
    assert "done" in (folder / "status.json").read_text()
    assert (folder / "manifest.json").is_file()


def test_a_disk_that_is_full_is_no_matter_of_drawing():
    with pytest.raises(OSError, match="full"), reported("plots"):
        raise OSError("full")


def test_a_figure_that_cannot_be_drawn_leaves_the_others(tmp_path, capsys):
    table = curve(["a"])
    good = Figure(
        "good", table, lambda table: plots.draw_curve(table, unit="u", silo="", subject="s", x_label="x")
    )
    bad = Figure("bad", table, lambda _: np.linalg.inv(np.zeros((2, 2))))
    for figure in (bad, good):
        with reported(f"plots/{figure.name}"):
            figure.write(tmp_path / "plots", None, ("svg",))
    assert (tmp_path / "plots" / "good.svg").is_file()
    assert "plots/bad: cannot be made" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a|b", "a\\|b"),
        ("two\nlines", "two lines"),
        ("<b>", "\\<b>"),
        ("`x`", "\\`x\\`"),
        ("value_of_data", "value_of_data"),
    ],
)
def test_cells_of_markdown(text, cell):
    assert _escaped(text) == cell
