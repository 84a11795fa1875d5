"""Workers that know the same and not of each other do not all try the same."""

import numpy as np
import pytest

from benchmarks.problems.standard import standard_problems
from benchmarks.utilization.proposers import ours
from benchmarks.utilization.race import Race
from benchmarks.utilization.setting import constant
from tuner.searchers import History, proposal_rng
from tuner.trial import Observation, Trial

WORKERS = 40


@pytest.fixture(scope="module")
def problem():
    return standard_problems()["hartmann6"]


def points(found):
    return np.array([list(one.parameters.values()) for one in found])


def proposals(problem, history, *, workers=WORKERS):
    return [
        searcher.suggest(history, number=1, rng=proposal_rng(0, worker=worker, number=1))
        for worker, searcher in enumerate(ours(problem, kind="Auto", workers=workers, seed=0))
    ]


def test_no_two_workers_start_with_the_same_point(problem):
    found = points(proposals(problem, History(), workers=160))
    assert len(np.unique(found, axis=0)) == 160
    # Evenly, as points of one sequence are: no cell of the 64 is left out.
    cells = (found[:, :6] > 0.5) @ (2 ** np.arange(6))
    assert len(np.unique(cells)) >= 55


def test_idle_workers_with_the_same_log_choose_differently(problem):
    rng = np.random.default_rng(0)
    trials, observations = [], []
    for number in range(60):
        values = dict(zip([f"x{i}" for i in range(6)], rng.random(6).round(6), strict=True))
        name = f"s-0-{number}"
        names = problem.parameters
        parameters = {str(one["name"]): v for one, v in zip(names, values.values(), strict=True)}
        value = problem.evaluate(parameters)[0]
        trials.append(
            Trial(
                name=name,
                worker=0,
                number=number,
                parameters=parameters,
                instance_types={"evaluate": "machine"},
            )
        )
        observations.append(Observation(trial=name, fidelity=1.0, metrics={"f0": value}, full=True))
    history = History(trials=tuple(trials), observations=tuple(observations), started=60)
    found = proposals(problem, history)
    assert all("candidates" in one.why for one in found), "the models proposed"
    chosen = points(found)
    assert len(np.unique(chosen, axis=0)) >= WORKERS - 2
    apart = np.abs(chosen[:, None] - chosen).max(axis=2) + 2.0 * np.eye(WORKERS)
    assert np.median(apart.min(axis=1)) > 0.005
    # As good as each other, more or less: exploration is bounded by the temperature.
    values = np.array([problem.evaluate(one.parameters)[0] for one in found])
    everywhere = np.array([problem.evaluate(one.parameters)[0] for one in trials])
    assert np.median(values) < np.median(everywhere)


def test_a_race_keeps_its_places_busy_and_its_clock_honest(problem):
    race = Race(
        problem=problem,
        places=4,
        draw=constant(10.0),
        horizon=60.0,
        seed=0,
        instance_type="machine",
    )
    found, busy = race.run(ours(problem, kind="Random", workers=4, seed=0), seconds=0.0)
    assert [round(one.seconds) for one in found[:4]] == [10] * 4
    assert len(found) == 20
    assert busy == pytest.approx(0.98, abs=0.01)
    managed, slow = race.run(ours(problem, kind="Random", workers=1, seed=0), seconds=5.0)
    assert slow == pytest.approx(0.47, abs=0.08)
    assert len(managed) < 12
