"""The kit itself: for each check a strategy that it catches, with a message from which it can be mended."""

from __future__ import annotations

import gc
import io
import logging
import os
import re
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest
import warnings
from collections import Counter
from contextlib import suppress
from dataclasses import fields
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest

from jointbid import Policy, Priced, Truthful, bayes, load, parametrize_with_checks
from jointbid.sim import Scenario
from jointbid.sim.scenario import LogSupply
from jointbid.strategies.card import Card
from jointbid.strategies.testing import (
    Case,
    CheckFailed,
    all_checks,
    failure,
    findings,
    process,
    process_state,
)
from jointbid.strategies.testing.clean_process import run_in_clean_process
from jointbid.strategies.valuations.tables import CellValues


class Good(Policy):
    """Paces by what was spent, tells clicks from none, tries lower bids by chance."""

    reads = ("value", "uniform")
    learns = paces = stochastic = scales = True

    def __init__(self, rate: float = 0.1) -> None:
        self.rate, self.gain, self.won, self.clicked = rate, 1.0, 10.0, 1.0

    def bid(self, requests):
        tried = np.where(requests["uniform"] < 0.1, 0.5, 1.0)
        return self.gain * (1.0 + self.clicked / self.won) * requests["value"] * tried

    def observe(self, feedback):
        self.won += feedback.won.sum()
        self.clicked += feedback.clicks.weight.sum()

    def control(self, state):
        if np.isfinite(state.budget):
            over = state.spend * state.requests_expected > state.budget * state.requests_seen
            self.gain *= 1 - self.rate if over else 1 + self.rate


class ReadsAList(Policy):
    reads = ["value"]  # noqa: RUF012 - its fault

    def bid(self, requests):
        return requests["value"]


class Misspelt(Policy):
    reads = ("vlaue",)


class NoStrategy:
    def bid(self, requests):
        return requests["value"]


class MeantForNothing(Truthful):
    meant_for = ("second",)


class NeedsAnArgument(Truthful):
    def __init__(self, gain):
        self.gain = gain


class Infinite(Policy):
    def bid(self, requests):
        with np.errstate(divide="ignore"):
            return requests["value"] ** -2.0


class Negative(Policy):
    def bid(self, requests):
        return requests["value"] - 0.1


class Integers(Policy):
    def bid(self, requests):
        return np.ones(requests.n, dtype=int)


class ScalarAnswer(Policy):
    def bid(self, requests):
        return float(requests["value"].sum())


class Rank(Policy):
    def bid(self, requests):
        value = requests["value"]
        return value * (1 + (value < value.mean())) if requests.n > 1 else value


class Squeezed(Policy):
    def bid(self, requests):
        return np.squeeze(requests["value"])


class FirstRow(Policy):
    def bid(self, requests):
        return requests["value"] + 0 * requests["value"][0]


class Writes(Policy):
    def bid(self, requests):
        value = requests["value"]
        value *= 0.9
        return value


class OpensForWriting(Policy):
    def bid(self, requests):
        value = requests["value"]
        value.flags.writeable = True
        value *= 0.9
        return value


class OwnDice(Policy):
    def bid(self, requests):
        return requests["value"] * np.random.default_rng().random(requests.n)


class SharedDice(Policy):
    def control(self, state):
        self.gain = np.random.random()  # noqa: NPY002

    def bid(self, requests):
        return requests["value"] * getattr(self, "gain", 1.0)


class Counts(Policy):
    asked = 0

    def bid(self, requests):
        self.asked += 1
        return requests["value"] / self.asked


class SharedList(Policy):
    paces = True

    def __init__(self, gains=[1.0]) -> None:  # noqa: B006
        self.gains = gains

    def __deepcopy__(self, memo):
        return SharedList(self.gains)

    def control(self, state):
        self.gains.append(1.0 + state.budget)

    def bid(self, requests):
        return requests["value"] * self.gains[-1]


class HoldsALambda(Policy):
    def __init__(self) -> None:
        self.rule = lambda value: 0.5 * value

    def bid(self, requests):
        return self.rule(requests["value"])


class ClassState(Policy):
    seen = np.zeros(1)

    def control(self, state):
        self.seen += 1

    def bid(self, requests):
        return requests["value"] / (1 + self.seen)


class Undeclared(Policy):
    def bid(self, requests):
        return requests["value"] * (requests["profile"] + 1.0)


class Peeks(Policy):
    def bid(self, requests):
        return requests["value"] * (1.0 + requests.get("profile", np.zeros(requests.n)))


class Naive(Good):
    def observe(self, feedback):
        with np.errstate(all="ignore"):
            self.clicked = np.asarray(feedback.clicks.weight.sum()) / feedback.won.sum()
        self.won = 1.0


class LooksBack(Good):
    def observe(self, feedback):
        self.won = float(feedback.bid[-1])


class SaysNothingOfChance(Policy):
    reads = ("value", "uniform")

    def bid(self, requests):
        return requests["value"] * requests["uniform"]


