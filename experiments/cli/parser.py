"""The command line as one argparse parser: verbs, their actions and options. It imports nothing heavy."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from ..config.studies import STUDIES
from ..errors import BadInput, closest, path_of
from .output import fitted

STUDY = "study"
"""The module of all verbs that run a study."""
HELP = "help"
"""The verb that explains keys."""
OWN_HELP = {STUDY: STUDY, "run": STUDY, "log": "log", HELP: HELP}
"""Module of a verb -> that with a function `helped(options)`, which prints more than the options."""

VERBS = {
    **{verb: (STUDY if entry.study else verb, entry.summary) for verb, entry in STUDIES.items()},
    "compare": ("compare", "studies side by side: table, differences with intervals, config diff"),
    "report": ("report", "the self-contained HTML report of a study, made anew from its folder"),
    "serve": ("serve", "a strategy answers OpenRTB 2.6 bid requests over HTTP, until it is stopped"),
    "log": ("log", "what a real log holds, a scenario fitted to it, strategies on it"),
    "strategies": ("strategies", "the strategies that are installed, conformance checks, a new plugin"),
    "scenarios": ("scenarios", "what ships, with the question each scenario answers"),
    "results": ("results", "the catalogue of a results folder"),
    "doctor": ("doctor", "versions, compiled-kernel cache, cores, writable paths"),
    HELP: (HELP, "what a key of the configuration means: jointbid help match_rate"),
}
"""Verb -> module of this package with its `main(options) -> exit code`, and what it does."""

ACTIONS = {
    "log": {
        "inspect": ("FILE [key=value ...]", "what it is, what it holds, and what to beware of"),
        "join": (
            "FILE supply.mapping=FILE.yaml [key=value ...]",
            "what joining the mapping's tables gives: keys, coverage, duplicates, and what it means",
        ),
        "calibrate": (
            "FILE [key=value ...] [--out scenario.yaml]",
            "a synthetic scenario fitted to it, and a page that shows the fit",
        ),
        "synthesize": (
            "FOLDER [form=all] [rows=N]",
            "write invented logs in every form, or in one, to try the others on; form=four_tables: a log with tables to join",
        ),
        "table": (
            "FILE [key=value ...]",
            "the classic strategies at budgets from 1/64 to 1/2, tuned on the training part",
        ),
    },
    "strategies": {
        "list": ("", "what is installed, built in or from packages, with what each declares"),
        "check": (
            "NAME-or-FILE:CLASS [param=value ...] [--scenario NAME]",
            "run every check of the kit on an installed strategy, or on a class in a file; 1 where one fails",
        ),
        "new": (
            "NAME [--dir DIR]",
            "write a package with a strategy, its configuration and its test, which passes as it is",
        ),
    },
    "scenarios": {
        "list": ("", "the scenarios, with the question each answers"),
        "show": ("NAME", "the file of one scenario"),
    },
    "results": {
        "list": (
            "[results_dir=DIR]",
            "the studies: state, start, and the settings in which each differs from its scenario",
        ),
        "query": (
            '"SQL" [results_dir=DIR]',
            "SQL over the views studies, summary, cells, timeseries and points, each row with its study; CSV in a pipe",
        ),
        "clean": (
            "[--delete] [--finished] [results_dir=DIR]",
            "what is unfinished, damaged or of other code, with its size",
        ),
    },
}
"""Verb -> its actions -> the words that each takes, and what it does."""

FOLDER_WORDS = {
    "compare": "DIR-or-benchmark.json [DIR ...] [results_dir=results]",
    "report": "DIR [DIR ...]",
    HELP: "KEY [KEY ...]",
}
STUDY_WORDS = "[key=value ...] [options]"
ABOUT = "jointbid: what is it worth to an advertiser to join the data that its two departments hold apart?"
KEYS = """Studies take any key of the configuration as key=value, -m for sweeps (key=1,2,3), --cfg job, --config-dir DIR.
`jointbid VERB --help` shows the keys that are used most, `jointbid help KEY` any. Start with: jointbid value"""
REPORT_EPILOG = """DIR is the folder of one study, or one that holds several.
Writes DIR/report.html and DIR/estimands.md, and the plots that its tables allow where they are missing."""
COMPARE_EPILOG = """DIR is the folder of a study, one that holds several, or that of a sweep (results/sweeps/<verb>-<hash>).
The first study is what the others are compared with: pair by pair where seed, people, requests and prices are the same, else by Welch's rule.
Writes compare.html, compare.csv and differences.csv to <results_dir>/compare/<hash>/.
Result files of the benchmark (benchmark.json, or their folders) are laid beside each other: one ranking, with paired differences."""


HELP_EPILOG = "KEY is a whole key, source.profile.match_rate; its end, match_rate; or a part of it, match."


class Options(argparse.Namespace):
    """A parsed command line: the verb, its action, the words without options, and the options by name."""

    help: str = ""
    usage: str = ""
    verb: str = ""
    action: str = ""
    words: list[str]
    out: str | None = None
    config_dir: str | None = None
    host: str | None = None
    port: str | None = None
    url: str | None = None
    names: str | None = None
    public: bool = False

    @property
    def command(self) -> str:
        """The verb with its action."""
        return f"{self.verb} {self.action}".strip()

    def one(self, what: str) -> str:
        """Return the only word.

        Raises:
            BadInput: not exactly one word is given.
        """
        if len(self.words) != 1:
            got = ", ".join(self.words) or "none"
            raise BadInput(f"{self.command}: needs one {what}, got {got}; usage: {self.usage}")
        return self.words[0]

    def results_dir(self) -> Path:
        """Take ``results_dir=DIR`` out of the words, and return the folder."""
        places = [word for word in self.words if word.startswith("results_dir=")]
        self.words = [word for word in self.words if word not in places]
        return path_of("results_dir", places[-1].partition("=")[2]) if places else Path("results")


class Parser(argparse.ArgumentParser):
    """The parser of a verb or action, whose options may stand anywhere; what is wrong is `BadInput`."""

    def __init__(self, *, words: str = "", **texts: Any) -> None:
        if sys.version_info >= (3, 14):
            texts["color"] = False  # its codes would be counted as columns
        super().__init__(
            add_help=False, allow_abbrev=False, exit_on_error=False, formatter_class=argparse.RawTextHelpFormatter, **texts
        )  # fmt: skip
        self.usage = f"{self.prog} {words}".strip()
        self.has_words = bool(words)
        self.needs: dict[str, str] = {}
        self.parts: dict[str, Parser] = {}
        self.flag("-h", "--help", "this text")

    def flag(self, *names_and_help: str) -> None:
        """Add an option without a value."""
        *names, text = names_and_help
        self.add_argument(*names, action="store_true", help=text)
        self.needs |= dict.fromkeys(names, "")

    def option(self, name: str, needs: str, text: str, metavar: str) -> None:
        """Add an option with a value; ``needs`` names its kind."""
        self.add_argument(name, help=text, metavar=metavar)
        self.needs[name] = needs

    def read(self, words: Sequence[str]) -> Options:
        """Return the options of the words after the verb.

        Raises:
            BadInput: an unknown option or word, an option without its value.
        """
        found, end = Options(usage=str(self.usage)), words.index("--") if "--" in words else len(words)
        try:
            _, rest = self.parse_known_args(words[:end], found)
        except argparse.ArgumentError as error:
            name = error.argument_name or ""
            raise BadInput(f"{name}: {self._lacks(name) or error.message}") from None
        for word in rest:
            if word.startswith("-") and " " not in word:
                name = word.partition("=")[0]
                meant = closest(name, self.needs, likeness=0.7) or self._as_key(name.strip("-"))
                raise BadInput(f"{name}: no such option{meant}")
        found.words = [*rest, *words[end + 1 :]]
        if found.words and not self.has_words:
            raise BadInput(
                f"{self.prog.partition(' ')[2]}: unexpected word {found.words[0]!r}; usage: {self.usage}"
            )
        for name, needs in self.needs.items():
            if needs and getattr(found, name.strip("-").replace("-", "_")) == "":
                raise BadInput(f"{name}: {self._lacks(name)}")
        found.help = fitted(self.format_help()) if found.help else ""
        return found

    def _as_key(self, name: str) -> str:
        """Return what to write where a key was meant; empty of a verb that takes none."""
        takes_keys = "key=value" in str(self.usage)
        return f"; keys are written key=value, without dashes; see jointbid help {name}" if takes_keys else ""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print."""
        raise BadInput(f"{self.prog}: {message}; usage: {self.usage}")

    def _lacks(self, name: str) -> str:
        needs = self.needs.get(name)
        return f"needs {needs}" if needs else ""


