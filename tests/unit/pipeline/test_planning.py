from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tuner.errors import PipelineError
from tuner.pipeline import (
    PlanSettings,
    StudyIdentity,
    TrialPlan,
    make_plan,
    plan_from_json,
    plan_to_json,
    segments,
    stage_keys,
)
from tuner.spec import InstanceTypeSpec, TuningStudySpec
from tuner.trial import Trial

Spec = Callable[..., TuningStudySpec]


@pytest.fixture
def plan(
    spec: Spec, trial: Trial, types: Mapping[str, InstanceTypeSpec], study: StudyIdentity
) -> Callable[..., TrialPlan]:
    def make(change: Callable[[dict[str, Any]], object] | None = None, **given: Any) -> TrialPlan:
        arguments: dict[str, Any] = {
            "study": study,
            "trial": trial,
            "instance_types": types,
            "attempt": 1,
            "segment": 1,
        }
        return make_plan(spec(change), **{**arguments, **given})

    return make


@pytest.fixture
def keys(
    spec: Spec, trial: Trial, types: Mapping[str, InstanceTypeSpec], study: StudyIdentity
) -> Callable[..., dict[str, str]]:
    def make(
        change: Callable[[dict[str, Any]], object] | None = None, **given: Any
    ) -> dict[str, str]:
        arguments: dict[str, Any] = {"study": study, "trial": trial, "instance_types": types}
        found = stage_keys(spec(change), **{**arguments, **given})
        return {name: key.digest for name, key in found.items()}

    return make


def test_consecutive_stages_share_a_segment(spec: Spec, trial: Trial) -> None:
    runs = segments(spec(), trial=trial)
    assert [run.stages for run in runs] == [("tokenize",), ("train", "export"), ("bench",)]
    assert [run.instance_type for run in runs] == ["cpu", "large", "cpu"]
    assert [run.last for run in runs] == [False, False, True]


def test_another_image_makes_a_segment(spec: Spec, trial: Trial) -> None:
    def change(document: dict[str, Any]) -> None:
        document["pipeline"]["stages"][2]["image"] = "other:1"

    assert len(segments(spec(change), trial=trial)) == 4


def test_a_trial_must_say_where_a_stage_runs(spec: Spec, trial: Trial) -> None:
    with pytest.raises(PipelineError, match="export"):
        segments(spec(), trial=replace(trial, instance_types={"train": "large"}))


def test_a_plan_holds_the_stages_up_to_its_segment(plan: Callable[..., TrialPlan]) -> None:
    made = plan()
    assert [(stage.name, stage.run) for stage in made.stages] == [
        ("tokenize", False),
        ("train", True),
        ("export", True),
    ]
    assert not made.last
    assert made.study_prefix == "studies/ml/ranker.0b9d-1"
    assert made.cache_prefix == "cache/ml"
    assert made.layout == "/tuner"
    assert made.grace_seconds == 90.0


def test_a_stage_is_told_what_it_declares(plan: Callable[..., TrialPlan]) -> None:
    _, train, export = plan().stages
    assert train.argv == ("train", "--lr=0.001", "--layers=2")
    assert train.parameters == {"lr": 0.001, "layers": 2}
    assert train.env["TUNER_PARAM_LR"] == "0.001"
    assert train.env["TUNER_FIDELITY"] == "27"
    assert train.env["TUNER_STAGE_TOKENIZE_DIR"] == "/tuner/stages/tokenize/output"
    assert train.env["TUNER_PRICE_PER_HOUR"] == "2.0"
    assert train.env["RUN_GROUP"] == "ranker"
    assert train.env["OMP_NUM_THREADS"] == "4"
    assert train.timeout_seconds == 14400.0
    assert "TUNER_INPUT_CLICKS" not in train.env
    assert not [name for name in export.env if name.startswith("TUNER_PARAM_")]
    assert "TUNER_FIDELITY" not in export.env
    assert plan(segment=0).stages[0].env["TUNER_INPUT_CLICKS"] == "/data/clicks"


def test_settings_replace_inputs_prices_and_base(plan: Callable[..., TrialPlan]) -> None:
    settings = PlanSettings(
        rungs=(1.0, 3.0, 9.0),
        base="/here",
        inputs={"clicks": "/mine"},
        prices_per_hour={"cpu": 7.0},
    )
    made = plan(segment=0, settings=settings)
    (tokenize,) = made.stages
    assert tokenize.env["TUNER_INPUT_CLICKS"] == "/mine"
    assert tokenize.env["TUNER_OUTPUT_DIR"] == "/here/stages/tokenize/output"
    assert tokenize.price_per_hour == 7.0
    assert made.fidelity is not None
    assert made.fidelity.rungs == (1.0, 3.0, 9.0)


def test_without_early_stopping_there_are_no_rungs(plan: Callable[..., TrialPlan]) -> None:
    made = plan(
        lambda document: document.update(scheduler={"type": "None"}),
        settings=PlanSettings(rungs=(1.0,)),
    )
    assert made.fidelity is not None
    assert made.fidelity.rungs == ()