class LearnsInVain(Good):
    def observe(self, feedback):
        self.seen = feedback.requests.n


class LearnsUnasked(Good):
    learns = False


class PacesInSilence(Good):
    paces = False


class NeedsNoBudget(Policy):
    needs_budget = paces = True
    gain = 1.0

    def bid(self, requests):
        return self.gain * requests["value"]

    def control(self, state):
        self.gain = 1.0 / (1.0 + state.spend + (state.budget if np.isfinite(state.budget) else 0.0))


class ScalesNot(Policy):
    scales = True

    def bid(self, requests):
        return np.minimum(requests["value"], 0.5)


class RunsDry(Good):
    def control(self, state):
        if np.isfinite(state.budget):
            self.gain = state.budget * state.hours_left / state.budget_left


class TooManyRows(Policy):
    table = np.linspace(1.0, 2.0, 500_000)

    def bid(self, requests):
        short = np.minimum(np.arange(requests.n), 499_999)
        return requests["value"] * np.where(requests.n > 500_000, self.table[short], 1.0)


class Startled(Policy):
    """Row-wise, and the same when asked twice; but it never forgets that it was once asked for seven bids."""

    reads = ("value", "hour")
    gain = 1.0

    def bid(self, requests):
        if requests.n == 7:
            self.gain = 0.5
        return self.gain * requests["value"]


class Slow(Policy):
    def bid(self, requests):
        time.sleep(2e-4 * requests.n)
        return requests["value"]


class NotSoFast(Policy):
    bids_per_second = 1e15

    def bid(self, requests):
        return requests["value"] + 0.0


class ShowsByRank(Truthful):
    def creative(self, requests):
        return (requests["value"] < requests["value"].mean()).astype(int) - 1


class ShowsWhatIsNotThere(Truthful):
    def creative(self, requests):
        return np.full(requests.n, 2)


class ShowsAFraction(Truthful):
    def creative(self, requests):
        return 0.5 * requests["value"]


class Exits(Policy):
    def bid(self, requests):
        raise SystemExit(3)


class Silent(Policy):
    def bid(self, requests):
        requests["value"] * 2


class Remembers(Policy):
    """Writes the same again in each life: the second one finds what the first has written."""

    learns = True

    def __init__(self, seen={}) -> None:  # noqa: B006 - its fault
        self.seen = seen

    def bid(self, requests):
        return requests["value"] * (1.0 + len(self.seen))

    def observe(self, feedback):
        self.seen["clicked"] = True


class RemembersInTheClass(Remembers):
    known: dict[str, bool] = {}  # noqa: RUF012 - its fault

    def __init__(self) -> None:
        super().__init__(self.known)


NOTES: dict[str, bool] = {}


class RemembersInTheModule(Remembers):
    def __init__(self) -> None:
        super().__init__(NOTES)


class CountsInTheClass(Policy):
    made = 0

    def __init__(self) -> None:
        type(self).made += 1

    def bid(self, requests):
        return requests["value"] / self.made


class SumsUpRows(Good):
    def finish(self, feedback, state):
        self.paid = feedback.price_paid.sum().item() / len(feedback.bid)


class TakesNoAccount(Good):
    def finish(self, feedback):
        self.observe(feedback)


class ExpectsAllByThen(Good):
    def finish(self, feedback, state):
        if feedback.clicks.pending.any():
            raise ValueError("still on its way")


class LearnsSlowly(Good):
    def observe(self, feedback):
        super().observe(feedback)
        time.sleep(2e-4 * feedback.requests.n)


class ShowsByChance(Truthful):
    reads = ("value", "uniform")

    def creative(self, requests):
        return np.where(requests["uniform"] < 0.5, 0, -1)


class ShowsByOwnDice(Truthful):
    def creative(self, requests):
        return np.random.default_rng().integers(-1, 1, requests.n)


class FailsLater(Policy):
    def bid(self, requests):
        return requests["value"]

    def control(self, state):
        if 10 <= state.hour < 11:
            raise RuntimeError("ten hours are enough")


class DividesByTheHoursLeft(Good):
    def control(self, state):
        if np.isfinite(state.budget):
            with np.errstate(all="ignore"):
                self.gain = np.float64(state.budget_left) / state.hours_left


class ControlsSlowly(Policy):
    def bid(self, requests):
        return requests["value"]

    def control(self, state):
        time.sleep(0.15)


class KeepsEachRow(Good):
    def __init__(self):
        super().__init__()
        self.rows = []

    def observe(self, feedback):
        super().observe(feedback)
        self.rows += [
            {"bid": float(bid), "won": bool(won)} for bid, won in zip(feedback.bid, feedback.won, strict=True)
        ]


class KeepsEachAccount(Policy):
    def __init__(self):
        self.tables = []

    def bid(self, requests):
        return requests["value"]

    def control(self, state):
        self.tables.append(np.full(50_000, state.hour))


class ComparesAllWithAll(Policy):
    def bid(self, requests):
        value = requests["value"]
        return value + 0.0 * np.diag(value[:, None] * value[None, :])