def parse(arguments: Sequence[str]) -> Options:
    """Parse a command line; ``help`` is the text to print where only help is wanted.

    Raises:
        BadInput: an unknown verb, action, option or word, an option without its value.
    """
    parser, left, path = _parser(), list(arguments), list[str]()
    while parser.parts:
        word = left.pop(0) if left else "--help"
        if word in {"-h", "--help"} or (word == HELP and not left):
            return _named(Options(help=fitted(parser.format_help()), words=[]), path)
        if word not in parser.parts:
            place = " ".join([*path, word])
            raise BadInput(f"{place}: must be one of {', '.join(parser.parts)}{closest(word, parser.parts)}")
        path.append(word)
        parser = parser.parts[word]
    return _named(parser.read(left), path)


def _named(options: Options, path: Sequence[str]) -> Options:
    options.verb, options.action = [*path, "", ""][:2]
    return options


def _parser() -> Parser:
    root = Parser(prog="jointbid", words=f"VERB {STUDY_WORDS}", description=ABOUT)
    for verb, (module, about) in VERBS.items():
        named = "[STRATEGY ...] " if verb in STUDIES and STUDIES[verb].names else ""
        words = FOLDER_WORDS.get(verb, f"{named}{STUDY_WORDS}" if module in {STUDY, "run", "serve"} else "")
        parser = root.parts[verb] = Parser(prog=f"jointbid {verb}", description=about, words=words)
        if verb in ACTIONS:
            _add_actions(parser, verb)
        elif verb in FOLDER_WORDS:
            parser.epilog = {"compare": COMPARE_EPILOG, "report": REPORT_EPILOG}.get(verb, HELP_EPILOG)
        elif module == "serve":
            _add_serve_options(parser)
        elif words:
            _add_study_options(parser)
    root.epilog = f"verbs:\n{_listing(root)}\n\n{KEYS}"
    return root


