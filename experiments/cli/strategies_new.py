"""`jointbid strategies new`: a package for a strategy of one's own, complete and installable."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from string import Template

from ..errors import BadInput, path_of

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
TAKEN = {"jointbid", "tests", "test"}


def new(name: str, within: str) -> int:
    """Write the package into a new folder of its name, within a folder.

    Raises:
        BadInput: a name that cannot be one, a folder that is there already or cannot be written to.
    """
    _check_name(name)
    folder = path_of("--dir", within) / name
    if folder.exists():
        raise BadInput(
            f"{folder}: is there already, and nothing is overwritten; choose another name or --dir"
        )
    try:
        for path, text in package(name).items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written ({error.strerror})") from None
    sys.stdout.write(
        f"{folder}: a package with the strategy {name} (src/{name}/strategy.py), its configuration and its test.\n"
        f"Next:\n  python -m pip install --editable {folder}\n  jointbid strategies check {name}\n"
        f"  jointbid run scenario={name}_market\n"
    )
    return 0


def package(name: str) -> dict[str, str]:
    """The files of a package of that name, by their paths in it."""
    from ..cells.versions import version

    words = {
        "name": name,
        "cls": "".join(word.capitalize() for word in name.split("_")),
        "dist": name.replace("_", "-"),
        "jointbid": version("jointbid") or "0",
    }
    template = Path(__file__).parent / "plugin_template"
    return {
        str(file.relative_to(template).with_suffix("")).replace("__name__", name): Template(
            file.read_text("utf-8")
        ).substitute(words)
        for file in sorted(template.rglob("*.tmpl"))
    }


def _check_name(name: str) -> None:
    from jointbid.strategies.registry import BOUNDS, BUILT_IN

    if not NAME.fullmatch(name):
        likely = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
        hint = f"; did you mean {likely!r}?" if NAME.fullmatch(likely) else ""
        raise BadInput(
            f"strategies new {name}: must be lower-case letters, digits and single underscores, a letter first{hint}"
        )
    if keyword.iskeyword(name) or name in TAKEN or name in sys.stdlib_module_names:
        raise BadInput(
            f"strategies new {name}: Python or jointbid has a module or word {name!r}; take another, my_{name}"
        )
    if name in BUILT_IN or name in BOUNDS:
        raise BadInput(f"strategies new {name}: {name!r} is a built-in strategy; take another, my_{name}")
    if brings := _installed(name):
        raise BadInput(f"strategies new {name}: {brings} is installed here; take another, my_{name}")


def _installed(name: str) -> str:
    """Return the installed package or module that a new package of this name would hide; empty where there is none."""
    try:
        found = distribution(name.replace("_", "-"))
    except PackageNotFoundError:
        spec = find_spec(name)
        return f"a module {name!r}" if spec is not None and spec.origin is not None else ""
    return f"the package {found.name} {found.version}"
