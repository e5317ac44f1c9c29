"""`jointbid log calibrate FILE --out scenario.yaml`."""

from __future__ import annotations

import sys
from pathlib import Path

from ..errors import BadInput
from .log import Call, override


def main(call: Call) -> int:
    """Fit a scenario to a log; write it, and beside it the page that shows how well it fits."""
    out = Path(call.options.get("--out", "scenario.yaml")).expanduser()
    if out.suffix not in {".yaml", ".yml"}:
        raise BadInput(f"--out {out}: must end in .yaml: a scenario is a YAML file")
    if out.parent != Path() and not out.parent.is_dir():
        raise BadInput(f"--out {out}: there is no folder {out.parent}")
    from jointbid.sim.scenario import LogSupply

    from ..config.points import load, to_yaml, validate
    from ..logs.calibration.fit import fit
    from ..logs.calibration.page import page, sections
    from ..logs.read_log import read_supply
    from ..logs.replay.plan import Plan, seen_rows

    settings = load("value", [override(call), *call.overrides])[0].settings
    supply = settings.scenario.supply
    assert isinstance(supply, LogSupply)  # noqa: S101 - its path says so
    plan = Plan.of(settings.tree())
    fitted = fit(plan, seen_rows(read_supply(supply, plan.seed)), out.stem)
    scenario = validate("value", {"study": {}, **fitted.tree}).scenario
    found = sections(fitted, scenario, settings.seed)
    text = page(fitted, scenario, found, str(out))
    head = f"# @package _global_\n# jointbid value --config-dir DIR scenario={out.stem}, this file being DIR/scenario/{out.name}\n"
    head += "defaults:\n  - override /auction: second_price\n\n"
    try:
        out.write_text(head + to_yaml(fitted.tree), "utf-8")
        out.with_suffix(".md").write_text(text, "utf-8")
    except OSError as error:
        raise BadInput(f"--out {out}: {error.strerror}") from None
    sys.stdout.write(text)
    sys.stdout.write(f"\nScenario: {out}\nPage: {out.with_suffix('.md')}\n")
    return 0
