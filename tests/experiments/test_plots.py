from __future__ import annotations

import itertools
import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.estimate.curves import HEAT_COLUMNS
from jointbid.experiments.estimate.ladder import ladder_summary
from jointbid.experiments.estimate.sides import Sides
from jointbid.experiments.report import plots
from jointbid.experiments.report.numbers import number
from jointbid.experiments.report.plots import (
    draw_curve,
    draw_heat,
    draw_ladder,
    draw_log_ladder,
    draw_pacing,
    ladder_points,
    pacing_points,
    save,
)
from jointbid.experiments.report.plots.tornado import draw_tornado

UNIT = "CNY per million bid requests"
SILO = "best_single (context)"
SINGLE = Sides("best_single", {"best_single": "context"})


@pytest.fixture
def ladder(cells):
    def make(silo="best_single", **changes):
        summary = ladder_summary(cells(**changes), replace(SINGLE, silo=silo), unit=UNIT)
        return ladder_points(summary)

    return make


@pytest.fixture
def curve():
    x = np.linspace(0, 1, 5)
    return pd.DataFrame(
        {"x": x, "estimate": x, "ci_low": x - 0.2, "ci_high": x + 0.3, "metric": "focal_profit"}
    )


@pytest.fixture
def heat():
    points = itertools.product((-0.5, 0.0, 0.5), (-1.0, 1.0))
    rows = [(r, d, 10 + r, 8.0, 12.0, d, d - 2 * (r == 0) - 0.5, d + 0.5) for r, d in points]
    return pd.DataFrame(rows, columns=list(HEAT_COLUMNS))


@pytest.fixture
def log():
    rows = itertools.product(("with tags", "without tags"), (1 / 32, 0.5), ("joint", "none", "profile"))
    return pd.DataFrame([(*row, 5.0, 4.0, 6.0) for row in rows]).set_axis(
        ["tags", "budget_share", "arm", "estimate", "ci_low", "ci_high"], axis=1
    )


def day(bidders=2, spend=1.0):
    rows = itertools.product(["focal", *(f"rival_{i + 1}" for i in range(bidders - 1))], range(24))
    return pd.DataFrame([{"bidder": b, "hour": h, "spend": spend} for b, h in rows])


def lines(axes, label):
    (line,) = [line for line in axes.lines if line.get_label() == label]
    return line


@pytest.fixture
def figures(ladder, curve, heat, log, cells):
    """Every plot there is, with the table it was drawn from."""
    points, pacing = ladder(), pacing_points(day())
    return {
        "ladder": (draw_ladder(points, sides=SINGLE), points),
        "curve": (draw_curve(curve, unit=UNIT, silo=SILO), curve),
        "lost": (plots.draw_lost(lost := curve.assign(over="bidders.count"), "context"), lost),
        "heat": (draw_heat(heat, unit=UNIT), heat),
        "pacing": (draw_pacing(pacing), pacing),
        "log": (draw_log_ladder(log, unit=UNIT), log),
        "own_data": (plots.draw_months(months := by_month("in the month", "so far")), months),
        "overtaking": (plots.draw_lead(lead := by_month("content less spot")), lead),
        **further(),
        **of_three(cells),
    }


def by_month(*panels, months=36):
    """What one way to spend money has brought more than another, by month."""
    month = np.arange(1.0, months + 1.0)
    rows = {
        "month": month,
        "estimate": 60 * month - 100,
        "ci_low": 55 * month - 110,
        "ci_high": 65 * month - 90,
    }
    return pd.concat(
        [pd.DataFrame(rows).assign(panel=name, unit="EUR") for name in panels], ignore_index=True
    )


