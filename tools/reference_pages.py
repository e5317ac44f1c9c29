"""Pages of the docs site that are made as it is built: all commands, all keys, and the notebooks (a hook of mkdocs)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from jointbid.experiments.cli.parser import VERBS, parse
from jointbid.experiments.config.key_help import KeyHelp, key_helps
from jointbid.experiments.config.studies import STUDIES
from tools.notebooks import FOLDER, to_markdown


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    for path, text in (("reference/commands.md", commands()), ("reference/keys.md", keys())):
        files.append(File.generated(config, path, content=text))
    for book in sorted(FOLDER.glob("*.ipynb")):
        page = to_markdown(json.loads(book.read_text("utf-8")))
        files.append(File.generated(config, f"notebooks/{book.stem}.md", content=page))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Let links to notebooks lead to their pages."""
    return markdown.replace(".ipynb)", ".md)")


def commands() -> str:
    """Return the page of all verbs and actions with their options."""
    parts = ["# Commands\n", f"```text\n{parse([]).help}\n```\n"]
    for verb in VERBS:
        said = parse([verb, "--help"]).help.strip()
        parts.append(f"## {verb}\n\n```text\n{said}\n```\n")
    return "\n".join(parts)


def keys() -> str:
    """Return the page of all keys: those that all studies share first, then each study's own."""
    shared = {place: said for place, said in key_helps("value").items() if not place.startswith("study.")}
    about = (
        "Every key of the configuration, as `key=value` on the command line takes it and `jointbid help KEY` explains it. "
        "`<name>` stands for a name of your own, such as that of a source, and `<item>` for a number in a list.\n"
    )
    parts = ["# Keys\n", about]
    for part in dict.fromkeys(place.partition(".")[0] for place in shared):
        parts += [
            f"## {part}\n",
            _table({place: one for place, one in shared.items() if place.partition(".")[0] == part}),
        ]
    for verb in STUDIES:
        own = {place: said for place, said in key_helps(verb).items() if place.startswith("study.")}
        parts += [f"## study, of `jointbid {verb}`\n", _table(own)]
    return "\n".join(parts)


def _table(helps: Mapping[str, KeyHelp]) -> str:
    rows = ["| key | meaning | allowed | default |", "|---|---|---|---|"]
    for place, said in helps.items():
        unit = f" ({said.unit})" if said.unit else ""
        cells = f"`{place}`", said.meaning, said.allowed + unit, f"`{said.default}`"
        rows.append(
            "| "
            + " | ".join(
                cell.replace("|", "\\|").replace("<", "&lt;") if cell[0] != "`" else cell for cell in cells
            )
            + " |"
        )
    return "\n".join(rows) + "\n"
