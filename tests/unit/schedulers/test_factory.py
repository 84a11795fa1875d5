import subprocess
import sys
from dataclasses import dataclass

import pytest

from tuner.errors import SchedulerError
from tuner.pipeline.plan import FidelityPlan, ObjectivePlan
from tuner.schedulers import (
    MultiObjectiveHyperband,
    NoStopping,
    bracket_of,
    brackets_of,
    make_scheduler,
    rung_objectives,
    scheduler_for,
)
from tuner.spec import TuningStudySpec


def study(**changes):
    return TuningStudySpec.model_validate(
        {
            "objectives": [
                {"metric": "loss", "direction": "Minimize"},
                {"metric": "accuracy", "direction": "Maximize", "stage": "train"},
                {"metric": "latency", "direction": "Minimize", "stage": "measure"},
                {"metric": "cost", "direction": "Minimize"},
            ],
            "parameters": [{"name": "lr", "float": {"min": 0, "max": 1}}],
            "hardware": {"selector": {}},
            "pipeline": {
                "stages": [
                    {"name": "train", "command": ["a"]},
                    {"name": "measure", "command": ["b"]},
                ]
            },
            "fidelity": {"name": "epoch", "stage": "train", "max": 27},
            "budget": {"maxTrials": 3},
            **changes,
        }
    )


@dataclass(frozen=True)
class Plan:
    fidelity: FidelityPlan | None
    objectives: tuple[ObjectivePlan, ...]


def test_a_study_with_fidelity_gets_hyperband_over_what_its_fidelity_stage_reports():
    scheduler = make_scheduler(study())
    assert scheduler == MultiObjectiveHyperband(
        minimum=1, maximum=27, reduction_factor=3, minimize=(True, False, True), promotes=True
    )
    assert scheduler.rungs() == (1, 3, 9)


def test_built_ins_and_open_stages_are_compared_and_other_stages_are_not():
    compared = rung_objectives(study().objectives, stage="train")
    assert [objective.metric for objective in compared] == ["loss", "accuracy", "cost"]


@pytest.mark.parametrize("changes", [{"fidelity": None}, {"scheduler": {"type": "None"}}])
def test_without_fidelity_or_on_request_nothing_is_stopped(changes):
    assert make_scheduler(study(**changes)) == NoStopping()


def test_each_bracket_has_its_own_first_rung():
    spec = study(scheduler={"type": "Hyperband"})
    rungs = [make_scheduler(spec, bracket=bracket).rungs() for bracket in range(4)]
    assert rungs == [(1, 3, 9), (3, 9), (9,), ()]
    assert brackets_of(spec) == rungs
    with pytest.raises(SchedulerError, match="bracket 4: the study has 4"):
        make_scheduler(spec, bracket=4)


def test_without_early_stopping_there_is_one_bracket_without_rungs():
    spec = study(scheduler={"type": "None", "brackets": 3})
    assert brackets_of(spec) == [()]
    assert bracket_of(spec, worker=1, number=17) == 0


@pytest.mark.parametrize("brackets", [1, 2, 3, 4])
def test_proposals_begin_in_as_many_brackets_as_are_asked_for(brackets):
    spec = study(scheduler={"type": "Hyperband", "brackets": brackets})
    begun = {bracket_of(spec, worker=0, number=number) for number in range(60)}
    assert begun == set(range(brackets))
    assert len(brackets_of(spec)) == 4


def test_no_trial_is_in_more_brackets_than_there_may_be():
    fidelity = {"name": "epoch", "stage": "train", "max": 3**9}
    spec = study(scheduler={"type": "Hyperband", "brackets": 8}, fidelity=fidelity)
    levels = brackets_of(spec)
    assert len(levels) == 8
    assert (levels[0][0], levels[6][0], levels[7]) == (1, 3**6, ())


def test_a_trial_s_bracket_follows_from_its_number_alone():
    spec = study(scheduler={"type": "Hyperband", "brackets": 3})
    chosen = [bracket_of(spec, worker=0, number=number) for number in range(60)]
    assert chosen == [bracket_of(spec, worker=0, number=number) for number in range(60)]
    assert chosen != [bracket_of(spec, worker=1, number=number) for number in range(60)]


@pytest.mark.parametrize("variant", ["Stopping", "Promotion"])
def test_the_agent_decides_as_the_study_does(variant):
    spec = study(scheduler={"type": "Hyperband", "variant": variant})
    rungs = tuple(make_scheduler(spec).rungs())
    objectives = tuple(
        ObjectivePlan(metric=o.metric, minimize=o.minimize, best=False, stage=o.stage)
        for o in spec.objectives
    )
    fidelity = FidelityPlan(
        name="epoch",
        stage="train",
        maximum=27,
        rungs=rungs,
        reduction_factor=3,
        restart=False,
        promotes=variant == "Promotion",
    )
    assert scheduler_for(Plan(fidelity, objectives)) == make_scheduler(spec)
    assert scheduler_for(Plan(None, objectives)) == NoStopping()


def test_the_agent_needs_neither_numpy_nor_pydantic_to_decide():
    probe = "import sys, tuner.schedulers; print({'numpy', 'pydantic'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
