"""Values as text: as the YAML files write them, and as a quoted value of an override."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any


def word(value: Any) -> str:
    """Return a value with YAML's words for None, True and False."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def as_yaml(value: Any, of_float: Callable[[float], str] = "{:g}".format) -> str:
    """Return a value as the YAML files write it; ``of_float`` writes its fractions."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(as_yaml(item, of_float) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {as_yaml(item, of_float)}' for key, item in value.items())}}}"
    return of_float(value) if isinstance(value, float) else word(value)


def quoted(text: str, quote: str = '"') -> str:
    """Return any text as a quoted value of an override, in Hydra's grammar: a backslash is one but before a quote or the end."""
    escaped = re.sub(rf"(\\*)({quote}|\Z)", lambda end: 2 * end[1] + (f"\\{quote}" if end[2] else ""), text)
    return f"{quote}{escaped}{quote}"
