"""Modules beside the tests, as fixtures: pytest imports tests by their path, so that they cannot import each other."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


def beside(name):
    """The module in this folder."""
    spec = importlib.util.spec_from_file_location(f"tests_sim_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def markets():
    return beside("markets")


@pytest.fixture(scope="session")
def spying():
    return beside("spying")


@pytest.fixture(scope="session")
def bidding():
    return beside("bidding")


@pytest.fixture(scope="session")
def rules():
    return beside("rules")


@pytest.fixture(scope="session")
def settling():
    return beside("settling")
