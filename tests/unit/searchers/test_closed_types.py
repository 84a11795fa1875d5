"""Instance types that cannot take a further trial, and types whose nodes are taken back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.hardware import Group, StageChoices, paid_share, resolve
from tuner.searchers import History, JointSpace, make_searcher, proposal_rng
from tuner.searchers.engine.closing import Closing
from tuner.searchers.engine.facts import facts_of
from tuner.searchers.engine.outcomes import stage_losses
from tuner.searchers.joint import Configuration
from tuner.searchers.proposed import Proposed
from tuner.space import SearchSpace
from tuner.spec import InstanceType, InstanceTypeSpec, TuningStudySpec
from tuner.trial import Observation, StageOutcome, StageResult, Trial

TYPES = ("a100", "a100-spot", "t4")
PREPARE = ("cpu", "big-cpu")
PRICES = {"a100": 36.0, "a100-spot": 12.0, "t4": 3.6, "cpu": 0.36, "big-cpu": 0.72}
LR = {"name": "lr", "float": {"min": 0.001, "max": 1, "scale": "Log"}}
KIND = {"name": "kind", "categorical": {"choices": ["x", "y"]}}


def study(searcher, *parameters, **changes):
    return TuningStudySpec.model_validate(
        {
            "objectives": [
                {"metric": "error", "direction": "Minimize"},
                {"metric": "cost", "direction": "Minimize"},
            ],
            "parameters": list(parameters) or [LR, KIND],
            "hardware": {"instanceTypes": list(TYPES)},
            "pipeline": {
                "image": "example",
                "stages": [
                    {
                        "name": "prepare",
                        "command": ["run"],
                        "hardware": {"instanceTypes": list(PREPARE)},
                    },
                    {"name": "train", "command": ["run"]},
                ],
            },
            "searcher": {"type": searcher, "seed": 7},
            "budget": {"maxTrials": 50},
            **changes,
        }
    )


def joint_of(spec):
    catalogue = [
        InstanceType.model_validate({"metadata": {"name": name}, "spec": {"pricePerHour": price}})
        for name, price in PRICES.items()
    ]
    choices = resolve(spec, catalogue=catalogue, namespace="ml")
    return JointSpace(SearchSpace.from_parameters(spec.parameters), choices)


def searcher_of(spec):
    joint = joint_of(spec)
    types = {name: InstanceTypeSpec(price_per_hour=price) for name, price in PRICES.items()}
    return make_searcher(spec, space=joint.space, choices=joint.choices, instance_types=types)


def asked(searcher, history, numbers):
    answers = [
        searcher.suggest(history, number=n, rng=proposal_rng(7, worker=0, number=n))
        for n in numbers
    ]
    return {name for one in answers for name in one.instance_types.values()}


def played(count):
    """Trials that have ended, whose error does not depend on the type and whose time does not."""
    joint, rng = joint_of(study("Auto")), np.random.default_rng(3)
    trials, observations, stages = [], [], {}
    for number in range(count):
        configuration = joint.from_unit(rng.random(len(joint)))
        types = joint.choices.assign(configuration.chosen)
        name = f"t-0-{number}"
        trials.append(
            Trial(
                name=name,
                worker=0,
                number=number,
                parameters=configuration.parameters,
                instance_types=types,
            )
        )
        error = abs(float(np.log10(configuration.parameters["lr"])) + 1.5)
        cost = sum(10.0 * PRICES[one] / 3600 for one in types.values())
        observations.append(
            Observation(trial=name, fidelity=1.0, metrics={"error": error, "cost": cost}, full=True)
        )
        stages[name] = tuple(
            StageResult(
                stage=stage,
                outcome=StageOutcome.RUN,
                seconds=10.0,
                cost_usd=10.0 * PRICES[one] / 3600,
                first_run_seconds=10.0,
                instance_type=one,
            )
            for stage, one in types.items()
        )
    return {"trials": tuple(trials), "observations": tuple(observations), "stages": stages}


@pytest.mark.parametrize(("searcher", "seen"), [("Random", 0), ("Sobol", 0), ("Auto", 14)])
def test_no_searcher_proposes_what_cannot_start(searcher, seen):
    history = History(**played(seen), closed=frozenset({"a100-spot", "t4", "cpu"}))
    assert asked(searcher_of(study(searcher)), history, range(14, 17)) == {"a100", "big-cpu"}


@pytest.mark.parametrize(("searcher", "seen"), [("Random", 0), ("Sobol", 0), ("Auto", 14)])
def test_where_nothing_can_start_there_is_no_choice_to_make(searcher, seen):
    everything, none = History(**played(seen), closed=frozenset(PRICES)), History(**played(seen))
    with_all_closed = asked(searcher_of(study(searcher)), everything, range(14, 16))
    assert with_all_closed == asked(searcher_of(study(searcher)), none, range(14, 16))


def test_a_finite_space_is_not_exhausted_while_types_are_closed():
    spec = study("Random", KIND, hardware={"instanceTypes": ["a100", "t4"]})
    searcher, history, used = searcher_of(spec), History(closed=frozenset({"a100"})), []
    for number in range(8):
        answer = searcher.suggest(
            history, number=number, rng=proposal_rng(7, worker=0, number=number)
        )
        used.append(answer.instance_types["train"])
        trial = Trial(
            name=f"t-0-{number}",
            worker=0,
            number=number,
            parameters=answer.parameters,
            instance_types=answer.instance_types,
        )
        history = history.with_open(trial)
    assert used == ["t4"] * 4 + ["a100"] * 4
    assert searcher.suggest(history, number=8, rng=proposal_rng(7, worker=0, number=8)) is None


def test_what_was_given_up_untried_may_be_proposed_again():
    spec = study("Random", KIND, hardware={"instanceTypes": ["a100"]})
    joint = joint_of(spec)
    trial = Trial(
        name="t-0-0",
        worker=0,
        number=0,
        parameters={"kind": "x"},
        instance_types={"prepare": "cpu", "train": "a100"},
    )
    for reason, known in (("Unschedulable", False), ("Scarce", False), ("ExitCode", True)):
        history = History(trials=(trial,), failed={"t-0-0": reason})
        proposed = Proposed.of(history, joint=joint)
        assert (Configuration({"kind": "x"}, ("cpu", "a100")) in proposed) is known


def test_what_users_ask_for_is_proposed_all_the_same():
    asked_for = {
        "name": "today", "parameters": {"lr": 0.1}, "instanceTypes": {"train": "a100"},
    }  # fmt: skip
    searcher = searcher_of(study("Random", initialTrials=[asked_for]))
    history = History(closed=frozenset({"a100", "cpu"}))
    answer = searcher.suggest(history, number=0, rng=proposal_rng(7, worker=0, number=0))
    assert answer.instance_types == {"prepare": "big-cpu", "train": "a100"}


@given(closed=st.sets(st.sampled_from(["a", "b", "c"])), units=st.lists(st.floats(0, 1)))
def test_open_types_are_the_others_or_all(closed, units):
    choices = StageChoices((Group(("s",), ("a", "b", "c")), Group(("t",), ("b",))))
    joint = JointSpace(SearchSpace.from_parameters([]), choices).without(frozenset(closed))
    for unit in units:
        found = joint.from_unit(np.array([unit]))
        assert joint.is_open(found)
        assert found.chosen[0] not in closed or len(closed) == 3
    is_open = Closing.of(choices, frozenset(closed)).allows(np.array([[0, 0], [1, 0], [2, 0]]))
    wanted = [name not in closed for name in "abc"] if len(closed) < 3 else [True] * 3
    assert is_open.tolist() == wanted


def test_what_preemption_takes_is_paid_for_again():
    def share(lost):
        return paid_share(InstanceTypeSpec(preempted_seconds_per_hour=lost))

    assert share(None) == share(0) == paid_share(None) == 1
    assert share(1800) == 2
    assert share(3600) == 10


def test_a_spot_type_that_loses_much_is_dearer_than_its_price():
    spec = study("Auto")
    types = {
        name: InstanceTypeSpec(
            price_per_hour=price, preempted_seconds_per_hour=1800 if "spot" in name else None
        )
        for name, price in PRICES.items()
    }
    facts = facts_of(spec, choices=joint_of(spec).choices, instance_types=types)
    losses = stage_losses(facts, np.array([[0, 0], [0, 1], [1, 2]]))
    assert losses.tolist() == [[1, 1, 1], [1, 2, 1]]
