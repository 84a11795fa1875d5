from dataclasses import replace

import numpy as np
import pytest

from tuner.errors import SpaceError
from tuner.hardware import resolve
from tuner.searchers import History, JointSpace, make_searcher, proposal_rng
from tuner.space import SearchSpace
from tuner.spec import InstanceType, TuningStudySpec
from tuner.trial import Trial

CATALOGUE = [
    InstanceType.model_validate({"metadata": {"name": name}, "spec": {"pricePerHour": 1.0}})
    for name in ("small", "large", "gpu")
]
LR = {"name": "lr", "float": {"min": 1e-5, "max": 1e-2, "scale": "Log"}}
LAYERS = {"name": "layers", "integer": {"min": 1, "max": 4}}
OPTIMIZER = {"name": "optimizer", "categorical": {"choices": ["sgd", "adam"]}}
NESTEROV = {
    "name": "nesterov",
    "categorical": {"choices": ["yes", "no"]},
    "when": {"parameter": "optimizer", "in": ["sgd"]},
}


def study(*parameters, searcher="Sobol", seed=7, **changes):
    return TuningStudySpec.model_validate(
        {
            "objectives": [{"metric": "loss", "direction": "Minimize"}],
            "parameters": list(parameters) or [LR, LAYERS],
            "hardware": {"instanceTypes": ["small", "large"]},
            "pipeline": {
                "image": "example",
                "stages": [
                    {"name": "prepare", "command": ["run"]},
                    {"name": "train", "command": ["run"]},
                    {
                        "name": "measure",
                        "command": ["run"],
                        "hardware": {"instanceTypes": ["gpu"]},
                    },
                ],
            },
            "searcher": {"type": searcher, "seed": seed},
            "budget": {"maxTrials": 3},
            **changes,
        }
    )


class Workers:
    """Workers that share one history, each started afresh for every proposal."""

    def __init__(self, spec, *, workers=1):
        self.spec = spec
        self.space = SearchSpace.from_parameters(spec.parameters)
        self.choices = resolve(spec, catalogue=CATALOGUE, namespace="ml")
        self.workers = workers
        self.history = History()
        self.numbers = [0] * workers

    def suggest(self, worker=0):
        searcher = make_searcher(
            self.spec,
            space=self.space,
            choices=self.choices,
            instance_types={each.metadata.name: each.spec for each in CATALOGUE},
            worker=worker,
            workers=self.workers,
        )
        number = self.numbers[worker]
        return searcher.suggest(
            self.history,
            number=number,
            rng=proposal_rng(self.spec.searcher.seed, worker=worker, number=number),
        )

    def propose(self, worker=0):
        answer = self.suggest(worker)
        if answer is None:
            return None
        number = self.numbers[worker]
        trial = Trial(
            name=f"s-{worker}-{number}",
            worker=worker,
            number=number,
            parameters=answer.parameters,
            instance_types=answer.instance_types,
            why=answer.why,
        )
        self.numbers[worker] += 1
        self.history = replace(self.history, trials=(*self.history.trials, trial))
        return trial

    def key(self, trial):
        return JointSpace(self.space, self.choices).trial_key(trial)


BOTH = pytest.mark.parametrize("searcher", ["Random", "Sobol", "Auto"])


@BOTH
def test_same_seed_history_and_number_give_the_same_proposal(searcher):
    first, second = (Workers(study(searcher=searcher)) for _ in range(2))
    assert [first.propose() for _ in range(5)] == [second.propose() for _ in range(5)]
    assert first.suggest() == first.suggest()


@BOTH
def test_another_seed_gives_other_proposals(searcher):
    first = Workers(study(searcher=searcher)).propose()
    other = Workers(study(searcher=searcher, seed=8)).propose()
    assert first.parameters != other.parameters


@BOTH
def test_a_restarted_worker_goes_on_and_replays_nothing(searcher):
    workers = Workers(study(searcher=searcher))
    keys = [workers.key(workers.propose()) for _ in range(40)]
    assert len(set(keys)) == 40


@BOTH
def test_workers_that_see_nothing_of_each_other_differ(searcher):
    spec = study(searcher=searcher)
    apart = [Workers(spec, workers=4) for _ in range(4)]
    keys = {
        workers.key(workers.propose(worker))
        for worker, workers in enumerate(apart)
        for _ in range(8)
    }
    assert len(keys) == 32