class Prints(Policy):
    def bid(self, requests):
        print("bids", requests.n)  # noqa: T201 - its fault
        return requests["value"]


class Complains(Policy):
    def control(self, state):
        sys.stderr.write("a control step\n")

    def bid(self, requests):
        return requests["value"]


class PeeksForCreatives(Truthful):
    def creative(self, requests):
        return np.minimum(requests.get("profile", np.ones(requests.n, int)), 1).astype(int) - 1


class PeeksWhenLearning(Good):
    def observe(self, feedback):
        super().observe(feedback)
        self.won += float(feedback.requests.get("context", np.zeros(1)).sum())


class PeekingValuation:
    reads = ("profile",)

    def value(self, requests):
        return 0.3 + 0.1 * requests["profile"] * (1 + requests.get("context", np.zeros(requests.n)))


def a_wrapped_policy_that_peeks():
    return Priced(CellValues(("profile",), np.linspace(0.2, 0.8, 5)), Peeks())


def a_valuation_that_peeks():
    return Priced(PeekingValuation(), Truthful())


class SumsUp(Policy):
    def bid(self, requests):
        return np.cumsum(requests["value"])


class CountsRows(Policy):
    def bid(self, requests):
        return requests["value"] / requests.n if requests.n else np.empty(0)


class Float32(Policy):
    def bid(self, requests):
        return requests["value"].astype(np.float32)


class Booleans(Policy):
    def bid(self, requests):
        return requests["value"] > 0.5


class Objects(Policy):
    def bid(self, requests):
        return requests["value"].astype(object)


class BidsTheMoon(Policy):
    def bid(self, requests):
        return 1e30 * requests["value"]


class NotANumber(Policy):
    def bid(self, requests):
        with np.errstate(all="ignore"):
            return requests["value"] * 0.0 / requests["value"]


class Table(Policy):
    reads = ("context",)

    def __init__(self, types):
        self.rates = np.linspace(0.1, 1.0, types)

    def bid(self, requests):
        return self.rates[requests["context"]]


def forgets_the_unmatched():
    return Table(4)


def fits_the_trial_alone():
    return Table(5)


class ReadsTheClock(Policy):
    def bid(self, requests):
        return requests["value"] * (1.0 + time.perf_counter_ns() % 10**9 / 10**9)


class HoldsAFile(Policy):
    def __init__(self):
        self.file = sys.__stdout__

    def bid(self, requests):
        return requests["value"]


class HoldsAGenerator(Policy):
    def __init__(self):
        self.steps = (step for step in range(9))

    def bid(self, requests):
        return requests["value"]


class WritesToFeedback(Good):
    def observe(self, feedback):
        feedback.won[:] = False


class WholeBudget(Good):
    def control(self, state):
        self.gain = 1.0 + 1e-9 * int(state.budget)


class RaisesWhenBroke(Good):
    def control(self, state):
        assert state.budget_left > 0, "no money"


class FailsInTheLastHour(Policy):
    gain = 1.0

    def bid(self, requests):
        return requests["value"] * self.gain

    def control(self, state):
        self.gain = 1.0 + 0.0 / (float(state.hours_left) if state.hours_left > 1e-9 else 0)


class CreativesRaise(Truthful):
    def creative(self, requests):
        return requests["colour"]


class ClosesBadly(Good):
    def finish(self, feedback, state):
        self.rate = 1.0 / (state.horizon_h - state.hour)


class CountsWhatIsDueTwice(Good):
    def finish(self, feedback, state):
        assert not feedback.clicks.pending.any(), "what is due is known already"


class ChangesWhenCopied(Policy):
    gain = 1.0

    def __deepcopy__(self, memo):
        other = ChangesWhenCopied()
        other.gain = 0.5
        return other

    def bid(self, requests):
        return requests["value"] * self.gain


class LosesItsState(Policy):
    paces = True

    def __init__(self):
        self.gain = 1.0

    def __getstate__(self):
        return {"gain": 1.0}

    def control(self, state):
        self.gain = 1.0 / (1.0 + state.spend)

    def bid(self, requests):
        return requests["value"] * self.gain


MADE = Counter()


class RemembersInACounter(Policy):
    """Writes the same in each life; no check of this process sees it, once one of these has lived."""

    learns = True

    def bid(self, requests):
        return requests["value"] * (1.0 + min(MADE["lives"], 1))

    def observe(self, feedback):
        MADE["lives"] = 1


@cache
def notebook():
    return []


class RemembersInACache(RemembersInACounter):
    def bid(self, requests):
        return requests["value"] * (1.0 + bool(notebook()))

    def observe(self, feedback):
        notebook().append(1)


MANY = 1_000_003
"""Two processes with different hashes of text agree by chance in one of this number of runs."""


class HashesText(Policy):
    def bid(self, requests):
        return requests["value"] * (1.0 + hash("salt") % MANY / MANY)


class OrderOfASet(Policy):
    def bid(self, requests):
        return requests["value"] * (1.0 + int("".join(sorted(map(str, range(12)), key=hash))) % MANY / MANY)


