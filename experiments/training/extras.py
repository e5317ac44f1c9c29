"""Packages of the extra `gym`, imported where they are used."""

from __future__ import annotations

from importlib import import_module


def require(package: str) -> None:
    """Raise ``ImportError`` in one line that says what to install, where the package is missing."""
    try:
        import_module(package)
    except ImportError as error:
        raise ImportError(f"{package} is not installed: pip install 'jointbid[gym]' ({error})") from None
