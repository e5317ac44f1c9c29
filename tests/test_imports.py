"""Which packages each room may import, and when. The order of the rooms' own imports is in test_arrows.py."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("sim", "strategies", "experiments")
CALCULUS = {"numpy", "numba", "llvmlite", "simpy", "pydantic", "scipy", "typing_extensions"}
ALLOWED = {  # packages outside the standard library, besides the room itself
    "sim": CALCULUS,
    "strategies": CALCULUS | {"onnx", "onnxruntime", "sklearn", "pytest", "sim"},
}
OF_BRIDGES = {"strategies/openrtb": {"msgspec", "starlette", "uvicorn"}}
"""Folder of a bridge -> the packages of its extra, which nothing outside it imports."""
LAZY_IN_STRATEGIES = {"onnx", "onnxruntime", "sklearn", "pytest"}
HEAVY = {"hydra", "matplotlib", "numba", "pandas", "pyarrow", "ray", "scipy", "sklearn"}


def modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imports(tree: ast.AST, path: Path) -> Iterator[str]:
    """Full dotted names of what is imported anywhere below `tree`, relative imports resolved; rooms without `jointbid.`."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("jointbid.") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join((*base, *filter(None, [node.module])))
            yield from (f"{stem}.{alias.name}".removeprefix("jointbid.") for alias in node.names)


def eager(tree: ast.Module) -> ast.Module:
    """`tree` without what import does not execute: function bodies and TYPE_CHECKING blocks."""

    class Drop(ast.NodeTransformer):
        def visit_FunctionDef(self, _node: ast.FunctionDef) -> None:
            return None

        def visit_AsyncFunctionDef(self, _node: ast.AsyncFunctionDef) -> None:
            return None

        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if ast.unparse(node.test).endswith("TYPE_CHECKING") else self.generic_visit(node)

    return Drop().visit(tree)


def foreign(room: str, *, only_eager: bool = False) -> set[tuple[str, str]]:
    """(module, package) for every import in `room` of neither the standard library nor the room itself."""
    found = set()
    for path in modules(room):
        tree = ast.parse(path.read_text("utf-8"))
        for name in imports(eager(tree) if only_eager else tree, path):
            top = name.split(".")[0]
            if top not in sys.stdlib_module_names and top != room:
                found.add((str(path.relative_to(ROOT)), top))
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_room_has_modules(room):
    assert modules(room), f"{room}/ holds no module: the walk would prove nothing"


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_room_imports_only_what_it_may(room):
    found = {(m, top) for m, top in foreign(room) if top not in ALLOWED[room]}
    bridged = {
        (m, top) for m, top in found for at, extra in OF_BRIDGES.items() if m.startswith(at) and top in extra
    }
    assert found - bridged == set()


def test_the_registry_needs_no_extra():
    program = "import sys, jointbid.strategies.registry; print(*{'msgspec', 'starlette', 'uvicorn'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_strategies_import_what_is_slow_only_inside_functions():
    assert {
        (m, top) for m, top in foreign("strategies", only_eager=True) if top in LAZY_IN_STRATEGIES
    } == set()


def test_experiments_import_only_declared_dependencies():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    declared = project["dependencies"] + extras["ray"] + extras["gym"]
    names = {re.split(r"[^\w.-]", d)[0].lower().replace("-", "_") for d in declared} | {
        "omegaconf",  # hydra-core's own
        "pyyaml",
        "pydantic_core",  # pydantic's own
    }
    by_import = metadata.packages_distributions()
    undeclared = {
        (module, top)
        for module, top in foreign("experiments")
        if top not in {"sim", "strategies", "conf", "ray"}
        and names.isdisjoint(dist.lower().replace("-", "_") for dist in by_import.get(top, []))
    }
    assert undeclared == set()


def test_rooms_keep_their_private_modules_to_themselves():
    trespasses = {
        (str(path.relative_to(ROOT)), name)
        for room in ROOMS
        for path in modules(room)
        for name in imports(ast.parse(path.read_text("utf-8")), path)
        if name.split(".")[0] in set(ROOMS) - {room} and any(part.startswith("_") for part in name.split("."))
    }
    assert trespasses == set()


def test_conf_holds_no_code():
    code = list((ROOT / "conf").rglob("*.py"))
    assert code == [ROOT / "conf" / "__init__.py"]
    (docstring,) = ast.parse(code[0].read_text("utf-8")).body
    assert isinstance(docstring, ast.Expr)
    assert isinstance(docstring.value, ast.Constant)


def test_the_kit_needs_no_pytest_until_it_makes_cases_for_it():
    program = "import sys, jointbid.strategies.testing; assert 'pytest' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
