"""The files that determine what a module does: its own, and those of the modules of a project that it imports."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import site
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

COMPILED = {"__pycache__"}
OWN = Path(__file__).parents[1]
"""This package: the address of a cell covers its code by itself."""
LONGEST_NAME = 200
INSTALLED = {"site-packages", "dist-packages"}
"""Names of the folders that packages are installed in, in whatever environment."""


KNOWN: dict[Path, dict[Path, tuple[int, int]]] = {}
"""Source file -> the files that determine it, each with its time and size."""


def own_files(path: Path) -> frozenset[Path]:
    """Return a source file, the modules beside it and others of a project that it imports, and the files that texts in it name.

    They are worked out again where the time or size of one of them has changed.
    """
    known = KNOWN.get(path)
    if known is None or any(_stamp(file) != before for file, before in known.items()):
        known = KNOWN[path] = {file: _stamp(file) for file in _found_from(path)}
    return frozenset(known)


def _found_from(path: Path) -> set[Path]:
    found, todo = set[Path](), [path]
    while todo:
        file = todo.pop()
        if file in found or not file.is_file():
            continue
        found.add(file)
        if file.suffix != ".py":
            continue
        todo += _named_in(file, path.parent)
        for name in set(imported_by(file)):
            beside = [path.parent / f"{name}.py", *files_below(path.parent / name)]
            if any(one.is_file() for one in beside):
                todo += beside
            elif name not in sys.stdlib_module_names and any(map(is_a_projects, places_of(name))):
                found |= {file for file in with_imports({name}) if file.is_file()}
    return found


def _named_in(file: Path, folder: Path) -> Iterator[Path]:
    """Yield the files that constant texts of a source name, as seen from its folder or from the working directory."""
    for node in ast.walk(_tree(file)):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and 0 < len(node.value) < LONGEST_NAME
        ):
            for place in (folder, Path.cwd()):
                try:
                    named = place / node.value
                    if "." in named.name and named.is_file():
                        yield named
                except (OSError, ValueError):  # a text that can be no path
                    continue


def with_imports(modules: set[str]) -> set[Path]:
    """Return the files of modules, and those of the modules of a project that they import."""
    files: set[Path] = set()
    todo, seen = list(modules), set[str]()
    while todo:
        module = todo.pop()
        seen.add(module)
        own = {file for place in places_of(module) for file in files_below(place)}
        files |= own
        todo += [
            name
            for name in {top for file in own if file.suffix == ".py" for top in imported_by(file)} - seen
            if name not in sys.stdlib_module_names and any(map(is_a_projects, places_of(name)))
        ]
    return files


def imported_by(file: Path) -> Iterator[str]:
    """Yield the top-level names that a source file imports, wherever the statement stands."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@functools.cache
def places_of(package: str) -> tuple[Path, ...]:
    """Return the folders of a package, or the file of a module; nothing is imported."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return ()
    if spec is None:
        return ()
    if spec.submodule_search_locations is not None:
        return tuple(Path(folder) for folder in spec.submodule_search_locations)
    return (Path(spec.origin),) if spec.origin and spec.has_location else ()


def is_a_projects(place: Path) -> bool:
    """Return whether a package or module belongs to a user's project: neither installed, nor Python's, nor ours.

    The folders of another environment that ``PYTHONPATH`` or a ``.pth`` file adds, as ``uv run --with`` does, count as installed.
    """
    if not INSTALLED.isdisjoint(place.parts):
        return False
    paths = sysconfig.get_paths()
    installed = [
        *(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        *site.getsitepackages(),
    ]
    folders = [*map(Path, installed), Path(site.getusersitepackages()), OWN]
    return not any(place.is_relative_to(folder) for folder in folders)


def files_below(place: Path) -> Iterator[Path]:
    """Yield a file, or all files below a folder that are not compiled from others."""
    if place.is_dir():
        yield from (file for file in place.rglob("*") if file.is_file() and COMPILED.isdisjoint(file.parts))
    else:
        yield place


def digest_of(file: Path) -> str:
    """Return hex digits of a file's content; read again where its time or size has changed."""
    return _digest(file, *_stamp(file))


def _stamp(file: Path) -> tuple[int, int]:
    """Return a file's time and size; zeros where it is gone."""
    try:
        about = file.stat()
    except OSError:
        return 0, 0
    return about.st_mtime_ns, about.st_size


@functools.cache
def _digest(file: Path, mtime_ns: int, size: int) -> str:  # noqa: ARG001 - they say whether the file has changed
    if not file.is_file():
        return "gone"
    with file.open("rb") as content:
        return hashlib.file_digest(content, "blake2b").hexdigest()


def _tree(file: Path) -> ast.AST:
    """Return a source file parsed; an empty module where it cannot be."""
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])