class Masks(Policy):
    def bid(self, requests):
        return np.ma.masked_less(requests["value"], 0.3)


class ReadsMoreLater(Policy):
    def __init__(self):
        self.reads = ("value",)

    def bid(self, requests):
        return requests["value"]

    def control(self, state):
        self.reads = ("value", "profile")


class LearnsLater(Policy):
    def __init__(self):
        self.learns = False

    def bid(self, requests):
        return requests["value"]

    def control(self, state):
        self.learns = True


class TrustsTheExchange(Policy):
    learns = True

    def __init__(self):
        self.usual = 1.0

    def bid(self, requests):
        return requests["value"] * self.usual

    def observe(self, feedback):
        if feedback.requests.n:
            self.usual = 0.5 + feedback.minimum_bid_to_win.mean()


class SilencesNumpy(Policy):
    def __init__(self):
        np.seterr(all="ignore")

    def bid(self, requests):
        return requests["value"]


class SeedsNumpy(Policy):
    def bid(self, requests):
        np.random.seed(1)  # noqa: NPY002 - its fault
        return requests["value"] * (0.5 + np.random.rand())  # noqa: NPY002


class BidsTooLittleToLearn(Policy):
    learns = True

    def __init__(self):
        self.clicks = 0.0

    def bid(self, requests):
        return requests["value"] * 1e-6 * (1.0 + self.clicks)

    def observe(self, feedback):
        self.clicks += len(feedback.clicks.hour)


class Raises(Policy):
    """Bids more at each control step, whatever was spent."""

    gain = 1.0

    def bid(self, requests):
        return self.gain * requests["value"]

    def control(self, state):
        self.gain *= 1.1


class RaisesBySteps(Raises):
    def control(self, state):
        self.gain += 0.1


class RaisesWithFeedback(Raises):
    learns = True

    def observe(self, feedback):
        self.gain *= 1.02

    def control(self, state):
        """Leave it."""


class SetsTheAccount(Truthful):
    def control(self, state):
        state.budget_left = 0.0


class ForcesTheAccount(Truthful):
    def control(self, state):
        object.__setattr__(state, "budget_left", 0.0)


class ForcesFeedback(Good):
    def observe(self, feedback):
        super().observe(feedback)
        feedback.bid.flags.writeable = True
        feedback.bid[:] = 0.0


class ReadsTwice(Truthful):
    reads = ("value", "hour", "value")


class ReadsInTurns(Truthful):
    looks = 0

    @property
    def reads(self):
        self.looks += 1
        return ("value", "hour") if self.looks % 2 else ("hour", "value")


class FiltersWarnings(Truthful):
    def __init__(self):
        warnings.filterwarnings("ignore")


class DisablesLogging(Truthful):
    def control(self, state):
        logging.disable(logging.CRITICAL)


class StopsTheCollector(Truthful):
    def control(self, state):
        gc.disable()


class TakesSignals(Truthful):
    def __init__(self):
        signal.signal(signal.SIGINT, signal.SIG_IGN)


class LengthensThePath(Truthful):
    def __init__(self):
        sys.path.insert(0, "my_modules")


class ReplacesNumpys(Truthful):
    def __init__(self):
        np.clip = partial(np.clip)


class ReplacesThePolicys(Truthful):
    def control(self, state):
        Policy.paces = True


class ChangesFolder(Truthful):
    def control(self, state):
        os.chdir("/")


class SwapsStreams(Truthful):
    def control(self, state):
        sys.stdout = io.StringIO()


class KeepsANotebook(Truthful):
    def control(self, state):
        with (Path(tempfile.gettempdir()) / "jointbid_test_notes.txt").open("a") as notes:
            notes.write("x")


class Connects(Truthful):
    def control(self, state):
        with suppress(OSError), socket.socket() as line:
            line.connect(("127.0.0.1", 9))


class StartsAThread(Truthful):
    def control(self, state):
        threading.Thread(target=time.sleep, args=(1.0,), daemon=True).start()


class LeavesAtOnce(Truthful):
    def control(self, state):
        os._exit(0)


class EndsNever(Truthful):
    def control(self, state):
        while True:
            pass


class Waits(Truthful):
    async def bid(self, requests):
        return requests["value"]


class Yields(Truthful):
    def bid(self, requests):
        yield from requests["value"]


class CachesByIdentity(Policy):
    def __init__(self):
        self.known = {}

    def bid(self, requests):
        return self.known.setdefault(id(requests) % 1, 0.8 * requests["value"])


class FillsABuffer(Policy):
    def __init__(self):
        self.room = np.zeros(2_000_000)

    def bid(self, requests):
        answer = self.room[: requests.n]
        answer[:] = 0.8 * requests["value"]
        return answer


class CallsItself(Policy):
    def bid(self, requests):
        return self.bid(requests)


