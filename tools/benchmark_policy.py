"""Train the policy of the benchmark's table on the suite's own markets: `python -m tools.benchmark_policy` writes docs/trained_v1.npz.

A linear policy of the bidder's account is searched by CMA-ES (Hansen & Ostermeier 2001) on the split `train`, in markets of 2,000
requests, each with joint data and with the CMO's alone. It takes some minutes, and needs `cma`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jointbid import save_policy
from jointbid.experiments.cells.benchmark_game import run_game
from jointbid.experiments.cells.cell import Cell
from jointbid.experiments.cells.lattice import NONE
from jointbid.experiments.estimate.benchmark import LOWEST
from jointbid.experiments.studies.benchmark.suites import SUITES, arms, lineup_of, scenario_of
from jointbid.sim.scenario import StrategySpec
from jointbid.strategies.policies.steered import Interface

POLICY = Path(__file__).parents[1] / "docs" / "trained_v1.npz"
SUITE, REQUESTS, EPISODES, GENERATIONS = "v1", 2_000, 2, 14
SEES = ("time_left", "budget_left", "pace", "spend_last", "win_rate_last", "cost_last")
START = (0.0, 0.0, -0.1, -0.1, 0.0, 0.0, 0.0)
"""The weights at the start, and the bias last: less where more was spent than planned."""


def game(
    market: str, arm: str, information: str, spec: StrategySpec, replication: int
) -> tuple[float, float]:
    """Return the utility of a strategy in the first seat of a market, and the bound that hindsight sets to it."""
    suite = SUITES[SUITE]
    one = next(each for each in suite.markets if each.name == market)
    scenario = scenario_of(SUITE, market, REQUESTS)
    cell = Cell(
        scenario,
        arm,
        one.valuation,
        train_requests=one.train_requests,
        seed=suite.seeds["train"],
        replication=replication,
        study_point=f"{market}/{information}",
        lineup=lineup_of(scenario, spec),
        replayed=one.replayed,
        target_cpa=one.target_cpa,
    )
    (row,) = run_game(cell).rows
    return float(row["utility"]), float(row["bound"])


def written(numbers: NDArray[np.float64], path: Path) -> Path:
    """Write the linear policy with these weights, the bias last."""
    interface = Interface()
    weight = np.zeros((len(interface.names), 1))
    weight[[interface.names.index(name) for name in SEES], 0] = numbers[:-1]
    return save_policy(path, [weight], [numbers[-1:]], interface)


def score(path: Path, without: dict[tuple[str, int], tuple[float, float]], episodes: range) -> float:
    """Return the mean of the games' scores of the policy in a file."""
    spec, found = StrategySpec(name="trained", path=str(path)), []
    for market in SUITES[SUITE].markets:
        for information, arm in arms(scenario_of(SUITE, market.name, REQUESTS)).items():
            parts = [
                (game(market.name, arm, information, spec, episode)[0], *without[market.name, episode])
                for episode in episodes
            ]
            own, none, bound = np.mean(parts, axis=0)
            found.append(max(100.0 * (own - none) / (bound - none), LOWEST))
    return float(np.mean(found))


def main() -> None:
    """Search, and write the mean of the last generation's distribution."""
    import cma

    without: dict[tuple[str, int], tuple[float, float]] = {}

    def learn_yardsticks(episodes: range) -> None:
        for market in SUITES[SUITE].markets:
            spec = scenario_of(SUITE, market.name, REQUESTS).bidders.strategy
            for episode in episodes:
                without[market.name, episode] = game(market.name, NONE, NONE, spec, episode)

    search = cma.CMAEvolutionStrategy(list(START), 0.15, {"seed": 1, "popsize": 8, "verbose": -9})
    with tempfile.TemporaryDirectory() as folder:
        for generation in range(GENERATIONS):
            episodes = range(generation * EPISODES, (generation + 1) * EPISODES)
            learn_yardsticks(episodes)
            tried = search.ask()
            files = [
                written(one, Path(folder) / f"{generation}_{number}.npz") for number, one in enumerate(tried)
            ]
            scores = [score(file, without, episodes) for file in files]
            search.tell(tried, [-one for one in scores])
            sys.stdout.write(f"generation {generation + 1}: {min(scores):.1f} to {max(scores):.1f}; {np.round(search.mean, 3)}\n")  # fmt: skip
            sys.stdout.flush()
    sys.stdout.write(f"{written(search.mean, POLICY)}\n")


if __name__ == "__main__":
    main()
