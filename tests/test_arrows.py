"""Imports point one way: down the order of the folders, and in no circle among the parts of a folder.

An import counts wherever it stands, in a function and under TYPE_CHECKING too, and so does a module's full name in a string.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "jointbid"
ROOMS = ("sim", "strategies", "experiments")
ORDER = [
    "cli",
    "studies",
    "report",
    "logs",
    "execution",
    "storage",
    "estimate",
    "training",
    "config",
    "cells",
    "errors.py",
    "strategies",
    "sim",
]
"""Folders of experiments/ and the two rooms below it; each imports only what stands to the right of it."""


class Arrow(NamedTuple):
    """One import of a file by another."""

    file: str
    line: int
    target: str


def arrows(root: Path) -> list[Arrow]:
    """Return the imports among the files of the rooms below a package's folder."""
    paths = [path.relative_to(root).as_posix() for room in ROOMS for path in (root / room).rglob("*.py")]
    modules = {path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in paths}
    found = set()
    for path in paths:
        package = path.split("/")[:-1]
        for node in ast.walk(ast.parse((root / path).read_text("utf-8"))):
            for name in names(node, package):
                full = name.removeprefix("jointbid.")
                target = modules.get(full) or modules.get(
                    full.rpartition(".")[0]
                )  # a module, or a name in one
                if target not in {None, path}:
                    found.add(Arrow(path, node.lineno, str(target)))  # type: ignore[attr-defined]
    return sorted(found)


def names(node: ast.AST, package: list[str]) -> Iterator[str]:
    """Yield the full dotted names that a node may import."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package[: len(package) - node.level + 1] if node.level else []
        yield from (".".join([*above, *filter(None, [node.module]), alias.name]) for alias in node.names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
        yield node.value


def place(path: str) -> int:
    """Return where a file's folder stands in the order; -1 where the order does not name it."""
    room, *rest = path.split("/")
    name = rest[0].replace("__init__.py", "errors.py") if room == "experiments" else room
    return ORDER.index(name) if name in ORDER else -1


def upward(found: Collection[Arrow]) -> list[Arrow]:
    """Return the imports of a folder above a file's own, or of one that the order does not name."""
    return [arrow for arrow in found if place(arrow.target) < max(place(arrow.file), 0)]


def circles(found: Collection[Arrow]) -> dict[str, list[Arrow]]:
    """Return the imports of each circle among the files and folders directly in one folder, by its place and members."""
    inside: dict[str, dict[tuple[str, str], list[Arrow]]] = defaultdict(lambda: defaultdict(list))
    for arrow in found:
        one, other = arrow.file.split("/"), arrow.target.split("/")
        depth = next(i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
        inside["/".join(one[:depth])][one[depth], other[depth]].append(arrow)
    rings = {}
    for folder, edges in inside.items():
        if folder in {"", "experiments"}:  # these have an order
            continue
        reach = {node: reached(node, edges) for edge in edges for node in edge}
        for node, there in reach.items():
            ring = sorted(other for other in there if node in reach[other])
            if node in ring:
                own = [arrow for edge, some in edges.items() if set(edge) <= set(ring) for arrow in some]
                rings[f"{folder}: {', '.join(ring)}"] = own
    return rings


def reached(start: str, edges: Collection[tuple[str, str]]) -> set[str]:
    """Return every node that can be reached from one, itself only by way of a circle."""
    found: set[str] = set()
    while further := {b for a, b in edges if a == start or a in found} - found:
        found |= further
    return found


def unnamed(root: Path) -> set[str]:
    """Return files and folders directly in experiments/ that the order does not name."""
    return {path.name for path in (root / "experiments").iterdir()} - {*ORDER, "__init__.py", "__pycache__"}


@pytest.fixture(scope="module")
def real() -> list[Arrow]:
    return arrows(PACKAGE)


def test_imports_point_down(real):
    assert len(real) > 1000, "the walk has found too few imports to prove anything"
    assert upward(real) == []


def test_no_circle_among_the_parts_of_a_folder(real):
    assert circles(real) == {}


def test_experiments_holds_what_the_order_names():
    assert unnamed(PACKAGE) == set()


TREE = {
    "sim/__init__.py": "",
    "sim/engine.py": "import numpy",
    "strategies/__init__.py": "from jointbid.sim import engine",
    "experiments/__init__.py": "",
    "experiments/errors.py": "",
    "experiments/config/__init__.py": "from ..errors import BadInput",
    "experiments/config/settings.py": "import jointbid.sim.engine",
    "experiments/config/checks.py": "from .settings import Settings\nfrom ..cells import cell",
    "experiments/cells/__init__.py": "",
    "experiments/cells/cell.py": "def run():\n    from jointbid.strategies import Policy",
    "experiments/report/__init__.py": "",
    "experiments/report/words/__init__.py": "from ..numbers import number",
    "experiments/report/numbers.py": "from ..config.settings import Settings",
}
"""Invented files, whose imports all point down."""
LAZY = "def late():\n    {}"
TYPED = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {}"


def tree(root: Path, changed: dict[str, str]) -> list[Arrow]:
    for name, text in {**TREE, **changed}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return arrows(root)


def test_the_invented_tree_is_in_order(tmp_path):
    found = tree(tmp_path, {})
    assert len(found) == 8
    assert (upward(found), circles(found), unnamed(tmp_path)) == ([], {}, set())


def test_a_file_outside_the_folders_is_found(tmp_path):
    tree(tmp_path, {"experiments/loose.py": "", "experiments/other/__init__.py": ""})
    assert unnamed(tmp_path) == {"loose.py", "other"}


@pytest.mark.parametrize("where", ["{}", LAZY, TYPED], ids=["at the top", "in a function", "for types"])
@pytest.mark.parametrize(
    ("file", "line", "target"),
    [
        ("sim/engine.py", "from jointbid.strategies import Policy", "strategies/__init__.py"),
        ("strategies/__init__.py", "import jointbid.experiments.errors", "experiments/errors.py"),
        ("experiments/cells/cell.py", "from ..config.settings import Settings", "experiments/config/settings.py"),
        ("experiments/errors.py", "from .report import numbers", "experiments/report/numbers.py"),
        ("experiments/cells/cell.py", "from .. import loose", "experiments/loose.py"),
        ("experiments/cells/cell.py", "x = 'jointbid.experiments.report.words'", "experiments/report/words/__init__.py"),
    ],
)  # fmt: skip
def test_an_upward_import_is_found(tmp_path, where, file, line, target):
    found = tree(tmp_path, {"experiments/loose.py": "", file: where.format(line)})
    assert [(arrow.file, arrow.target) for arrow in upward(found)] == [(file, target)]


@pytest.mark.parametrize("where", ["{}", LAZY, TYPED], ids=["at the top", "in a function", "for types"])
@pytest.mark.parametrize(
    ("file", "line", "ring"),
    [
        ("config/settings.py", "from .checks import all_checks", "config: checks.py, settings.py"),
        ("report/numbers.py", "from . import words", "report: numbers.py, words"),
        ("config/settings.py", "from . import BadInput, checks", "config: checks.py, settings.py"),
    ],
)
def test_a_circle_is_found(tmp_path, where, file, line, ring):
    found = tree(tmp_path, {f"experiments/{file}": where.format(line)})
    assert upward(found) == []
    assert list(circles(found)) == [f"experiments/{ring}"]
