"""Strategies in a file: ``FILE.py:CLASS``, relative to the working directory, wherever a strategy's name may stand."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from jointbid.sim import Strategy

from .parameters import did_you_mean
from .source_files import digest_of, own_files


class StrategyFileError(ValueError):
    """No such file or class, or a file that cannot be imported; the message says which, and what there is."""


class StudyStarted(BaseException):
    """A script that is imported for its strategies has come to the study that it runs: what stands above is all that is needed."""


_IMPORTING: list[Path] = []


def end_import() -> None:
    """Raise ``StudyStarted`` while a strategy's file is imported; a script needs no ``if __name__ == "__main__"``."""
    if _IMPORTING:
        raise StudyStarted


def names_a_file(name: str) -> bool:
    """Return whether a strategy's name is that of a file, with or without a class: ``FILE.py:CLASS``."""
    file, class_name = split(name)
    return file.endswith(".py") or "/" in file or "\\" in file or (bool(class_name) and Path(file).is_file())


def split(name: str) -> tuple[str, str]:
    """Return the file and the class of ``FILE.py:CLASS``; the class is empty where none is named."""
    file, colon, class_name = name.rpartition(":")
    if not colon or class_name.endswith(".py") or "/" in class_name or "\\" in class_name:
        return name.removesuffix(":"), ""  # the colon of a drive, or none
    return file, class_name


def path_of(name: str) -> Path:
    """Return the absolute path of the file that a strategy's name means."""
    file = Path(split(name)[0])
    try:
        return file.expanduser().resolve()
    except RuntimeError:  # no home for ~
        return file.resolve()


def find_in_file(name: str) -> Callable[..., Strategy]:
    """Return the class, or the function, that ``FILE.py:CLASS`` names. The file is imported anew where it has changed.

    Raises:
        StrategyFileError: no such file or class, or an error while the file is imported.
    """
    file, class_name = split(name)
    path = path_of(name)
    if not path.is_file():
        there = [other.name for other in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise StrategyFileError(f"{file}: no such file{did_you_mean(path.name, there)}")
    files = sorted(own_files(path))
    module = _imported(path, tuple(map(digest_of, files)), tuple(files), file)
    own = [
        key
        for key, item in vars(module).items()
        if inspect.isclass(item) and item.__module__ == module.__name__ and hasattr(item, "bid")
    ]
    if not class_name:
        raise StrategyFileError(f"{file}: name the class, as in {file}:{own[0] if own else 'MyStrategy'}")
    found = getattr(module, class_name, None)
    if not callable(found):
        known = f"; there is: {', '.join(own)}" if own else "; no class in it has a method bid"
        raise StrategyFileError(f"{file}: has no class {class_name!r}{did_you_mean(class_name, own)}{known}")
    maker: Callable[..., Strategy] = found
    return maker


@functools.lru_cache(maxsize=64)
def _imported(path: Path, digests: tuple[str, ...], files: tuple[Path, ...], shown: str) -> ModuleType:
    """Import a file as a module that pickle finds again, and that can import its neighbours, which are read anew as well."""
    digest = hashlib.blake2b("\0".join([str(path), *digests]).encode(), digest_size=4).hexdigest()
    name = f"{path.stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    folder = path.parent
    beside = {
        file.relative_to(folder).parts[0].removesuffix(".py") for file in files if file.is_relative_to(folder)
    }
    for known in [known for known in sys.modules if known.partition(".")[0] in beside - {path.stem}]:
        del sys.modules[known]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise StrategyFileError(f"{shown}: is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(folder))
    _IMPORTING.append(path)
    try:
        spec.loader.exec_module(module)
    except StudyStarted:
        pass
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise StrategyFileError(
            f"{shown}{_line(error, path)}: cannot be imported: {type(error).__name__}: {error}"
        ) from error
    finally:
        _IMPORTING.pop()
        sys.path.remove(str(folder))
        if str(folder) not in sys.path:
            sys.path.append(str(folder))  # for what it imports later, inside functions
    return module


def _line(error: BaseException, path: Path) -> str:
    """Return the line of the file in which the error was raised, as text."""
    trace, line = error.__traceback__, getattr(error, "lineno", None)
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename) == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f", line {line}" if line else ""
