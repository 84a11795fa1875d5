import math

import numpy as np
import pytest

from benchmarks.problems.earlier import portfolio_of, prior_of, source_studies
from benchmarks.problems.manifest import Budget, space_of
from benchmarks.problems.protocol import Declared, EarlierStudy, EarlierTrial, ProblemStage
from benchmarks.simulate import product, run
from tuner.searchers.auto import portfolio_length

PARAMETERS = [{"name": name, "float": {"min": 0, "max": 1}} for name in ("x", "y")]


def loss(x, y, shift):
    return 0.1 + (x - 0.3 - shift) ** 2 + (y - 0.7) ** 2


def earlier(name, shift, seed):
    """A study whose best lies near (.3 + shift, .7)."""
    trials = []
    for x, y in np.random.default_rng(seed).random((40, 2)).tolist():
        end = loss(x, y, shift)
        trials.append(
            EarlierTrial(
                parameters={"x": x, "y": y},
                instance_types={"only": "machine"},
                metrics={"loss": end, "runtime": 5.0 + x, "cost": 1.0},
                seconds={"only": 5.0 + x},
                curve={1.0: {"loss": 2 * end}, 4.0: {"loss": end}},
            )
        )
    return EarlierStudy(name=name, data=name, trials=tuple(trials))


class Similar:
    """A quadratic with three earlier studies of shifted ones."""

    declared = Declared(
        name="similar",
        parameters=PARAMETERS,
        stages=[ProblemStage("only", ("x", "y"))],
        objectives=[{"metric": "loss", "direction": "Minimize"}],
        fidelity={"name": "epoch", "stage": "only", "min": 1, "max": 4},
        earlier=[earlier(f"study-{k}", shift, k) for k, shift in enumerate((-0.05, 0.0, 0.05))],
    )

    def seconds(self, stage, parameters, *, instance_type, fidelity):
        return 5.0 + parameters["x"]

    def metrics(self, stage, parameters, *, instance_type, fidelity):
        return {"loss": loss(parameters["x"], parameters["y"], 0.0)}


def test_studies_read_as_from_their_logs():
    studies = source_studies(Similar())
    assert [study.uid for study in studies] == ["study-0", "study-1", "study-2"]
    trial = studies[0].trials[0]
    assert [one.fidelity for one in trial.observations] == [0.25, 1.0]
    assert set(trial.observations[-1].metrics) == {"loss"}
    assert trial.seconds["only"] == pytest.approx(5.0 + trial.parameters["x"])


def test_what_was_learned_starts_near_the_best():
    problem = Similar()
    portfolio = portfolio_of(problem, prior_of(problem), size=3)
    assert 1 <= len(portfolio) <= 3
    space = space_of(problem)
    best = min(math.dist(space.encode(one.parameters), (0.3, 0.7)) for one in portfolio)
    assert best < 0.15
    assert {one.chosen for one in portfolio} == {("machine",)}


@pytest.mark.parametrize(("sources", "length"), [(1, 8), (3, 8), (5, 4), (11, 2), (100, 2)])
def test_few_earlier_studies_are_followed_for_longer(sources, length):
    assert portfolio_length(sources) == length


@pytest.mark.parametrize(("trials", "followed"), [(27, 8), (15, 5), (4, 2)])
def test_a_study_begins_with_the_portfolio_of_the_earlier_ones(trials, followed):
    problem = Similar()
    prior = prior_of(problem)
    asked = []

    def auto(context):
        searcher = product("Auto")(context)
        asked.append(searcher.portfolio)
        return searcher

    trace = run(problem, auto, seed=0, budget=Budget(trials=trials), warm_up=0, prior=prior)
    assert asked[0] == followed
    # trials that were paused end later
    proposed = sorted(trace.trials, key=lambda one: one.number)
    first = [dict(one.parameters) for one in proposed[:followed]]
    expected = [space_of(problem).from_unit(unit) for unit in prior.portfolio().unit[:followed]]
    assert first == expected
