"""What each source and each join of sources contributes: dividends, Shapley values, and the value of adding one source."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ..cells.lattice import Lattice, Weights
from .intervals import Estimate, contrast

SYNERGY, SHAPLEY, MARGINAL = "synergy", "shapley", "marginal_value"


def contribution_estimates(profit: pd.DataFrame, lattice: Lattice) -> Iterator[tuple[str, str, Estimate]]:
    """Estimand, arm and estimate of every contribution whose arms are there, paired by replication.

    ``synergy`` has a row an information set of two sources or more, under its arm; ``shapley`` a row a source;
    ``marginal_value`` a row an edge of the lattice, as in "history | profile+context": what a holder of the right gains by
    the left. All of them use the replications that every arm of theirs completed, so that Shapley values add up to what
    all sources are worth together.

    Args:
        profit: one row a replication and one column an arm.
        lattice: the information sets.
    """
    if len(lattice.sources) < 2:
        return
    whole = set(lattice.arms) <= set(profit)
    complete = profit[list(lattice.arms)].dropna() if whole else profit
    for estimand, arm, weights in contributions(lattice):
        if set(weights) <= set(complete):
            yield estimand, arm, contrast(complete, weights)


def contributions(lattice: Lattice) -> Iterator[tuple[str, str, Weights]]:
    """Estimand, arm and the weights of the arms, of all contributions in the lattice."""
    for members in lattice.sets:
        if len(members) > 1:
            yield SYNERGY, lattice.arm(members), lattice.dividend(members)
    for source in lattice.sources:
        yield SHAPLEY, source, lattice.shapley(source)
    for source, given in lattice.edges():
        yield MARGINAL, f"{source} | {lattice.arm(given)}", lattice.marginal(source, given)
