"""A clean process for a check: what earlier checks, or earlier strategies, have left behind is not there.

The process imports the kit once, and a copy of it is forked off for each question: a few hundredths of a second instead of a
second or more. Without fork (Windows) each question has a process of its own.
"""

from __future__ import annotations

import atexit
import importlib
import io
import os
import pickle
import select
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0
HEAD = struct.Struct("<Q")
BOOT = f"from {__name__} import serve; serve()"


class NoCleanProcess(Exception):  # noqa: N818 - it names what happened
    """There is no answer: it cannot be started, did not answer in time, or what it is asked cannot be sent."""


class _Server:
    """The process that answers; started when it is first asked."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, content: bytes) -> bytes:
        process = self._running()
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(HEAD.pack(len(content)) + content)
            process.stdin.flush()
            if sys.platform != "win32" and not select.select([process.stdout], [], [], PATIENCE_S)[0]:
                raise NoCleanProcess(f"no answer within {PATIENCE_S:.0f} s")
            head = process.stdout.read(HEAD.size)
            answer = process.stdout.read(HEAD.unpack(head)[0]) if len(head) == HEAD.size else b""
        except OSError as error:
            raise NoCleanProcess(str(error)) from None
        finally:
            if not hasattr(os, "fork"):
                self.close()
        if not answer:
            self.close()
            raise NoCleanProcess("it ended without an answer")
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            path = os.pathsep.join(
                str(place) for place in (*_OWN_PATH, os.environ.get("PYTHONPATH", "")) if place
            )
            try:
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                    [sys.executable, "-c", BOOT],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": _other_hash_seed()},
                )
            except OSError as error:
                raise NoCleanProcess(str(error)) from None
            atexit.register(self.close)
        return self._process

    def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # what was under way goes with it
                    continue
        process.wait()


def _other_hash_seed() -> str:
    """Return a seed of hashes that is not that of this process, as far as it was set."""
    return "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"


_OWN_PATH = (Path(__file__).parents[3],)
"""The folder that holds this package."""
_SERVER = _Server()


def run_in_clean_process(module: str, function: str, *arguments: object) -> Any:
    """Return what ``module.function(*arguments)`` returns in a clean process.

    Raises:
        NoCleanProcess: arguments that another process cannot receive, or no answer.
    """
    try:
        content = pickle.dumps((sys.path, os.fspath(Path.cwd()), module, function, pickle.dumps(arguments)))
    except Exception as error:  # noqa: BLE001 - pickling calls the author's code
        raise NoCleanProcess(f"{type(error).__name__}: {error}") from None
    verdict, answer = pickle.loads(_SERVER.ask(content))  # noqa: S301 - from our own process
    if verdict == "error":
        raise NoCleanProcess(answer)
    return answer


def serve() -> None:
    """Answer questions until there are no more; runs in the clean process."""
    importlib.import_module(f"{__package__}.kit")
    questions, answers = io.FileIO(os.dup(0)), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)  # what a strategy prints is no answer
    while len(head := questions.read(HEAD.size) or b"") == HEAD.size:
        content = _read(questions, HEAD.unpack(head)[0])
        if not hasattr(os, "fork"):
            _answer(content, answers)
            return
        child = os.fork()
        if not child:
            try:
                _answer(content, answers)
            finally:
                os._exit(0)
        os.waitpid(child, 0)


def _read(stream: io.FileIO, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _answer(content: bytes, answers: int) -> None:
    path, folder, module, function, arguments = pickle.loads(content)  # noqa: S301 - from our own process
    sys.path[:] = path
    os.chdir(folder)
    try:
        found = getattr(importlib.import_module(module), function)(*pickle.loads(arguments))  # noqa: S301
        answer = pickle.dumps(("done", found))
    except BaseException as error:  # noqa: BLE001 - the asker decides
        answer = pickle.dumps(("error", f"{type(error).__name__}: {error}"))
    whole = HEAD.pack(len(answer)) + answer
    while whole:
        whole = whole[os.write(answers, whole) :]
