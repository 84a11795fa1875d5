"""What lies between the project and other people's optimisers; none of them is needed here."""

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.peers import PEERS, PeerSearcher
from benchmarks.peers.flat import FlatSpace, Relaxed
from benchmarks.problems.manifest import Budget
from benchmarks.problems.protocol import Declared, ProblemStage
from benchmarks.simulate import run
from tuner.hardware import Group, StageChoices
from tuner.searchers import History
from tuner.searchers.joint import JointSpace
from tuner.space import SearchSpace
from tuner.spec import Objective, Parameter
from tuner.trial import Observation, Trial

PARAMETERS = [
    {"name": "kind", "categorical": {"choices": ["linear", "tree", "net"]}},
    {"name": "rate", "float": {"min": 1e-4, "max": 1.0, "scale": "Log"}},
    {
        "name": "depth",
        "integer": {"min": 1, "max": 9},
        "when": {"parameter": "kind", "in": ["tree", "net"]},
    },
]
OBJECTIVES = [
    Objective.model_validate({"metric": "accuracy", "direction": "Maximize"}),
    Objective.model_validate({"metric": "loss", "direction": "Minimize"}),
    Objective.model_validate({"metric": "cost", "direction": "Minimize"}),
]
SPACE = SearchSpace.from_parameters([Parameter.model_validate(one) for one in PARAMETERS])
CHOICES = StageChoices((Group(("load",), ("small",)), Group(("fit", "score"), ("small", "large"))))
FLAT = FlatSpace(JointSpace(SPACE, CHOICES))


@dataclass
class Told:
    """Proposes what it is given in turn and keeps what it is told."""

    plan: list = field(default_factory=list)
    told: list = field(default_factory=list)
    count: int = 0

    def ask(self):
        self.count += 1
        return self.plan[(self.count - 1) % len(self.plan)], f"handle {self.count}"

    def tell(self, flat, values, *, asked):
        self.told.append((dict(flat), values, asked))


def trial_of(number, parameters, *, fit="small"):
    types = {"load": "small", "fit": fit, "score": fit}
    return Trial(
        name=f"t{number}", worker=0, number=number, parameters=parameters, instance_types=types
    )


def seen(number, *, full=True, **metrics):
    return Observation(trial=f"t{number}", fidelity=1.0, metrics=metrics, full=full)


@pytest.fixture
def library():
    return Told(plan=[{"kind": "tree", "rate": 0.1, "depth": 3, "instance_type_fit": "large"}])


@pytest.fixture
def searcher(library):
    return PeerSearcher(name="peer", library=library, flat=FLAT, objectives=OBJECTIVES)


def ask(searcher, **history):
    return searcher.suggest(History(**history), number=0, rng=np.random.default_rng(0))


def test_a_group_of_stages_with_a_choice_is_one_more_word():
    assert [each.name for each in FLAT.dimensions] == ["kind", "rate", "depth", "instance_type_fit"]
    assert FLAT.dimensions[-1].domain.choices == ("small", "large")


def test_a_trial_and_its_flat_form_are_the_same_configuration():
    trial = trial_of(0, {"kind": "tree", "rate": 0.1, "depth": 3}, fit="large")
    flat = FLAT.of_trial(trial)
    assert flat == {"kind": "tree", "rate": 0.1, "depth": 3, "instance_type_fit": "large"}
    configuration = FLAT.configuration(flat)
    assert configuration.parameters == trial.parameters
    assert configuration.chosen == ("small", "large")
    assert FLAT.joint.key(configuration) == FLAT.joint.trial_key(trial)


def test_parameters_that_are_not_active_are_left_out():
    flat = {"kind": "linear", "rate": 0.1, "instance_type_fit": "small"}
    assert [each.name for each in FLAT.active(flat)] == ["kind", "rate", "instance_type_fit"]
    assert "depth" not in FLAT.configuration(flat).parameters


def test_words_are_one_hot_and_what_is_not_active_is_in_the_middle():
    relaxed = Relaxed(FLAT)
    assert relaxed.widths == (3, 1, 1, 2)
    point = relaxed.encode({"kind": "linear", "rate": 1.0, "instance_type_fit": "large"})
    np.testing.assert_allclose(point, [1, 0, 0, 1, 0.5, 0, 1])