class LeaksInFinish(Policy):
    seen: dict[str, bool] = {}  # noqa: RUF012 - its fault

    def bid(self, requests):
        return requests["value"] * (1.0 + len(self.seen))

    def finish(self, feedback, state):
        self.seen["before"] = True


class CountsTheWholeBudget(Truthful):
    def finish(self, feedback, state):
        self.coins = int(state.budget)


class LearnsWhatToShow(Policy):
    """Nothing is wrong with it: its bids stay, and what it shows follows from clicks."""

    reads = ("value", "context")
    learns = True

    def __init__(self, market):
        self.clicks, self.shown = (
            np.full((market.types_of("context") + 1, len(market.creatives)), x) for x in (1.0, 20.0)
        )

    def bid(self, requests):
        return requests["value"]

    def creative(self, requests):
        return (self.clicks / self.shown).argmax(axis=1)[requests["context"]]

    def observe(self, feedback):
        won, clicks = feedback.won, feedback.clicks
        np.add.at(self.shown, (feedback.requests["context"][won], feedback.creative[won]), 1.0)
        np.add.at(self.clicks, (clicks.requests["context"], clicks.creative), clicks.weight)


def test_one_that_learns_what_to_show_passes():
    assert not only(LearnsWhatToShow)


CAUGHT = [  # (a strategy, the check that catches it, a word of what came, a word of the cause)
    (ReadsAList, "protocol", "['value']", "a list is not a tuple"),
    (Misspelt, "protocol", "'vlaue'", "misspelt column"),
    (NoStrategy, "protocol", "NoStrategy has no reads, learns, observe, control", "jointbid.Policy"),
    (MeantForNothing, "protocol", "('second',)", "misspelt auction type"),
    (NeedsAnArgument, "protocol", "missing 1 required positional argument: 'gain'", "no default"),
    (Silent, "protocol", "NoneType", "without return"),
    (Infinite, "valid_bids", "row 0: inf (fresh; value = 0)", "division by 0"),
    (Negative, "valid_bids", "row 0: -0.1", "np.maximum"),
    (Integers, "valid_bids", "int64", "dtype=float"),
    (ScalarAnswer, "valid_bids", "float", "np.full"),
    (Rank, "row_wise", "row 1: ", "mean, rank"),
    (Squeezed, "one_row", "shape ()", "np.full"),
    (FirstRow, "empty_batch", "IndexError", "an empty batch"),
    (Writes, "read_only_batch", "read-only", "work on a copy"),
    (OpensForWriting, "read_only_batch", "it was changed in row 1", "work on a copy"),
    (OwnDice, "deterministic_under_seed", "row 1", "requests['uniform']"),
    (SharedDice, "deterministic_under_seed", "row 1", "numpy.random"),
    (Counts, "deterministic_under_seed", "row 1", "changes the strategy's state"),
    (SharedList, "clone", "row 1", "both share a list"),
    (HoldsALambda, "pickle", "Error", "a lambda"),
    (SharedList, "reset", "row 1", "a default argument"),
    (ClassState, "reset", "row 1", "make it in __init__"),
    (Remembers, "reset", "row 1", "a default argument"),
    (RemembersInTheClass, "reset", "row 1", "the class"),
    (RemembersInTheModule, "reset", "row 1", "the module"),
    (CountsInTheClass, "reset", "row 1", "the class"),
    (Undeclared, "no_hidden_columns", "'profile' is not visible here", "name it in reads"),
    (Peeks, "no_hidden_columns", "row 1", "tests whether a column is there"),
    (Naive, "handles_outcomes", "257 that are not", "a mean of nothing"),
    (LooksBack, "handles_outcomes", "IndexError", "empty batch"),
    (SumsUpRows, "closing_account", "ZeroDivisionError", ""),
    (TakesNoAccount, "closing_account", "TypeError", ""),
    (ExpectsAllByThen, "closing_account", "test_kit.py:", ""),
    (SaysNothingOfChance, "capability_card", "stochastic = False", "stochastic = True"),
    (ShowsByChance, "capability_card", "stochastic = False", "stochastic = True"),
    (ShowsByOwnDice, "deterministic_under_seed", "row ", "draws random numbers"),
    (LearnsInVain, "capability_card", "the same bids", "observe() stores what nothing uses"),
    (LearnsUnasked, "capability_card", "other bids", "learns = True"),
    (PacesInSilence, "capability_card", "paces = False", "paces = True"),
    (NeedsNoBudget, "capability_card", "there is no budget", "do nothing"),
    (ScalesNot, "scale_equivariance", "times 1024", "a constant in currency"),
    (RunsDry, "never_over_budget", "ZeroDivisionError", "no money left"),
    (FailsLater, "long_campaign", "test_kit.py:", "own code"),
    (DividesByTheHoursLeft, "long_campaign", "nan", "what is left of the time"),
    (TooManyRows, "a_million_rows", "row 0", "its place in the batch"),
    (Startled, "block_size_invariance", "wins: ", "changes the strategy's state"),
    (ShowsByRank, "creatives", "row ", "other rows"),
    (ShowsWhatIsNotThere, "creatives", "row 0: 2", "too few"),
    (ShowsAFraction, "creatives", "float64", "astype(int)"),
    (Slow, "speed", "", "loop over rows"),
    (NotSoFast, "speed", "", "whole columns"),
    (LearnsSlowly, "speed", "", "loop over rows"),
    (ControlsSlowly, "speed", " s", "fit every n-th step"),
    (KeepsEachRow, "memory", "", "Python object for each row"),
    (KeepsEachAccount, "memory", "", "keep the last ones"),
    (ComparesAllWithAll, "memory", "on 4,096 requests", "work through the rows in parts"),
    (Prints, "silent", "the first 'bids ", "a print()"),
    (Complains, "silent", "the first 'a control step'", "remove it"),
    (PeeksForCreatives, "no_hidden_columns", "row ", "creative() runs over all columns"),
    (PeeksWhenLearning, "no_hidden_columns", "row ", "observe() runs over all columns"),
    (a_wrapped_policy_that_peeks, "no_hidden_columns", "row ", "bid() runs over all columns"),
    (a_valuation_that_peeks, "no_hidden_columns", "row ", "value() runs over all columns"),
    (SumsUp, "row_wise", "row ", "cumulative sum"),
    (CountsRows, "row_wise", "row ", "length of the batch"),
    (Float32, "valid_bids", "float32", "dtype=float"),
    (Booleans, "valid_bids", "bool", "dtype=float"),
    (Objects, "valid_bids", "object", "dtype=float"),
    (BidsTheMoon, "valid_bids", "row ", "np.maximum"),
    (NotANumber, "valid_bids", "row 0: nan", "a value of 0"),
    (forgets_the_unmatched, "protocol", "IndexError", "k for unmatched"),
    (ReadsTheClock, "deterministic_under_seed", "row ", "draws random numbers"),
    (HoldsAFile, "clone", "TypeError", "an open file"),
    (HoldsAGenerator, "clone", "TypeError", "a generator"),
    (WritesToFeedback, "handles_outcomes", "read-only", "work on a copy"),
    (ClosesBadly, "closing_account", "ZeroDivisionError", "a division by nothing"),
    (CountsWhatIsDueTwice, "closing_account", "what is due is known already", "own code"),
    (WholeBudget, "never_over_budget", "OverflowError", "math.isfinite"),
    (RaisesWhenBroke, "never_over_budget", "no money", "own code"),
    (FailsInTheLastHour, "long_campaign", "ZeroDivisionError", "a division by nothing"),
    (CreativesRaise, "creatives", "'colour' is not visible here", "name it in reads"),
    (ChangesWhenCopied, "clone", "row ", "__deepcopy__ leaves something out"),
    (LosesItsState, "pickle", "row ", "__getstate__"),
    (RemembersInACounter, "reset", "row ", "the module"),
    (RemembersInACache, "reset", "row ", "the module"),
    (HashesText, "reset", "row ", "sorted(...) for a set"),
    (OrderOfASet, "reset", "row ", "sorted(...) for a set"),
    (Masks, "valid_bids", "MaskedArray", "filled(0.0)"),
    (ReadsMoreLater, "protocol", "('value', 'profile')", "before the first request"),
    (LearnsLater, "protocol", "learns = True after", "before the first request"),
    (TrustsTheExchange, "handles_outcomes", "257 that are not", "auction.tells=price_paid"),
    (SilencesNumpy, "side_effects", "numpy's error handling", "np.errstate"),
    (SeedsNumpy, "side_effects", "the shared generator of numpy", "requests['uniform']"),
    (BidsTooLittleToLearn, "capability_card", "the same bids", "it won nothing in this trial"),
    (Raises, "long_campaign", "at first", "whatever was spent"),
    (RaisesBySteps, "long_campaign", "at first", "whatever was spent"),
    (RaisesWithFeedback, "long_campaign", "at first", "whatever was spent"),
    (SetsTheAccount, "protocol", "budget_left", "attributes of self"),
    (ForcesTheAccount, "read_only_batch", "state.budget_left = 0.0, which was 17.0", "attributes of self"),
    (ForcesFeedback, "read_only_batch", "it was changed in row 1", "work on a copy"),
    (ReadsTwice, "protocol", "('value', 'hour', 'value')", "remove one"),
    (ReadsInTurns, "protocol", ", then ", "a tuple of the class"),
    (FiltersWarnings, "side_effects", "the filters of warnings", "warnings.catch_warnings()"),
    (DisablesLogging, "side_effects", "logging changed", "a logger of your own"),
    (StopsTheCollector, "side_effects", "the garbage collector", "leave the collector alone"),
    (TakesSignals, "side_effects", "what signals do", "Ctrl-C"),
    (LengthensThePath, "side_effects", "where modules are found", "beside it"),
    (ReplacesNumpys, "side_effects", "code of numpy or jointbid", "derive a class"),
    (ReplacesThePolicys, "side_effects", "code of numpy or jointbid", "derive a class"),
    (ChangesFolder, "side_effects", "the working directory", "beside the strategy"),
    (SwapsStreams, "side_effects", "the standard streams", "redirect_stdout"),
    (KeepsANotebook, "side_effects", "writes to a file (", "attributes (keep_strategies=True"),
    (Connects, "side_effects", "opens a connection", "attributes (keep_strategies=True"),
    (StartsAThread, "side_effects", "Thread", "when the run is over"),
    (LeavesAtOnce, "protocol", "test_kit.py:", "leaves the program"),
    (Waits, "protocol", "coroutine", "an async function"),
    (Yields, "protocol", "generator", "return all of them"),
    (CachesByIdentity, "row_wise", "of shape", "kept from an earlier batch"),
    (FillsABuffer, "row_wise", "row ", "that the next call overwrites"),
    (CallsItself, "protocol", "RecursionError", "calls itself"),
    (LeaksInFinish, "reset", "row ", "the class"),
    (CountsTheWholeBudget, "closing_account", "OverflowError", "math.isfinite"),
]


