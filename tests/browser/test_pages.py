"""The pages as a reader meets them: from disk, in Chromium, with the network off (`make test-browser`)."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest

from jointbid.experiments.cli.main import main
from jointbid.experiments.report.html.comparison_page import compare
from jointbid.experiments.report.html.page import write_report
from jointbid.experiments.report.numbers import number

CHROMIUM = os.environ.get("JOINTBID_CHROMIUM", "")
pytestmark = pytest.mark.skipif(
    not CHROMIUM, reason="JOINTBID_CHROMIUM names no browser: make test-browser finds one"
)
pytest.importorskip(
    "playwright", reason="the extra `browser` is not installed: make test-browser installs it"
)

QUICK = [
    "supply.requests=2000",
    "study.point.requests=500",
    "study.point.replications=2",
    "executor=serial",
    "study.range=null",
    "study.learned_beside=false",
]
WIDTHS = {"desk": 1200, "phone": 380}


def answer(folder, *overrides):
    """The folder of a study that has been run."""
    main(["value", *overrides, *QUICK, f"results_dir={folder}"])
    (found,) = (folder / "value").iterdir()
    return found


def changed(folder, target, change):
    """A copy of a study's folder whose summary is another, with its report."""
    shutil.copytree(folder, target)
    summary = change(pd.read_parquet(target / "summary.parquet"))
    summary.to_parquet(target / "summary.parquet", index=False)
    summary.to_csv(target / "summary.csv", index=False)
    shutil.rmtree(target / "plots")
    return target


def one_arm(summary):
    return summary[(summary["estimand"] == "utility") & (summary["arm"] == "joint")]


