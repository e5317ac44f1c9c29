"""`jointbid log calibrate FILE --out scenario.yaml`."""

from __future__ import annotations

from pathlib import Path

from ..config.points import load, to_yaml
from ..config.validation import validate
from ..errors import BadInput, path_of, refused
from ..logs.calibration.fit import fit
from ..logs.calibration.page import NOTES, UNKNOWN, about, digits, page, page_title, sections
from ..logs.read_log import read_log
from ..logs.replay.plan import ReplayPlan, seen_rows
from ..logs.replay.priced_log import check_prices
from ..report import tables
from .log import Call, override

SCENARIO_HEAD = "# @package _global_\n# jointbid value --config-dir DIR scenario="
"""Begins each scenario that is written here."""


def main(call: Call) -> int:
    """Fit a scenario to a log; write it, and beside it the page that shows how well it fits."""
    out = path_of("--out", call.out or "scenario.yaml")
    if out.suffix not in {".yaml", ".yml"}:
        raise BadInput(f"--out {out}: must end in .yaml: a scenario is a YAML file")
    if out.parent != Path() and not out.parent.is_dir():
        raise BadInput(f"--out {out}: there is no folder {out.parent}")
    _refuse_others(out, SCENARIO_HEAD)
    _refuse_others(out.with_suffix(".md"), page_title(out.stem))
    settings = load("value", [override(call), *call.overrides])[0].settings
    plan = ReplayPlan.from_settings(settings)
    log = read_log(plan.supply, plan.seed)
    check_prices(log)
    fitted = fit(plan, seen_rows(log), out.stem)
    scenario = validate("value", {"study": {}, **fitted.tree}).scenario
    found = sections(fitted, scenario, settings.seed)
    text = page(fitted, scenario, found, str(out))
    head = f"{SCENARIO_HEAD}{out.stem}, this file being DIR/scenario/{out.name}\n"
    head += "defaults:\n  - override /auction: second_price\n\n"
    with refused(f"--out {out}: cannot be written"):
        out.write_text(head + to_yaml(fitted.tree), "utf-8")
        out.with_suffix(".md").write_text(text, "utf-8")
    columns = (("", str), ("real", digits), ("simulated", digits))
    sides = [tables.text_table(head, rows, *columns, caption="") for head, rows in found.items()]
    tables.show(*about(fitted, scenario, str(out)), *sides, f"{UNKNOWN}:", *NOTES, "")
    tables.show(tables.linked("Scenario: ", out), tables.linked("Page: ", out.with_suffix(".md")))
    return 0


def _refuse_others(file: Path, start: str) -> None:
    """Refuse to overwrite a file that does not begin as the one that is to be written."""
    if not file.exists() and not file.is_symlink():
        return
    try:
        is_ours = file.read_text("utf-8", errors="replace").startswith(start)
    except OSError:
        is_ours = False
    if not is_ours:
        raise BadInput(
            f"--out: {file} exists and is not from `jointbid log calibrate`: nothing is overwritten; choose another name"
        )