@pytest.mark.parametrize(("bad", "check", "came", "cause"), CAUGHT, ids=lambda x: getattr(x, "__name__", ""))
def test_a_bad_strategy_is_caught(bad, check, came, cause):
    with pytest.raises(CheckFailed) as failed:
        all_checks()[check](bad)
    assert came in failed.value.came
    assert cause in failed.value.cause
    assert str(failed.value).startswith("expected: ")


def test_a_call_that_does_not_return_is_stopped(monkeypatch):
    monkeypatch.setattr(failure, "CALL_S", 0.3)
    with pytest.raises(CheckFailed, match=r"nothing at hour 0 \(it was at .*test_kit.py:\d+, in control\)"):
        all_checks()["protocol"](EndsNever)


def test_the_process_is_as_it_was_after_a_check():
    before = process_state.snapshot()
    for bad in (
        FiltersWarnings,
        DisablesLogging,
        StopsTheCollector,
        LengthensThePath,
        ReplacesThePolicys,
        SwapsStreams,
    ):
        all_checks()["valid_bids"](bad)
    assert process_state.changes(before, process_state.snapshot()) == []


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("import warnings; warnings.filterwarnings('ignore')", "the filters of warnings"),
        ("import numpy; numpy.random.seed(0)", "the shared generator of numpy"),
        ("import numpy; numpy.seterr(all='ignore')", "numpy's error handling"),
        ("import warnings; warnings.filterwarnings('ignore', module='sklearn')", ""),
    ],
)
def test_what_the_import_of_a_module_changes_is_seen(line, changed, tmp_path):
    name = f"{tmp_path / 'mine.py'}:Mine"
    (tmp_path / "mine.py").write_text(
        f"{line}\nfrom jointbid import Truthful\n\n\nclass Mine(Truthful):\n    pass\n", "utf-8"
    )
    found = run_in_clean_process(process.__name__, "changed_by_import", ((name, {}), None, None))
    assert found == [changed] * bool(changed)