def never_pays(summary):
    unit, none = "CNY per month", float("nan")
    rows = [
        ("net_value", "joint", "focal_profit", unit, -900.0, -950.0, -850.0, 3),
        ("payback_month", "joint", "focal_profit", "months", float("inf"), float("inf"), float("inf"), 3),
        ("break_even_match_rate", "joint", "focal_profit", "share of people", none, none, none, 3),
    ]
    return pd.concat([summary, pd.DataFrame(rows, columns=list(summary)[:8])], ignore_index=True)


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Studies of every kind that a page must bear, each with its report."""
    base = tmp_path_factory.mktemp("pages")
    eight = answer(
        base / "eight",
        "study.replications=3",
        "bidders.count=3",
        "rivals.landscape=null",
        "bidders.strategy=truthful",
    )
    found = {
        "eight arms": eight,
        "one replication": answer(base / "single", "study.replications=1"),
        "one arm": changed(eight, base / "one", one_arm),
        "never pays": changed(eight, base / "never", never_pays),
        "failures": changed(eight, base / "failures", lambda summary: summary),
    }
    cell = {"point": "", "arm": "joint", "replication": 2, "seed": 1}
    failure = {
        "cell": cell,
        "error": "ValueError: <b>no</b>",
        "traceback": "",
        "command": "jointbid run study.arm=joint",
    }
    (found["failures"] / "failures.jsonl").write_text("".join(json.dumps(failure) + "\n" for _ in range(30)))
    for folder in found.values():
        write_report(folder)
    return found


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser):
    """Open a file offline; what the console says must be nothing at the end."""
    contexts, said = [], []

    def visit(path: Path, *, width=1200, dark=False, unfolded=True):
        scheme = "dark" if dark else "light"
        context = browser.new_context(
            viewport={"width": width, "height": 900}, offline=True, color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "request", lambda request: request.url.startswith(("file:", "data:")) or said.append(request.url)
        )
        page.goto(path.as_uri())
        if unfolded:
            page.evaluate("document.querySelectorAll('details.fold').forEach((one) => { one.open = true })")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert said == []


KINDS = ["eight arms", "one replication", "one arm", "never pays", "failures"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_axe_reports_no_violation(folders, open_page, kind, dark):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(folders[kind] / "report.html", dark=dark)
    page.evaluate("document.querySelectorAll('details').forEach((folded) => { folded.open = true })")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_nothing_is_wider_than_the_screen_or_empty(folders, open_page, kind, width):
    page = open_page(folders[kind] / "report.html", width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = """[...document.querySelectorAll('h1, h2, p, li, pre, figcaption')].filter((e) => {
        const box = e.getBoundingClientRect();
        return !e.closest('.unseen, .scroll') && box.width && (box.right > innerWidth + 1 || e.scrollWidth > e.clientWidth + 1);
    }).map((e) => e.textContent)"""
    assert page.evaluate(outside) == []
    assert page.evaluate(
        "[...document.querySelectorAll('figure svg')].every((e) => e.getBoundingClientRect().height > 80)"
    )


def test_ids_are_unique_and_links_within_the_page_lead_somewhere(folders, open_page):
    page = open_page(folders["eight arms"] / "report.html")
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))
    used = page.evaluate(
        "[...document.querySelectorAll('[href^=\"#\"]')].map((e) => e.getAttribute('href').slice(1))"
    )
    assert set(used) <= set(ids)
    beside = page.evaluate(
        "[...document.querySelectorAll('a[href]:not([href^=\"#\"])')].map((e) => e.getAttribute('href'))"
    )
    assert beside
    assert all(address.startswith("data:") for address in beside)


def test_what_is_folded_is_opened_by_a_link_and_by_printing(folders, open_page):
    page = open_page(folders["eight arms"] / "report.html", unfolded=False)
    folded = page.locator("#tables").locator("xpath=ancestor::details")
    assert folded.get_attribute("open") is None
    assert not page.locator("#arms").is_visible()
    page.locator("nav a[href='#tables']").click()
    assert page.locator("#arms").is_visible()
    figures = page.locator("#figures").locator("xpath=ancestor::details")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert figures.get_attribute("open") is not None
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert figures.get_attribute("open") is None


def test_a_file_is_saved_from_the_page_alone(folders, open_page, tmp_path):
    page = open_page(folders["eight arms"] / "report.html")
    with page.expect_download() as started:
        page.locator("a[download='summary.csv']").first.click()
    started.value.save_as(tmp_path / "saved.csv")
    assert (tmp_path / "saved.csv").read_bytes() == (folders["eight arms"] / "summary.csv").read_bytes()


def test_a_figure_tells_its_values_on_hover_and_by_keyboard(folders, open_page):
    page = open_page(folders["eight arms"] / "report.html")
    summary = pd.read_csv(folders["eight arms"] / "summary.csv")
    arms = summary[(summary["estimand"] == "utility") & (summary["metric"] == "focal_profit")]
    joint = arms[arms["arm"] == "joint"].iloc[0]
    between = f"({number(joint['ci_low'])} to {number(joint['ci_high'])})"
    wanted = f"Profit, joint: {number(joint['estimate'])} {between}"
    mark = page.locator(f'#fig-ladder .values circle[aria-label="{wanted}"]')
    assert not page.locator(".tip").is_visible()
    mark.hover()
    assert page.locator(".tip").text_content() == wanted
    labels = page.eval_on_selector_all(
        "#fig-ladder .values circle", "all => all.map((e) => e.getAttribute('aria-label'))"
    )
    page.locator("#fig-ladder .values circle[tabindex='0']").focus()
    assert page.locator(".tip").text_content() == labels[0]
    page.keyboard.press("ArrowRight")
    assert page.locator(".tip").text_content() == labels[1]
    page.keyboard.press("Escape")
    assert not page.locator(".tip").is_visible()


def test_every_number_is_that_of_the_csv(folders, open_page):
    """Each row of the estimands is its row of summary.csv: the exact value behind it, and three digits of it to be read."""
    page = open_page(folders["eight arms"] / "report.html")
    with (folders["eight arms"] / "summary.csv").open() as file:
        written = list(csv.DictReader(file))
    show_all(page, "estimands")
    rows = shown(page, "estimands")
    assert len(rows) == len(written) > 40
    for row, line in zip(rows, written, strict=True):
        words = [line["estimand"], line["arm"], line["metric"]]
        assert [cell[0] for cell in row[:3]] == words
        for (text, value), column in zip(row[3:6], ("estimate", "ci_low", "ci_high"), strict=True):
            exact = float(line[column]) if line[column] else None
            assert (float(value) if value else None) == exact, words
            assert text == ("–" if exact is None else number(exact)), words
        assert row[7] == (f"{int(line['n_replications']):,}", repr(float(line["n_replications"])))


def test_cards_and_arms_say_what_the_csv_says(folders, open_page):
    page = open_page(folders["eight arms"] / "report.html")
    summary = pd.read_csv(folders["eight arms"] / "summary.csv")
    profit = summary[(summary["estimand"] == "utility") & (summary["metric"] == "focal_profit")]
    rows = shown(page, "arms")
    assert [float(row[1][1]) for row in rows] == list(profit["estimate"])
    heads = page.locator("h1, h2, figure").evaluate_all("all => all.map((e) => e.id || e.tagName)")
    assert (
        heads.index("fig-match_rate")
        < heads.index("what-if")
        < heads.index("checks")
        < heads.index("fig-ladder")
    )
    amounts = page.eval_on_selector_all(".amount", "all => all.map((e) => [e.textContent, e.dataset.v])")
    for estimand, (text, value) in zip(
        ["value_of_joint_data", "same_request_step", "joint_model_step"], amounts, strict=True
    ):
        row = summary[(summary["estimand"] == estimand) & (summary["metric"] == "focal_profit")].iloc[0]
        assert (text, float(value)) == (number(row["estimate"]), row["estimate"])


def test_the_numbers_behind_each_figure_are_its_csv(folders, open_page):
    page = open_page(folders["eight arms"] / "report.html")
    tables = page.eval_on_selector_all("figure table", "all => all.map((e) => e.id)")
    assert {"data-ladder", "data-match_rate", "data-pacing"} <= set(tables)
    for ident in tables:
        table = pd.read_csv(folders["eight arms"] / "plots" / f"{ident.removeprefix('data-')}.csv").head(200)
        numeric = [i for i, column in enumerate(table) if pd.api.types.is_numeric_dtype(table[column])]
        rows = shown(page, ident)
        for i in numeric:
            values = [float(row[i][1]) if row[i][1] else None for row in rows]
            assert values == [None if pd.isna(value) else value for value in table.iloc[:, i]], (ident, i)


def shown(page, ident):
    """Text and exact value of each cell of a table, row by row."""
    cells = f"""[...document.querySelectorAll('#{ident} tbody tr')].map((row) =>
        [...row.cells].map((cell) => [cell.textContent, cell.dataset.v ?? '']))"""
    return [[tuple(cell) for cell in row] for row in page.evaluate(cells)]


def show_all(page, ident):
    """A long table opens with its first rows."""
    if (button := page.locator(f"button[data-shows={ident}]")).count():
        button.click()


def test_a_table_is_sorted_by_mouse_and_by_keyboard(folders, open_page):
    page = open_page(folders["eight arms"] / "report.html")
    before = column(page, 1)
    head = page.locator("#arms thead th").nth(1)
    head.locator("button").click()
    assert (head.get_attribute("aria-sort"), column(page, 1)) == ("ascending", sorted(before))
    page.keyboard.press("Enter")  # the button has the focus
    assert (head.get_attribute("aria-sort"), column(page, 1)) == ("descending", sorted(before, reverse=True))
    page.keyboard.press("Space")
    assert (head.get_attribute("aria-sort"), column(page, 1)) == ("none", before)
    page.locator("#arms thead button").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    assert page.locator("#arms th[aria-sort=ascending]").count() == 1


def column(page, index):
    return [float(row[index][1]) for row in shown(page, "arms")]


def test_what_is_not_known_is_sorted_last_either_way(folders, open_page):
    page = open_page(folders["one replication"] / "report.html")
    button = page.locator("#estimands thead button").nth(4)
    for _ in range(2):
        button.click()
        assert all(cell[4] == ("–", "") for cell in shown(page, "estimands"))
    button = page.locator("#arms thead button").nth(4)  # over none: none itself has no difference
    for _ in range(2):
        button.click()
        assert shown(page, "arms")[-1][4][1] == ""


def test_a_table_is_filtered_and_says_how_much_is_left(folders, open_page):
    page = open_page(folders["eight arms"] / "report.html")
    show_all(page, "estimands")
    whole = len(shown(page, "estimands"))
    field = page.locator("#estimands-filter")
    field.focus()
    page.keyboard.type("Utility joint revenue")
    visible = page.locator("#estimands tbody tr:visible")
    assert visible.count() == 1
    assert "joint" in visible.first.text_content()
    assert page.locator("#estimands-said").text_content() == f"1 of {whole} rows"
    field.fill("")
    assert visible.count() == whole


def test_it_prints_whole(folders, open_page, tmp_path):
    page = open_page(folders["eight arms"] / "report.html")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 at 96 dots an inch, less its margins
    assert page.evaluate("document.documentElement.scrollWidth") <= 718
    assert not page.locator("nav").is_visible()
    hidden = """[...document.querySelectorAll('.scroll')].filter((e) => e.clientHeight && (
        getComputedStyle(e).overflowX !== 'visible' || getComputedStyle(e).maxHeight !== 'none')).length"""
    assert page.evaluate(hidden) == 0
    tables = """[...document.querySelectorAll('main > section > .scroll > table, figure svg')].filter((e) =>
        e.getBoundingClientRect().height && e.getBoundingClientRect().right > innerWidth + 1)
        .map((e) => e.id || e.textContent.slice(0, 50))"""
    assert page.evaluate(tables) == []
    pdf = page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 18


def test_failures_and_never_are_said(folders, open_page):
    page = open_page(folders["failures"] / "report.html")
    assert page.get_by_text("ValueError: <b>no</b>").count() == 21  # twenty, and the check
    assert page.locator(".status.FAIL").count() == 1
    page = open_page(folders["never pays"] / "report.html")
    assert page.locator(".amount").all_text_contents()[-3:] == ["-900", "never pays back", "not known"]
    assert "infinite" not in page.locator(".cards").text_content()


def test_pages_are_small(folders):
    for folder in folders.values():
        assert (folder / "report.html").stat().st_size < 3e6


def opened(page_opener, path):
    """Seconds until a page stands there, scripts run and laid out."""
    start = time.perf_counter()
    page = page_opener(path)
    page.evaluate("document.body.getBoundingClientRect().height")
    return time.perf_counter() - start


# -- comparisons ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def compared(tmp_path_factory):
    """Four points of a sweep over two keys, side by side."""
    base = tmp_path_factory.mktemp("compared")
    swept = ["source.profile.match_rate=0.3,0.9", "response.interaction=0,0.1"]
    plain = ["plot.enabled=false", "study.replications=3", "executor=serial", "supply.requests=400"]
    assert main(["value", "-m", "scenario=theory", *swept, *plain, f"results_dir={base}"]) == 0
    return compare([base / "value"], base)[1]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_reports_no_violation_of_a_comparison(compared, open_page, dark):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(compared, dark=dark)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_comparison_says_what_its_csvs_say(compared, open_page):
    page = open_page(compared, width=380)
    assert page.evaluate("document.documentElement.scrollWidth") <= 380
    points = pd.read_csv(compared.with_name("points.csv"))
    rows = shown(page, "points")
    assert [float(row[3][1]) for row in rows] == list(points["value_of_joint_data"])
    differences = pd.read_csv(compared.with_name("differences.csv"))
    assert [float(row[2][1]) for row in shown(page, "differences")] == list(differences["estimate"])
    assert page.locator("figure").count() == 3  # forest, small multiples, map


@pytest.fixture(scope="session")
def many(tmp_path_factory):
    """2,000 points of a sweep, with made-up numbers."""
    base = tmp_path_factory.mktemp("many")
    for i in range(2000):
        folder = base / "value" / f"theory-{i:04d}"
        folder.mkdir(parents=True)
        x, y = i % 50, i // 50
        config = {
            "seed": 1,
            "scenario": {"name": "theory"},
            "source": {"profile": {"match_rate": x / 50}},
            "response": {"b": y / 40},
        }
        (folder / "config.yaml").write_text(json.dumps(config))
        (folder / "manifest.json").write_text(json.dumps({"command": f"jointbid value response.b={y / 40}"}))
        lines = ["estimand,arm,metric,unit,estimate,ci_low,ci_high,n_replications"]
        for name in ("value_of_joint_data", "same_request_step", "joint_model_step"):
            value = (x - 25) * (y + 1) / 1000
            lines.append(
                f"{name},joint,focal_profit,CNY per million bid requests,{value},{value - 0.1},{value + 0.1},30"
            )
        (folder / "summary.csv").write_text("\n".join(lines) + "\n")
    return compare([base], base)[1]


def test_2000_points_open_in_under_two_seconds(many, open_page):
    assert many.stat().st_size < 6e6
    fastest = min(opened(open_page, many) for _ in range(3))  # other work on the machine slows single ones
    assert fastest < 2
    page = open_page(many)
    assert len(shown(page, "points")) == 200
    page.get_by_role("button", name="Show all 2,000 rows").click()
    assert len(shown(page, "points")) == 2000
    page.locator("#differences thead button").nth(2).click()
    values = [float(row[2][1]) for row in shown(page, "differences")]
    assert values == sorted(values)
    assert len(values) == 1999
    page.locator("#points-filter").fill("0.98")
    assert page.locator("#points-said").text_content().endswith(" of 2000 rows")
    assert 0 < page.locator("#points tbody tr:visible").count() < 200


def test_the_box_reckons_as_the_command_line_does(tmp_path, open_page):
    """Volumes and costs typed into the page give what a study with these settings writes."""
    costs = {"requests": 4e8, "once": 900.0, "monthly": 120.0, "horizon": 24, "lookup": 0.0005}
    free = answer(tmp_path / "free", "study.replications=3")
    paid = answer(
        tmp_path / "paid",
        "study.replications=3",
        f"money.requests_per_month={costs['requests']:.0f}",
        f"money.integration_once={costs['once']}",
        f"money.integration_monthly={costs['monthly']}",
        f"money.horizon_months={costs['horizon']}",
        f"source.profile.cost_per_lookup_cpm={costs['lookup']}",
    )
    summary = pd.read_csv(paid / "summary.csv").set_index(["estimand", "metric"])
    page = open_page(free / "report.html")
    for name, value in costs.items():
        page.fill(f"#what-if-box [name={name}]", str(value))
    for out, row in {
        "net": ("net_value", "net_value"),
        "npv": ("net_value", "npv"),
        "payback": ("payback_month", "payback_month"),
    }.items():
        said = page.locator(f'[data-out="{out}"]')
        expected = summary.loc[row]
        assert float(said.get_attribute("data-v")) == pytest.approx(expected["estimate"], rel=1e-9), out
        low, high = (number(expected[end]) for end in ("ci_low", "ci_high"))
        assert said.text_content().endswith(
            f"({'95 % interval'} {low} to {high})".replace("infinite", "never")
        ), out
    expected, said = summary.loc["break_even_match_rate", "match_rate"], page.locator('[data-out="rate"]')
    assert float(said.get_attribute("data-v")) == pytest.approx(expected["estimate"], abs=1e-3)
    for end in ("ci_low", "ci_high"):
        assert number(expected[end]).replace("infinite", "never") in said.text_content()


def test_a_match_rate_is_read_along_the_curve_with_its_interval(folders, open_page):
    """At a point of the curve the value and both ends are those of its CSV; between two points they are in between."""
    page = open_page(folders["eight arms"] / "report.html")
    curve = pd.read_csv(folders["eight arms"] / "plots" / "match_rate.csv").set_index("x")
    said = page.locator('[data-out="value"]')
    page.fill("#what-if-box [name=rate]", "0.5")
    row = curve.loc[0.5]
    assert float(said.get_attribute("data-v")) == pytest.approx(row["estimate"], rel=1e-9)
    ends = [number(row[end]) for end in ("ci_low", "ci_high")]
    assert f"(95 % interval {ends[0]} to {ends[1]})" in said.text_content()
    page.fill("#what-if-box [name=rate]", "0.6")
    expected = 0.6 * curve.loc[0.5, "estimate"] + 0.4 * curve.loc[0.75, "estimate"]
    assert float(said.get_attribute("data-v")) == pytest.approx(expected, rel=1e-9)
