"""Asks for something that no jointbid has."""

from jointbid import QuantumPolicy


class AcmeBroken(QuantumPolicy):
    """Never comes to be."""