def test_every_check_catches_something():
    assert {check for _, check, _, _ in CAUGHT} == set(all_checks())


def only(bad):
    return {finding.check for finding in findings(bad) if finding.verdict == "FAIL"}


@pytest.mark.slow
def test_one_fault_is_one_finding():
    """Where a fault is of one kind alone, the other checks are silent."""
    assert only(HoldsALambda) == {"pickle"}
    assert only(Peeks) == {"no_hidden_columns"}
    assert only(ScalesNot) == {"scale_equivariance"}
    assert only(TooManyRows) == {"a_million_rows"}
    assert only(SaysNothingOfChance) == only(PacesInSilence) == {"capability_card"}
    assert only(Startled) == {"block_size_invariance"}
    assert only(NotSoFast) == {"speed"}
    assert only(Remembers) == {"reset"}, "no other check meets what an earlier one has left"
    assert only(NoStrategy) == only(Silent) == {"protocol"}, "the others say nothing new"


@pytest.mark.parametrize("bad", [RemembersInACounter, RemembersInACache], ids=lambda bad: bad.__name__)
def test_a_leak_that_earlier_lives_have_filled_shows_in_a_fresh_process(bad):
    for _ in range(2):
        all_checks()["handles_outcomes"](bad)
    with pytest.raises(
        CheckFailed, match="in a process of its own, a second one bids as the first did before its life"
    ):
        all_checks()["reset"](bad)


def test_a_table_that_fits_the_trial_market_alone_breaks_in_the_market_that_it_is_meant_for():
    all_checks()["protocol"](fits_the_trial_alone)
    with pytest.raises(CheckFailed, match="IndexError"):
        all_checks()["protocol"](Case(fits_the_trial_alone, scenario=load("default")))


def test_in_a_market_that_is_given_values_and_prices_are_its_own():
    case = Case(Truthful, scenario=load("default"))
    batch = case.batch(Truthful(), n=500)
    prices = case.prices(np.random.default_rng(1), 500)
    assert 1e-5 < np.median(batch["value"]) < 1e-2
    assert 0.02 < np.median(batch["value"]) / np.median(prices) < 5
    assert 0 < case.run().of("focal")["wins"] < 600