def of_three(cells):
    """What is drawn of three sources, each set of which is an arm; and of what matters."""
    sources = ("profile", "context", "history")
    sets = [part for size in range(4) for part in itertools.combinations(sources, size)]
    levels = {"+".join(part) or "none": 0.25 + 0.012 * len(part) for part in sets}
    levels["joint"] = levels.pop("+".join(sources)) + 0.004
    summary = ladder_summary(cells(levels), replace(SINGLE, sources=sources), unit=UNIT)
    lattice, forest = plots.lattice_points(summary), plots.forest_points(summary, sides=SINGLE)
    shares = plots.forest_points(summary, estimand="shapley")
    ranges = pd.DataFrame(
        {"arm": ["source.profile.match_rate", "bidders.count", "rivals.sigma"], "unit": UNIT}
    )
    ranges = ranges.assign(
        panel="effect", estimate=[4.0, -2.0, 0.5], ci_low=[3.0, -2.5, -0.1], ci_high=[5.0, -1.0, 1]
    )
    return {
        "lattice": (plots.draw_lattice(lattice), lattice),
        "forest": (plots.draw_forest(forest), forest),
        "shapley": (plots.draw_shapley(shares), shares),
        "tornado": (draw_tornado(ranges), ranges),
    }


def further():
    """What is drawn of the log, of money, and of many studies."""
    landscape = pd.DataFrame({"price_cpm": [0.1, 1.0, 10.0], "share_below": [0.1, 0.5, 1.0]})
    types = pd.DataFrame(itertools.product(range(6), range(8)), columns=["profile", "context"])
    rates = types.assign(requests=10, wins=3, win_rate=np.linspace(0, 0.6, 48))
    money = pd.DataFrame({"month": range(13), "estimate": np.linspace(-9, 9, 13), "unit": "CNY"})
    money = money.assign(ci_low=money["estimate"] - 1, ci_high=money["estimate"] + 1)
    swept = pd.DataFrame(
        itertools.product((0.2, 0.5, 0.8), (1.0, 2.0)), columns=["match_rate (share)", "requests (count)"]
    )
    swept = swept.assign(estimate=1.0, ci_low=0.5, ci_high=1.5)
    x, y = list(swept)[:2]
    adopted, flows = plots.adoption_points(adoption()), plots.journey_points(journey())
    shared, worlds = plots.credit_points(attribution()), drawn_worlds()
    return {
        "worlds": (plots.draw_worlds(worlds, UNIT), worlds),
        "adoption": (plots.draw_adoption(adopted), adopted),
        "journey": (plots.draw_journey(flows), flows),
        "credit": (plots.draw_credit(shared), shared),
        "landscape": (plots.draw_landscape(landscape, currency="CNY"), landscape),
        "win rates": (plots.draw_win_rates(rates), rates),
        "money": (plots.draw_cumulative(money), money),
        "multiples": (plots.draw_multiples(swept, x=x, by=y, unit=UNIT), swept),
        "map": (plots.draw_map(swept, x=x, y=y, unit=UNIT), swept),
    }


def drawn_worlds(count=30):
    """In two of three worlds one strategy is ahead of all others, in every third another may be."""
    names = ["a strategy(with=parameters)", "another", "another"]
    rows = [
        (
            world,
            names[world % 3],
            900.0 - 30 * world,
            "no difference shown" if world % 3 == 2 else names[world % 3],
        )
        for world in range(count)
    ]
    table = pd.DataFrame(rows, columns=["world", "first", "difference", "finding"])
    return table.assign(ci_low=table["difference"] - 100, ci_high=table["difference"] + 100)


def attribution():
    """The summary of a study in which every rule doubles what channels did, and owners' logs triple it."""
    did = {"mail": 300.0, "retargeting": 170.0, "social media": 190.0, "video": 1_260.0}
    by = {"holdout": 1.1, "unified/last_touch": 2.0, "unified/markov": 2.1, "silo/last_touch": 3.0}
    rows = [("true_effect", channel, effect) for channel, effect in did.items()]
    rows += [("credit", f"{name}: {c}", e * times) for name, times in by.items() for c, e in did.items()]
    table = pd.DataFrame(rows, columns=["estimand", "arm", "estimate"])
    ends = {"ci_low": table["estimate"] - 50, "ci_high": table["estimate"] + 50}
    return table.assign(**ends, unit="purchases per million bid requests", n_replications=5)


