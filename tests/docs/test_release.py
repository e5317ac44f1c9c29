"""What a release says of itself: one version everywhere, and a README that can be read elsewhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_one_version_everywhere():
    version = PROJECT["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(r"^## \[(.+?)\] - \d{4}-\d\d-\d\d$", changes, re.MULTILINE)[1] == version


def test_links_of_the_readme_are_absolute_and_lead_to_files_that_are_here():
    readme, main = (ROOT / "README.md").read_text("utf-8"), f"{PROJECT['urls']['Source']}/"
    links = re.findall(r"\]\(([^)]*)\)", readme)
    assert len(links) > 20
    for link in links:
        assert link.startswith(main), f"{link}: where the page is shown by a package index, it leads nowhere"
        place = re.fullmatch(r"(?:blob|tree)/main/([^#]*)(?:#.*)?", link.removeprefix(main))
        assert place, link
        assert (ROOT / place[1]).exists(), link


def test_what_extras_bring_is_pinned():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()[1:]
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in lines}
    wanted = [
        *PROJECT["dependencies"],
        *(one for extra in PROJECT["optional-dependencies"].values() for one in extra),
    ]
    names = {re.match(r"[\w.-]+", one)[0].lower() for one in wanted} - {"jointbid"}
    assert names <= pinned
    assert lines == sorted(lines, key=lambda line: line.partition("==")[0].lower().replace("_", "-"))