def test_inactive_parameters_are_not_told(plan: Callable[..., TrialPlan], trial: Trial) -> None:
    given = replace(trial, parameters={"lr": 1, "vocab": 16000})
    train = plan(trial=given).stages[1]
    assert train.argv == ("train", "--lr=1.0")


def test_two_names_of_one_variable_are_refused(plan: Callable[..., TrialPlan]) -> None:
    def change(document: dict[str, Any]) -> None:
        document["parameters"] = [
            {"name": "l.r", "float": {"min": 0.0, "max": 1.0}},
            {"name": "l-r", "float": {"min": 0.0, "max": 1.0}},
        ]
        for stage in document["pipeline"]["stages"]:
            stage.pop("parameters")
            stage["command"] = ["x"]

    two = Trial(
        name="ranker-0-0",
        worker=0,
        number=0,
        parameters={"l.r": 0.1, "l-r": 0.2},
        instance_types={"train": "large", "export": "large"},
    )
    with pytest.raises(PipelineError, match="TUNER_PARAM_L_R"):
        plan(change, trial=two)


def test_an_unknown_segment_or_type_is_refused(plan: Callable[..., TrialPlan]) -> None:
    with pytest.raises(PipelineError, match="no segment 9"):
        plan(segment=9)
    with pytest.raises(PipelineError, match="no instance type"):
        plan(instance_types={})


def test_a_plan_survives_json(plan: Callable[..., TrialPlan]) -> None:
    for segment in range(3):
        made = plan(segment=segment)
        assert plan_from_json(plan_to_json(made)) == made
    assert isinstance(plan_from_json(plan_to_json(plan())).stages[1].parameters["layers"], int)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"v": 2}', "null"])
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(PipelineError):
        plan_from_json(text)


def test_a_change_early_changes_every_later_key(keys: Callable[..., dict[str, str]]) -> None:
    def change(document: dict[str, Any]) -> None:
        document["inputs"][0]["version"] = "2"

    before, after = keys(), keys(change)
    assert all(before[name] != after[name] for name in before)


def test_a_change_late_leaves_the_prefix(keys: Callable[..., dict[str, str]], trial: Trial) -> None:
    other = replace(trial, parameters={**trial.parameters, "lr": 0.5})
    before, after = keys(), keys(trial=other)
    assert before["tokenize"] == after["tokenize"]
    assert before["train"] != after["train"]
    assert before["export"] != after["export"]


def test_the_api_servers_1_is_1_0(keys: Callable[..., dict[str, str]], trial: Trial) -> None:
    whole = replace(trial, parameters={**trial.parameters, "lr": 1})
    real = replace(trial, parameters={**trial.parameters, "lr": 1.0})
    assert keys(trial=whole) == keys(trial=real)


def test_uris_are_not_in_the_key(keys: Callable[..., dict[str, str]]) -> None:
    assert keys() == keys(settings=PlanSettings(inputs={"clicks": "/elsewhere"}))


def test_the_type_is_in_the_key_where_it_matters(
    keys: Callable[..., dict[str, str]],
    trial: Trial,
    types: Mapping[str, InstanceTypeSpec],
) -> None:
    same = {**types, "large": InstanceTypeSpec(price_per_hour=2.0)}
    small = replace(trial, instance_types={"train": "small", "export": "small"})

    def depends(document: dict[str, Any]) -> None:
        document["pipeline"]["stages"][1]["artifactDependsOnInstanceType"] = True

    assert keys(instance_types=same) == {
        **keys(instance_types=same, trial=small),
    }
    assert (
        keys(depends, instance_types=same)["train"]
        != keys(depends, instance_types=same, trial=small)["train"]
    )


def test_without_a_digest_the_cache_serves_the_study_only(
    keys: Callable[..., dict[str, str]], study: StudyIdentity
) -> None:
    other = replace(study, uid="other")
    assert keys()["train"] == keys(study=other)["train"]

    def tag(document: dict[str, Any]) -> None:
        document["pipeline"]["image"] = "ranker:1"

    assert keys(tag)["train"] != keys(tag, study=other)["train"]
    code = PlanSettings(code_identity="sha256 of the folder")
    assert keys(tag, settings=code)["train"] == keys(tag, settings=code, study=other)["train"]
    assert keys(tag, settings=code) != keys(tag, settings=PlanSettings(code_identity="other"))


def test_never_cached_stages_have_keys_of_their_trial(
    keys: Callable[..., dict[str, str]], trial: Trial
) -> None:
    other = replace(trial, name="ranker-0-4")
    before, after = keys(), keys(trial=other)
    assert before["export"] == after["export"]
    assert before["bench"] != after["bench"]


def test_the_agents_half_needs_no_pydantic() -> None:
    code = (
        "import sys, tuner.pipeline, tuner.pipeline.plan_json, tuner.agent.__main__;"
        "sys.exit(any(m in sys.modules for m in ('pydantic', 'numpy', 'yaml', 'minio')))"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