@BOTH
def test_a_finite_space_is_tried_once_each_and_then_exhausted(searcher):
    spec = study(LAYERS, OPTIMIZER, NESTEROV, searcher=searcher)
    workers = Workers(spec, workers=3)
    keys = [workers.key(workers.propose(turn % 3)) for turn in range(4 * 3 * 2)]
    assert len(set(keys)) == 24
    assert [workers.propose(worker) for worker in range(3)] == [None] * 3


@BOTH
def test_types_follow_the_groups_of_stages(searcher):
    workers = Workers(study(searcher=searcher))
    trials = [workers.propose() for _ in range(40)]
    for trial in trials:
        workers.choices.check(trial.instance_types)
        assert trial.instance_types["prepare"] == trial.instance_types["train"]
        assert workers.space.cast(trial.parameters) == trial.parameters
    assert {trial.instance_types["train"] for trial in trials} == {"small", "large"}


def test_sobol_workers_take_the_points_between_them_and_fill_gaps():
    workers = Workers(study(), workers=3)
    taken = [workers.propose(worker).why["sobolIndex"] for worker in (0, 1, 2, 2, 0, 2)]
    assert taken == [0, 1, 2, 5, 3, 8]
    one = Workers(study())
    one.history = workers.history
    assert one.suggest().why["sobolIndex"] == 4


def test_sobol_covers_evenly_where_random_does_not():
    sobol = Workers(study(LR, LAYERS))
    trials = [sobol.propose() for _ in range(64)]
    cells = np.zeros((4, 4), dtype=int)
    for trial in trials:
        lr, layers = sobol.space.encode(trial.parameters)
        cells[min(int(lr * 4), 3), min(int(layers * 4), 3)] += 1
    assert cells.tolist() == [[4] * 4] * 4


def test_trials_on_types_no_longer_offered_do_not_exhaust_the_space():
    old = Workers(study(OPTIMIZER))
    while old.propose():
        pass
    new = Workers(study(OPTIMIZER, hardware={"instanceTypes": ["gpu"]}))
    new.history = old.history
    new.numbers = old.numbers
    assert {new.propose().instance_types["train"] for _ in range(2)} == {"gpu"}
    assert new.propose() is None


INITIAL = [
    {"name": "production", "parameters": {"lr": 3.0e-4, "layers": 2}},
    {"name": "old", "parameters": {"lr": 1}, "instanceTypes": {"train": "large"}},
]


def initial(*trials):
    wide = {"name": "lr", "float": {"min": 0, "max": 1}}
    return study(wide, LAYERS, initialTrials=list(trials or INITIAL))


def test_initial_trials_come_first_and_once():
    workers = Workers(initial())
    first, second, third = (workers.propose() for _ in range(3))
    assert first.why == {"searcher": "initialTrials", "name": "production"}
    assert first.parameters == {"lr": 3.0e-4, "layers": 2}
    assert second.parameters["lr"] == 1.0
    assert type(second.parameters["lr"]) is float
    assert 1 <= second.parameters["layers"] <= 4
    assert second.instance_types == {"prepare": "large", "train": "large", "measure": "gpu"}
    assert third.why["searcher"] == "Sobol"


def test_workers_share_the_initial_trials():
    workers = Workers(initial(), workers=2)
    assert workers.propose(1).why["name"] == "old"
    assert workers.propose(1).why["searcher"] == "Sobol"
    assert workers.propose(0).why["name"] == "production"


def test_an_initial_trial_outside_the_space_is_named():
    workers = Workers(initial({"name": "bad", "parameters": {"lr": 2.0}}))
    with pytest.raises(SpaceError, match=r'initialTrials\[bad\]: parameter "lr": 2.0 is above'):
        workers.propose()


@pytest.mark.parametrize("searcher", ["Auto", "EEIPU", "HyperBO", "Random", "Sobol"])
def test_every_searcher_proposes_from_an_empty_history(searcher):
    suggestion = Workers(study(searcher=searcher)).suggest()
    assert suggestion.parameters.keys() == {"lr", "layers"}
    assert suggestion.why["searcher"] in (searcher, "Sobol")


def test_generators_differ_by_seed_worker_and_number():
    draws = {
        proposal_rng(seed, worker=worker, number=number).random()
        for seed in range(3)
        for worker in range(3)
        for number in range(3)
    }
    assert len(draws) == 27
    assert proposal_rng(1, worker=2, number=3).random() in {
        proposal_rng(1, worker=2, number=3).random()
    }
