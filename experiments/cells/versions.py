"""Versions of what results depend on."""

from __future__ import annotations

from importlib import metadata

PACKAGES = (
    "jointbid",
    "simpy",
    "numpy",
    "numba",
    "pandas",
    "pyarrow",
    "scipy",
    "scikit-learn",
    "hydra-core",
    "pydantic",
)
"""Packages whose versions every manifest states."""


def version(package: str) -> str | None:
    """Return the version of a package; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