def adoption(bidders=3):
    """The summary of a study of adoption in which each adopter takes 300 from everybody else."""
    rows = [("non_adopter_profit", k, "focal_profit", 1200.0 - 300 * k) for k in range(bidders)]
    rows += [("adopter_profit", k, "focal_profit", 3000.0 - 500 * k) for k in range(1, bidders + 1)]
    market = {"revenue": 25_000.0, "welfare": 30_000.0, "relevance": 0.1}
    rows += [("utility", k, name, at + k) for k in range(bidders + 1) for name, at in market.items()]
    table = pd.DataFrame(rows, columns=["estimand", "k", "metric", "estimate"])
    ends = {"ci_low": table["estimate"] - 100, "ci_high": table["estimate"] + 100, "unit": UNIT}
    return table.assign(arm=[f"{k} adopt" for k in table["k"]], **ends).drop(columns="k")


def journey(steps=30):
    hour = 168.0 * np.arange(1, steps + 1)
    sizes = {"unaware": 500, "aware": 200, "interested": 100, "considering": 90, "approved": 10, "lapsed": 60}
    return pd.DataFrame({"hour": hour, **sizes, "bought": 40}).assign(decisions=3)


@pytest.mark.slow
def test_each_is_saved_as_svg_png_and_the_table_behind_it(figures, tmp_path):
    for name, (figure, table) in figures.items():
        paths = save(figure, table, tmp_path / "plots", name)
        assert [p.name for p in paths] == [f"{name}.svg", f"{name}.png", f"{name}.csv"]
        assert paths[1].read_bytes().startswith(b"\x89PNG")
        assert ET.parse(paths[0]).getroot().tag.endswith("svg")
        written = table.reset_index(drop=True).replace("", np.nan)
        pd.testing.assert_frame_equal(pd.read_csv(paths[2]), written, check_dtype=False)


def test_the_same_table_gives_the_same_bytes(curve, heat, tmp_path):
    for name, draw in {
        "curve": lambda: draw_curve(curve, unit=UNIT, silo=SILO),
        "heat": lambda: draw_heat(heat, unit=UNIT),
    }.items():
        one, other = (save(draw(), curve, tmp_path / folder, name) for folder in ("one", "other"))
        for a, b in zip(one, other, strict=True):
            assert a.read_bytes() == b.read_bytes()
        text = one[0].read_text()
        assert "<dc:date>" not in text
        assert "<dc:title>Value of joint data" in text


@pytest.mark.slow
def test_no_label_is_cut_or_covers_another(figures):
    for name, (figure, _) in figures.items():
        renderer = figure.canvas.get_renderer()
        figure.draw(renderer)
        boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in drawn(figure)]
        for text, box in boxes:
            assert figure.bbox.padded(1).containsx(box.x0), (name, text)
            assert figure.bbox.padded(1).containsx(box.x1), (name, text)
            assert figure.bbox.padded(1).containsy(box.y0), (name, text)
            assert figure.bbox.padded(1).containsy(box.y1), (name, text)
        for (text, box), (other, second) in itertools.combinations(boxes, 2):
            assert not box.padded(-1).overlaps(second.padded(-1)), (name, text, other)


def drawn(figure):
    """Texts of a figure that are to be seen: an axis keeps labels of ticks beyond its limits."""
    import matplotlib.text

    axes = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    off = {
        t
        for axes in figure.axes
        if not axes.axison
        for axis in (axes.xaxis, axes.yaxis)
        for t in axis.findobj(matplotlib.text.Text)
    }
    kept = {label for axis in axes for tick in axis.majorTicks for label in (tick.label1, tick.label2)}
    seen = {tick.label1 for axis in axes for tick in axis._update_ticks()}
    found = set(figure.findobj(matplotlib.text.Text)) - off
    return [t for t in found if t.get_text().strip() and t.get_visible() and (t not in kept or t in seen)]


def test_every_axis_has_a_unit_and_every_figure_a_subject(figures):
    for name, (figure, _) in figures.items():
        assert figure.get_suptitle(), name
        labels = [axes.get_xlabel() for axes in figure.axes if axes.get_xlabel()]
        labels += [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()]
        assert labels or not any(axes.axison for axes in figure.axes), name
        for label in labels:
            assert "(" in label or label == UNIT, (name, label)


def test_what_compares_with_a_silo_prints_it(figures):
    for name in ("ladder", "curve", "heat"):
        figure, _ = figures[name]
        assert "Siloed: " in figure.get_supxlabel(), name