@given(st.lists(st.floats(0, 1), min_size=7, max_size=7))
def test_relaxed_points_stand_for_configurations_that_come_back(point):
    relaxed = Relaxed(FLAT)
    flat = relaxed.decode(np.array(point))
    again = relaxed.decode(relaxed.encode(flat))
    assert again.keys() == flat.keys()
    assert again["kind"] == flat["kind"]
    assert again["rate"] == pytest.approx(flat["rate"])
    assert ("depth" in flat) == (flat["kind"] != "linear")
    assert again.get("depth") == flat.get("depth")


def test_maximised_objectives_are_turned_and_dollars_are_logarithms(searcher, library):
    trial = trial_of(0, {"kind": "linear", "rate": 0.1})
    ask(searcher, trials=[trial], observations=[seen(0, accuracy=0.9, loss=2.0, cost=0.01)])
    [(flat, values, asked)] = library.told
    assert flat == {"kind": "linear", "rate": 0.1, "instance_type_fit": "small"}
    assert values == pytest.approx((-0.9, 2.0, math.log(0.01)))
    assert asked is None


def test_what_was_asked_for_comes_back_under_its_handle_once(searcher, library):
    found = ask(searcher)
    assert found.parameters == {"kind": "tree", "rate": 0.1, "depth": 3}
    assert found.instance_types == {"load": "small", "fit": "large", "score": "large"}
    history = {
        "trials": [trial_of(n, found.parameters, fit="large") for n in range(2)],
        "observations": [seen(n, accuracy=0.5, loss=1.0, cost=1.0) for n in range(2)],
    }
    ask(searcher, **history)
    ask(searcher, **history)
    # the second trial is the same configuration, but nobody asked for it twice
    assert [handle for _, _, handle in library.told] == ["handle 1", None]


def test_observations_below_full_fidelity_are_not_told(searcher, library):
    trial = trial_of(0, {"kind": "linear", "rate": 0.1})
    ask(searcher, trials=[trial], observations=[seen(0, full=False, accuracy=0.9)])
    assert not library.told


@pytest.mark.parametrize(
    "history",
    [
        {"failed": {"t0": "ExitCode"}},
        {"observations": [seen(0, accuracy=0.9, loss=1.0)]},
        {"observations": [seen(0, accuracy=0.9, loss=math.nan, cost=1.0)]},
    ],
    ids=["failed", "without dollars", "not a number"],
)
def test_trials_without_all_values_are_failures(searcher, library, history):
    ask(searcher, trials=[trial_of(0, {"kind": "linear", "rate": 0.1})], **history)
    assert [values for _, values, _ in library.told] == [None]


class Timed:
    """Takes as many seconds as its parameter says; the accuracy is its tenth."""

    declared = Declared(
        name="timed",
        parameters=[{"name": "x", "float": {"min": 1, "max": 4}}],
        stages=[ProblemStage("only", ("x",))],
        objectives=[
            {"metric": "accuracy", "direction": "Maximize"},
            {"metric": "cost", "direction": "Minimize"},
        ],
        instance_types={"machine": {"pricePerHour": 3600.0}},
    )

    def seconds(self, stage, parameters, *, instance_type, fidelity):
        return parameters["x"]

    def metrics(self, stage, parameters, *, instance_type, fidelity):
        return {"accuracy": parameters["x"] / 10}


def test_a_study_charges_a_peer_for_what_ran_and_tells_it_what_it_cost():
    library = Told(plan=[{"x": 2.0}, {"x": 3.0}])

    def make(context):
        flat = FlatSpace(context.joint)
        objectives = context.spec.objectives
        return PeerSearcher(name="peer", library=library, flat=flat, objectives=objectives)

    trace = run(Timed(), make, seed=0, budget=Budget(trials=6), cache=False, warm_up=2)
    own = [one for one in trace.trials if not one.warm_up]
    assert [one.usd for one in own] == pytest.approx([2.0, 3.0, 2.0, 3.0])
    told = {flat["x"]: values for flat, values, _ in library.told}
    assert len(library.told) == 5  # all but the last, which ends the study
    assert told[2.0] == pytest.approx((-0.2, math.log(2.0)))
    assert told[3.0] == pytest.approx((-0.3, math.log(3.0)))
    assert [asked for _, _, asked in library.told] == [
        None,
        None,
        *(f"handle {n}" for n in (1, 2, 3)),
    ]


def test_peers_are_known_by_name_without_their_libraries():
    assert {"optuna-gp", "optuna-tpe", "botorch", "smac", "deephyper"} <= PEERS.keys()
