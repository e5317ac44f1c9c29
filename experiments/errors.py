"""Errors that the command line prints as they are: the user's input (exit code 2), and work that failed (exit code 1)."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


class BadInput(Exception):  # noqa: N818 - it names what happened, in the words the user reads
    """The user's input cannot be used.

    Attributes:
        problems: one line each: where (config path, or file, row and column), the value, what is allowed.
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems: list[str] = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class RunFailed(Exception):  # noqa: N818 - as BadInput
    """Work failed under way; the message says all that its user needs. The command line leaves with exit code 1."""


@contextmanager
def reported(what: str) -> Iterator[None]:
    """Report an error in the block in one line on stderr: a plot or page that fails costs no other result.

    Errors of the disk (full, read-only) are raised.
    """
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - a drawing library may raise anything; the study's numbers are there
        text = " ".join(str(error).split())
        sys.stderr.write(
            f"{what}: cannot be made ({type(error).__name__}: {text}); all other results are written\n"
        )


@contextmanager
def refused(problem: str) -> Iterator[None]:
    """Raise an error of the disk in the block as ``problem (what the system says)``.

    Raises:
        BadInput: in place of each `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise BadInput(f"{problem} ({error.strerror or error})") from None


def closest(word: str, known: Iterable[str], likeness: float = 0.5) -> str:
    """Return `; did you mean 'x'?` for the known word that is most like `word`, at least by `likeness` (0 to 1), else an empty string."""
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=likeness)
    return f"; did you mean {match[0]!r}?" if match else ""


def path_of(place: str, written: str) -> Path:
    """Return a path of the command line, written plain or in quotes as in an override; ``~`` is expanded.

    Raises:
        BadInput: none is given; the home folder is not known.
    """
    from jointbid.sim.paths import expand  # `sim` is heavy, and the command line reads its verb first

    quote = written[:1]
    if len(written) > 1 and quote in {"'", '"'} and written.endswith(quote):
        written = written[1:-1].replace(f"\\{quote}", quote)
    if not written:
        raise BadInput(f"{place}: needs a file or folder")
    try:
        return expand(written)
    except ValueError as error:
        raise BadInput(f"{place} = {error}") from None