def test_ladder_draws_each_arm_with_its_interval(ladder):
    points = ladder(arm_sd=0.5)
    figure = draw_ladder(points, sides=SINGLE)
    left, right = figure.axes
    arms = [label.get_text() for label in left.get_yticklabels()]
    assert arms[:6] == ["none", "profile", "context", SILO, "stacked", "joint"]
    utility = points[points["quantity"] == "utility"].reset_index(drop=True)
    drawn = [tuple(line.get_xdata()) for line in left.lines if len(line.get_xdata()) == 2]
    assert drawn == list(zip(utility["ci_low"], utility["ci_high"], strict=True))
    gains = points[points["quantity"] == "difference_to_silo"]
    hollow = [line for line in right.lines if line.get_markerfacecolor() == "white"]
    assert len(hollow) == ((gains["ci_low"] <= 0) & (gains["ci_high"] >= 0)).sum() > 0


def test_ladder_of_one_replication_says_that_it_shows_nothing(ladder):
    figure = draw_ladder(ladder(replications=1), sides=SINGLE)
    assert "1 replication: there are no intervals" in figure.get_supxlabel()
    assert all(
        line.get_markerfacecolor() == "white" for line in figure.axes[1].lines if line.get_marker() == "o"
    )


def test_ladder_without_differences_has_one_panel(ladder):
    points = ladder()
    figure = draw_ladder(points[points["quantity"] == "utility"], sides=SINGLE)
    assert len(figure.axes) == 1


def test_curve_has_band_and_zero_line_and_is_sorted(curve):
    figure = draw_curve(curve.sample(frac=1, random_state=1), unit=UNIT, silo=SILO)
    (axes,) = figure.axes
    zero, line = axes.lines
    assert list(zero.get_ydata()) == [0, 0]
    assert list(line.get_xdata()) == [0, 0.25, 0.5, 0.75, 1]
    band = axes.collections[0].get_paths()[0].get_extents()
    assert (band.y0, band.y1) == pytest.approx((-0.2, 1.3))


def test_break_even_is_marked_on_the_line_that_has_one(curve):
    ends = ["break_even", "break_even_low", "break_even_high"]
    marked = curve.assign(line="a").join(pd.DataFrame([(0.6, 0.5, math.inf)] * 5, columns=ends))
    never = curve.assign(line="b").join(pd.DataFrame([(math.inf, 0.9, math.inf)] * 5, columns=ends))
    figure = draw_curve(pd.concat([marked, never]), unit=UNIT, silo=SILO)
    (axes,) = figure.axes
    stars = [line for line in axes.lines if line.get_marker() == "*" and len(line.get_xdata()) == 1]
    assert [line.get_xydata()[0].tolist() for line in stars] == [pytest.approx([0.6, 0.6])]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "break-even 0.6, a", "b"]
    assert "Star" in figure.get_supxlabel()
    assert "Star" not in draw_curve(never, unit=UNIT, silo=SILO).get_supxlabel()


def test_the_summary_s_break_even_goes_to_its_own_source_and_line(curve):
    from jointbid.experiments.studies.business.money import with_break_even

    rows = [
        ("profile (a)", "match_rate", 0.6),
        ("context (a)", "match_rate", 0.2),
        ("profile (naive, a)", "match_rate", 0.8),
        ("profile (a)", "npv", 9.0),
    ]
    summary = pd.DataFrame(rows, columns=["arm", "metric", "estimate"])
    summary = summary.assign(estimand="break_even_match_rate", ci_low=0.1, ci_high=0.9)
    table = curve.assign(line=["a", "a", "b", "b", "b"], over="source.profile.match_rate")
    found = with_break_even(table, summary)["break_even"]
    assert found.tolist() == pytest.approx([0.6, 0.6, math.nan, math.nan, math.nan], nan_ok=True)
    assert "break_even" not in with_break_even(table.assign(over="supply.requests"), summary)
    assert with_break_even(table, summary, "naive")["break_even"].iloc[0] == 0.8
    assert "break_even" not in with_break_even(table, summary, "another curve")