def test_the_kit_leaves_shared_state_as_it_was():
    NOTES["own"] = True
    assert only(RemembersInTheModule) == {"reset"}
    assert NOTES == {"own": True}
    NOTES.clear()
    assert CountsInTheClass.made == 0


def test_in_spite_of_what_a_strategy_does_the_kit_goes_on():
    found = list(findings(Exits))
    assert [finding.check for finding in found] == list(all_checks())
    assert "came: SystemExit: 3 (" in found[0].message
    assert "test_kit.py:" in found[0].message
    assert "likely cause: the strategy leaves the program" in found[0].message


@parametrize_with_checks([Good, Good(rate=0.2), lambda: Good(rate=0.05)])
def test_a_good_one_passes(strategy, check):
    check(strategy)


class RawColumns:
    """No policy: a strategy of its own that reads what the sources show, at a thousandth of the trial's prices."""

    reads = ("profile", "age_profile", "hour")
    learns = False

    def bid(self, requests):
        return 1e-3 * (requests["profile"] + 1.0) / (1.0 + requests["age_profile"])

    def observe(self, feedback):
        pass

    def control(self, state):
        pass


class AgesOfAll(RawColumns):
    """It reads the age of a source that does not age, which a market shows too."""

    reads = ("profile", "age_profile", "age_context", "hour")


class Everything(RawColumns):
    reads = None

    def bid(self, requests):
        assert "value" not in requests
        return 0.1 + requests["context"]


SCENARIO = Scenario.model_validate(
    {
        "supply": {"requests": 5_000, "horizon_h": 1, "context_types": 7},
        "source": {"profile": {}, "context": {}},
        "rivals": {"landscape": "uniform", "high": 2},
    }
)


@parametrize_with_checks([RawColumns, AgesOfAll, Everything])
def test_raw_columns_pass(strategy, check):
    check(strategy)


@pytest.mark.few(8)
@parametrize_with_checks([Priced(bayes(SCENARIO, ("profile", "context")), Good())], scenario=SCENARIO)
def test_a_valuation_plays_in_the_market_that_it_was_made_for(strategy, check):
    check(strategy)


@pytest.mark.few(12)
@parametrize_with_checks(
    [Good, RawColumns], scenario=load("default", "source.profile={flip_rate_per_h: 1, sync_interval_h: 1}")
)
def test_a_scenario_that_ships_will_do(strategy, check):
    check(strategy)


def test_a_log_will_not_do():
    replay = load("theory").model_copy(update={"supply": LogSupply(kind="log", path="x")})
    with pytest.raises(ValueError, match="one that replays a log"):
        Case(Good, scenario=replay)


@parametrize_with_checks([HoldsALambda], expected_failures={"pickle": "it holds a lambda, on purpose"})
def test_expected_failures_are_expected(strategy, check):
    check(strategy)


def test_expected_failures_are_strict_and_known():
    mark = parametrize_with_checks([Truthful], expected_failures={"pickle": "it does not"}).mark
    (marks,) = [parameter.marks for parameter in mark.args[1] if parameter.id == "Truthful-pickle"]
    assert marks[0].kwargs == {"reason": "it does not", "raises": CheckFailed, "strict": True}
    with pytest.raises(ValueError, match="'pickel'; did you mean 'pickle'"):
        parametrize_with_checks([Truthful], expected_failures={"pickel": ""})


def test_the_trial_market_is_priced_by_what_it_bids():
    case = Case(RawColumns)
    assert case.scale == pytest.approx(2e-3, rel=0.5)
    assert 0 < case.run().of("focal")["wins"] < 600


def test_what_is_not_claimed_is_not_checked():
    with pytest.raises(unittest.SkipTest, match="not claimed"):
        all_checks()["scale_equivariance"](SharedDice)


def test_a_card_is_read_off_class_or_strategy():
    card = Card.of(Good)
    assert card == Card.of(Good())
    assert card == Card(("value", "uniform"), learns=True, stochastic=True, paces=True, scales=True)
    assert card.words == "reads value, uniform; for any auction; learns; stochastic; paces; scales"
    priced = Card.of(Priced(bayes(SCENARIO, ("profile",)), Good()))
    assert priced.reads == ("profile", "uniform")
    assert priced.paces
    assert Card.of(RawColumns()).words == "reads profile, age_profile, hour; for any auction"


def test_the_guide_has_a_line_for_every_check_and_attribute():
    guide = (Path(__file__).parents[2] / "docs" / "author-guide.md").read_text("utf-8")
    fields_apart = guide.partition("## Every field")[0] + guide.partition("## What each check means")[2]
    heads = "".join(line.split("|")[1] for line in fields_apart.splitlines() if line.startswith("| `"))
    assert {*all_checks(), *(field.name for field in fields(Card)), "multiplier"} == set(
        re.findall(r"`(\w+)`", heads)
    )