def _listing(parser: Parser) -> str:
    """Return a line for each verb or action."""
    width = max(map(len, parser.parts))
    return "\n".join(f"  {name:{width}}  {part.description}" for name, part in parser.parts.items())


def _add_study_options(parser: Parser) -> None:
    parser.flag(
        "-m", "--multirun", "run every combination of the values in key=1,2,3, each in its own folder"
    )
    parser.option("--cfg", "the word job", "print the resolved configuration and stop", "job")
    parser.option("--config-dir", "a folder", "a folder with configuration files of your own (DIR/scenario/mine.yaml)", "DIR")  # fmt: skip
    parser.option("--cell", "the name of a cell, as failures.jsonl has it", "run one cell of the study alone and show it", "NAME")  # fmt: skip


def _add_serve_options(parser: Parser) -> None:
    parser.option("--host", "a host", "where it listens (127.0.0.1)", "HOST")
    parser.option("--port", "a port", "its port (8080); 0 takes a free one", "PORT")
    parser.option(
        "--url", "a URL", "its own URL as the exchange reaches it, for the notices (http://HOST:PORT)", "URL"
    )
    parser.option("--names", "a file", 'the ids of segments by source, in the order of their codes: {"profile": ["gold", "silver"]}', "FILE")  # fmt: skip
    parser.flag("--public", "listen on a host that others on the network reach")
    parser.option("--config-dir", "a folder", "a folder with configuration files of your own", "DIR")
    parser.epilog = "Keys are those of jointbid run: strategy=, scenario=, study.arm=, bidders.budget=. The page: docs/openrtb-server.md"


def _add_actions(parser: Parser, verb: str) -> None:
    for action, (words, about) in ACTIONS[verb].items():
        parser.parts[action] = Parser(prog=f"{parser.prog} {action}", description=about, words=words)
    parser.epilog = f"actions:\n{_listing(parser)}"
    parser.usage = "\n       ".join(str(part.usage) for part in parser.parts.values())
    if verb == "log":
        parser.parts["calibrate"].option("--out", "a file", "the scenario's file", "FILE")
    elif verb == "strategies":
        parser.parts["check"].option("--scenario", "a scenario's name", "the market to try it in, with that market's prices", "NAME")  # fmt: skip
        parser.parts["new"].option("--dir", "a folder", "the folder to write the package into", "DIR")
    elif verb == "results":
        parser.parts["clean"].flag("--delete", "delete it; without this nothing is deleted")
        parser.parts["clean"].flag("--finished", "finished studies of other code too")