def test_credit_has_a_panel_a_channel_with_what_it_did_and_a_row_a_rule():
    points = plots.credit_points(attribution())
    assert set(points["by"]) == {"holdout", "last_touch", "markov"}
    assert dict(zip(points["channel"], points["truth"], strict=True))["video"] == 1_260.0
    figure = plots.draw_credit(points)
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title("left") or axes.get_title() for axes in panels] == list(
        dict.fromkeys(points["channel"])
    )
    assert lines(panels[3], "what it did").get_xdata()[0] == 1_260.0


def test_adoption_has_a_panel_each_and_compares_with_no_adopter():
    figure = plots.draw_adoption(plots.adoption_points(adoption()))
    levels = [lines[-1].get_ydata()[0] for lines in (axes.lines for axes in figure.axes)]
    assert levels == [1200, 1200, 25_000, 30_000]
    assert [list(axes.lines[0].get_xdata()) for axes in figure.axes[:2]] == [[1, 2, 3], [0, 1, 2]]
    assert len({axes.get_xlim() for axes in figure.axes}) == 1


def test_journeys_are_areas_that_add_up_to_all_accounts():
    points = plots.journey_points(journey())
    assert points.groupby("day")["share"].sum().to_numpy() == pytest.approx(np.ones(30))
    (axes,) = plots.draw_journey(points).axes
    assert axes.get_ylim() == pytest.approx((0, 1000))
    first = axes.get_legend().get_texts()[-1].get_text()
    assert first == "unaware, 50.0% to 50.0%"
    assert points["day"].max() == 30 * 7


@pytest.mark.slow
def test_a_run_with_journeys_draws_them_from_its_table(tmp_path):
    short = ["supply.requests=100", "supply.horizon_h=672", "audience.people=250", "plot.format=svg,pdf"]
    assert main(["run", "scenario=b2b_long_cycle", *short, f"results_dir={tmp_path}"]) == 0
    (folder,) = (tmp_path / "run").iterdir()
    assert {path.name for path in (folder / "plots").glob("journey.*")} == {
        "journey.svg",
        "journey.pdf",
        "journey.csv",
    }
    wide = pd.read_csv(folder / "plots" / "journey.csv").pivot_table(
        index="day", columns="stage", values="accounts"
    )
    steps = pd.read_csv(folder / "journey.csv")
    assert wide["aware"].tolist() == steps["aware"].tolist()
    assert wide.index.tolist() == pytest.approx((steps["hour"] / 24).tolist())


@pytest.mark.parametrize("rows", [1, 5])
def test_curve_without_intervals_still_draws(curve, rows, tmp_path):
    table = curve.assign(ci_low=math.nan, ci_high=math.nan).head(rows)
    figure = draw_curve(table, unit=UNIT, silo=SILO)
    assert "no intervals" in figure.get_supxlabel()
    save(figure, table, tmp_path, "curve")


def test_curve_of_several_metrics_is_refused(curve):
    curve.loc[0, "metric"] = "revenue"
    with pytest.raises(ValueError, match="one metric"):
        draw_curve(curve, unit=UNIT, silo=SILO)


def test_heat_scale_is_shared_and_white_at_zero(heat):
    figure = draw_heat(heat, unit=UNIT)
    one, other = (axes.images[0] for axes in figure.axes[:2])
    assert one.get_clim() == other.get_clim() == (-10.5, 10.5)
    assert one.get_cmap()(0.5)[:3] == pytest.approx((0.97, 0.97, 0.97), abs=0.02)


def test_heat_puts_each_step_where_it_belongs_and_brackets_what_is_not_shown(heat):
    figure = draw_heat(heat.sample(frac=1, random_state=2), unit=UNIT)
    same, model = figure.axes[:2]
    assert [label.get_text() for label in same.get_yticklabels()] == ["-0.5", "0", "0.5"]
    assert same.images[0].get_array()[:, 0].tolist() == pytest.approx([9.5, 10.0, 10.5])
    written = {t.get_position(): t.get_text() for t in model.texts}
    assert written == {
        (0, 0): "-1.00",
        (0, 1): "-1.00",
        (0, 2): "-1.00",
        (1, 0): "1.00",
        (1, 1): "(1.00)",
        (1, 2): "1.00",
    }


