"""What journeys are to the bidders of one run: their purchases, credited to the ledger when they fall due."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..auction.arrays import Ledger, Memory
from ..scenario import HOUR_US, Scenario
from .accounts import BuyerAccounts


class Purchases:
    """Steps of the accounts, and their worth in the ledger.

    A step credits each advertiser with its expected purchases less those that it had expected had it never been seen, all
    else equal, times the margin; of several campaigns of one advertiser the first one has it all.
    """

    def __init__(self, accounts: BuyerAccounts, scenario: Scenario, advertisers: Sequence[str]) -> None:
        assert scenario.journey is not None  # noqa: S101 - there are accounts
        self.accounts, self._margin = accounts, scenario.journey.margin
        self._seats = np.array([advertisers.index(name) for name in dict.fromkeys(advertisers)], np.int64)
        self._bidders = len(advertisers)
        self._advertisers = np.array(list(dict.fromkeys(advertisers)))
        end_us = round((scenario.supply.horizon_h + scenario.journey.run_out_h) * HOUR_US)
        self._last = -(-end_us // accounts.step_us)

    def remembered(self, memory: Memory) -> Memory:
        """The memory in which the kernel notes what accounts have seen."""
        return memory._replace(fresh=self.accounts.fresh, group=self.accounts.group)

    def step(self, ledger: Ledger) -> None:
        """The accounts move, and those with a budget buy."""
        expected, without = self.accounts.advance()
        ledger.value[self._seats] += self._margin * (expected - without)

    def run_out(self, ledger: Ledger) -> None:
        """The steps that are left after the last request."""
        while self.accounts.step < self._last:
            self.step(ledger)

    def sales(self) -> dict[str, NDArray[Any]]:
        """For ``RunResult.purchases``."""
        table = self.accounts.sales()
        if not table:
            return {}
        return {
            "hour": table["hour"],
            "account": table["account"],
            "advertiser": self._advertisers[table["advertiser"]],
        }

    def columns(self) -> dict[str, NDArray[Any]]:
        """Purchases by bidder, as far as they belong in ``RunResult.bidders``."""
        tally = self.accounts.tally
        of = {
            "purchases_expected": tally.expected,
            "purchases_without_ads": tally.without,
            "purchases": tally.bought,
        }
        table: dict[str, NDArray[Any]] = {}
        for name, counted in of.items():
            table[name] = np.zeros(self._bidders, dtype=counted.dtype)
            table[name][self._seats] = counted
        return table