def test_heat_with_missing_points_or_nothing_to_see(heat, tmp_path):
    holes = heat.drop(index=[0]).assign(same_request_step=0.0, same_request_low=math.nan)
    holes["joint_model_step"] = math.nan
    save(draw_heat(holes, unit=UNIT), holes, tmp_path, "heat")
    with pytest.raises(ValueError, match="occurs twice"):
        draw_heat(pd.concat([heat, heat]), unit=UNIT)


def test_pacing_accumulates_shares_of_budget_or_of_total():
    points = pacing_points(day(spend=2.0), {"focal": 96.0, "rival_1": math.inf})
    last = points.groupby("bidder").last()
    assert dict(last["spend_share"]) == {"focal": 0.5, "rival_1": 1.0}
    assert dict(last["share_of"]) == {"focal": "budget", "rival_1": "total"}
    assert points.groupby("bidder")["hour"].agg(["min", "max"]).to_numpy().tolist() == [[0, 24], [0, 24]]
    assert "of total spend where unlimited" in draw_pacing(points).axes[0].get_ylabel()


def test_pacing_of_an_even_spender_lies_on_the_even_line():
    (axes,) = draw_pacing(pacing_points(day(spend=1.0), {"focal": 24.0})).axes
    even, focal = lines(axes, "even spend"), lines(axes, "focal")
    assert np.interp(focal.get_xdata(), even.get_xdata(), even.get_ydata()) == pytest.approx(
        focal.get_ydata()
    )


def test_pacing_of_a_crowd_names_the_focal_bidder_alone():
    figure = draw_pacing(pacing_points(day(bidders=31)))
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["30 others", "even spend", "focal"]


def test_pacing_without_any_spend_draws(tmp_path):
    points = pacing_points(day(spend=0.0))
    assert points["spend_share"].isna().all()
    save(draw_pacing(points), points, tmp_path, "pacing")


def test_pacing_shows_one_run():
    with pytest.raises(ValueError, match="one run"):
        pacing_points(pd.concat([day(), day()]))


def test_log_ladder_has_a_panel_for_each_tags_on_one_scale(log):
    figure = draw_log_ladder(log, unit=UNIT)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["with tags", "without tags"]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["1/32", "1/2"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["joint", "none", "profile"]


@pytest.mark.parametrize(
    "draw",
    [
        lambda table: draw_ladder(table, sides=SINGLE),
        lambda table: draw_curve(table, unit=UNIT, silo=SILO),
        lambda table: draw_heat(table, unit=UNIT),
        lambda table: draw_log_ladder(table, unit=UNIT),
        draw_pacing,
        pacing_points,
        plots.draw_adoption,
        plots.draw_credit,
        plots.draw_journey,
        plots.journey_points,
    ],
)
def test_a_table_without_its_columns_is_refused(draw):
    with pytest.raises(ValueError, match="lacks the columns"):
        draw(pd.DataFrame({"a": [1]}))


def test_an_empty_table_is_refused(curve):
    with pytest.raises(ValueError, match="no rows"):
        draw_curve(curve.head(0), unit=UNIT, silo=SILO)


def test_the_style_of_the_session_is_left_alone(curve):
    import matplotlib as mpl

    with mpl.rc_context({"font.size": 3.5}):
        draw_curve(curve, unit=UNIT, silo=SILO)
        assert mpl.rcParams["font.size"] == 3.5


def test_matplotlib_is_imported_when_drawing_and_never_pyplot():
    code = (
        "import sys, pandas as pd, jointbid.experiments.report.plots as p\n"
        "assert 'matplotlib' not in sys.modules\n"
        "p.draw_pacing(p.pacing_points(pd.DataFrame({'bidder': ['a'], 'hour': [0], 'spend': [1.0]})))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# -- what the log, the money and the lattice show ---------------------------------------------------------------------


@pytest.fixture
def auctions():
    """Four requests: won at a price of others, won against the floor, lost, unsold."""
    return pd.DataFrame(
        {
            "slot": 0,
            "seat": ["focal", "focal", "rival_1", None],
            "sold_to": ["bidder", "bidder", "bidder", "nobody"],
            "bid": [9.0, 9.0, 4.0, np.nan],
            "other_bid": [3.0, np.nan, 2.0, np.nan],
            "bidfloor": [1.0, 2.0, 1.0, 8.0],
        }
    )


def test_the_landscape_is_the_price_to_beat(auctions):
    points = plots.landscape_points(auctions)
    assert points.to_numpy().tolist() == [[2.0, 0.25], [3.0, 0.5], [4.0, 0.75], [8.0, 1.0]]
    (axes,) = plots.draw_landscape(points, currency="CNY").axes
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "bid (CPM in CNY)"


def test_win_rates_by_pair_of_types():
    requests = pd.DataFrame(
        {"profile": [0, 0, 1, 1], "context": [0, 0, 0, 1], "won": [True, False, False, True]}
    )
    points = plots.win_rate_points(requests)
    assert points["win_rate"].tolist() == [0.5, 0.0, 1.0]
    figure = plots.draw_win_rates(points)
    assert sorted(text.get_text() for text in figure.axes[0].texts) == ["0", "100", "50"]


@pytest.mark.slow
def test_a_logged_run_draws_its_landscape_and_win_rates(tmp_path):
    """The types that are drawn anew are those that the bidders met: wins by type add up to the ledger's."""
    from jointbid.experiments.cli.main import main

    assert main(["run", "study.log=true", "supply.requests=4000", f"results_dir={tmp_path}"]) == 0
    (folder,) = (tmp_path / "run").iterdir()
    rates = pd.read_csv(folder / "plots" / "win_rate.csv")
    bidders = pd.read_csv(folder / "bidders.csv").set_index("bidder")
    assert (rates["requests"].sum(), rates["wins"].sum()) == (4000, bidders.loc["focal", "wins"])
    by_context = rates.groupby("context")[["wins", "requests"]].sum()
    rate = (by_context["wins"] / by_context["requests"]).sort_index()
    assert (
        np.corrcoef(np.arange(len(rate)), rate)[0, 1] > 0.8
    )  # a joint bidder wins more where an impression is worth more
    assert pd.read_csv(folder / "plots" / "landscape.csv")["share_below"].is_monotonic_increasing
    assert main(["report", str(folder)]) == 0
    page = (folder / "report.html").read_text()
    for name in ("landscape", "pacing", "win_rate"):
        assert f'id="fig-{name}"' in page


def test_cumulative_net_value_and_payback():
    """A month brings 90 after a twelfth of 120: 100 before it; the 120 are back after 1.2 months."""
    row = ("net_value", "joint", "net_value", "CNY per month", 90.0, 80.0, 100.0, 30)
    names = ["estimand", "arm", "metric", "unit", "estimate", "ci_low", "ci_high", "n_replications"]
    summary = pd.DataFrame([row], columns=names)
    points = plots.cumulative_points(summary, once=120.0, horizon_months=12)
    assert points["estimate"].tolist() == [-120.0 + 100.0 * month for month in range(13)]
    assert "after 1.20 months" in plots.draw_cumulative(points).get_supxlabel()
    never = plots.cumulative_points(summary.assign(estimate=-20.0), once=120.0, horizon_months=12)
    assert "The mean does not pay back within 12 months" in plots.draw_cumulative(never).get_supxlabel()
    assert plots.cumulative_points(summary.head(0), once=1.0, horizon_months=1).empty


def test_the_lattice_has_its_sets_and_what_each_source_adds():
    import itertools

    sources = ["profile", "history", "context"]
    sets = [set(chosen) for size in range(4) for chosen in itertools.combinations(sources, size)]

    def name(members):
        return {0: "none", 3: "joint"}.get(len(members), "+".join(s for s in sources if s in members))

    rows = [("utility", name(members), 10.0 * len(members)) for members in sets]
    rows += [
        ("marginal_value", f"{s} | {name(members)}", 10.0)
        for members in sets
        for s in sources
        if s not in members
    ]
    summary = pd.DataFrame(rows, columns=["estimand", "arm", "estimate"])
    summary = summary.assign(
        metric="focal_profit", unit=UNIT, ci_low=-1.0, ci_high=summary["estimate"] + 1, n_replications=5
    )
    points = plots.lattice_points(summary)
    assert points["kind"].value_counts().to_dict() == {"edge": 12, "node": 8}
    figure = plots.draw_lattice(points)
    written = [text.get_text() for text in figure.axes[0].texts]
    assert len(written) == 20
    assert "profile + history\n20.0" in written
    assert "context\n(+10.0)" in written or "context\n(10.0)" in written  # its interval spans zero
    with pytest.raises(ValueError, match="at most 4 sources"):
        plots.draw_lattice(points[points["kind"] == "node"])


def test_a_forest_is_hollow_where_no_difference_is_shown(cells):
    summary = ladder_summary(cells(arm_sd=0.01, replications=5), SINGLE, unit=UNIT)
    points = plots.forest_points(summary, sides=SINGLE)
    (axes,) = plots.draw_forest(points).axes
    hollow = [
        line for line in axes.lines if line.get_marker() == "s" and line.get_markerfacecolor() == "white"
    ]
    assert len(hollow) == ((points["ci_low"] <= 0) & (points["ci_high"] >= 0)).sum() > 0
    assert len(axes.texts) == len(points)
    shapley = plots.forest_points(summary, estimand="shapley")
    assert [bar.get_width() for bar in plots.draw_shapley(shapley).axes[0].patches] == list(
        shapley["estimate"]
    )


def test_keys_are_shown_in_words_with_their_units():
    labels = {
        "source.profile.match_rate": "match rate of profile (share)",
        "source.profile.latency_h": "latency of profile (hours)",
        "source.profile.lookup_latency_ms": "lookup latency of profile (ms)",
        "source.profile.flip_rate_per_h": "flip rate of profile (per hour)",
        "auction.floor_cpm": "floor of auction (currency per thousand)",
        "bidders.count": "bidders (number)",
        "auction.type": "type of auction",
        "seed": "seed",
    }
    assert {key: plots.key_label(key) for key in labels} == labels
    assert plots.key_words("bidders.budget") == "budget of each bidder"


@pytest.mark.parametrize(
    ("x", "even", "scale"),
    [
        ([1, 24, 720], None, "log"),
        ([0, 24, 720], None, "linear"),
        ([1, 9, 90], None, "linear"),
        ([1, 24, 720], 30.0, "linear"),
    ],
)
def test_x_over_orders_of_magnitude_is_logarithmic(x, even, scale):
    table = pd.DataFrame({"x": x, "estimate": [3.0, 2.0, 1.0], "ci_low": 0.5, "ci_high": 3.5, "metric": "m"})
    if even:
        table = table.assign(break_even=even, break_even_low=20.0, break_even_high=40.0)
    assert plots.draw_curve(table, unit="CNY").axes[0].get_xscale() == scale


def test_the_marks_of_an_svg_say_what_the_table_says(cells, tmp_path):
    """Name, value and interval of each point, at the place where it is drawn; of a panel that shares its names too."""
    summary = ladder_summary(cells(), SINGLE, unit=UNIT)
    points = plots.ladder_points(summary)
    plots.save(plots.draw_ladder(points, sides=SINGLE), points, tmp_path, "ladder", ["svg"])
    svg = (tmp_path / "ladder.svg").read_text()
    said = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="\d+"><title>(.*?)</title></circle>', svg)
    expected = [
        f"{SINGLE.label(row['arm'])}: {number(row['estimate'])} ({number(row['ci_low'])} to {number(row['ci_high'])})"
        for row in points.to_dict("records")
        if row["quantity"] == "utility" or row["arm"] not in {"context", "best_single"}
    ]
    texts = [text.removeprefix("Profit, ").partition("pair by pair, ") for *_, text in said]
    found = [last or first for first, _, last in texts]
    assert set(expected) <= set(found)
    heights = [float(y) for _, y, text in said if text.startswith("Profit, ")]
    assert heights == sorted(heights), "from top to bottom"
    across = {text: float(x) for x, _, text in said if text.startswith("Profit, ")}
    by_profit = sorted(across, key=lambda text: float(text.partition(": ")[2].split()[0].replace(",", "")))
    assert [across[text] for text in by_profit] == sorted(across.values())
