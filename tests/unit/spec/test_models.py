"""The models: strict, frozen, and the manifest's twin."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tuner.spec import (
    InstanceType,
    InstanceTypeSpec,
    LabelSelector,
    Parameter,
    Scale,
    SchedulerType,
    TrialState,
    TuningStudy,
    TuningStudySpec,
    secret_references,
    unsupported,
)
from tuner.spec.loading import KINDS


@pytest.mark.parametrize("name", ["forecast", "tiny", "forecast-2-17", "gpu-large"])
def test_a_dump_is_the_manifest_again(name, spec_objects):
    data = spec_objects[name]
    model = KINDS[data["kind"]].model_validate(data)
    dumped = model.model_dump(by_alias=True, exclude_unset=True, mode="json")
    assert dumped == data
    full = model.model_dump(by_alias=True, exclude_none=True, mode="json")
    assert type(model).model_validate(full) == model


def test_models_are_frozen(spec_objects):
    study = TuningStudy.model_validate(spec_objects["tiny"])
    with pytest.raises(ValidationError, match="frozen"):
        study.spec.parallel_trials = 3


def test_the_default_scheduler_follows_from_fidelity(edit):
    with_fidelity = TuningStudy.model_validate(edit("forecast", {"spec.scheduler": None}))
    without = TuningStudy.model_validate(edit("tiny", {}))
    assert with_fidelity.spec.early_stopping.type is SchedulerType.HYPERBAND
    assert without.spec.early_stopping.type is SchedulerType.NONE


def test_metrics_that_stages_must_report(spec_objects):
    study = TuningStudy.model_validate(spec_objects["forecast"])
    assert study.spec.reported_metrics == {"val/mape", "throughput@p50", "peak_memory_gb"}


def test_snake_case_names_serve_in_python():
    parameter = Parameter.model_validate({"name": "a", "float_": {"min": 0, "max": 1}})
    assert parameter.domain.scale is Scale.LINEAR


def test_whole_floats_are_integers_and_booleans_are_not(edit):
    study = TuningStudy.model_validate(edit("tiny", {"spec.parallelTrials": 4.0}))
    assert study.spec.parallel_trials == 4
    with pytest.raises(ValidationError, match="valid integer"):
        TuningStudy.model_validate(edit("tiny", {"spec.parallelTrials": True}))


def test_numbers_that_are_none_are_refused(edit):
    with pytest.raises(ValidationError, match="finite"):
        TuningStudy.model_validate(edit("tiny", {"spec.budget.maxCost": float("nan")}))


def test_metadata_of_the_api_server_passes_through(edit):
    data = edit("tiny", {"metadata.managedFields": [{"manager": "kubectl"}], "metadata.uid": "u"})
    metadata = TuningStudy.model_validate(data).metadata
    assert metadata.uid == "u"
    assert metadata.model_dump(by_alias=True)["managedFields"] == [{"manager": "kubectl"}]


def test_final_states():
    final = {state for state in TrialState if state.is_final}
    assert final == {"Rejected", "Completed", "Stopped", "Failed", "Cancelled"}


@pytest.mark.parametrize(
    ("selector", "labels", "chosen"),
    [
        ({}, {}, True),
        ({"matchLabels": {"a": "1"}}, {"a": "1", "b": "2"}, True),
        ({"matchLabels": {"a": "1"}}, {"a": "2"}, False),
        ({"matchLabels": {"a": "1", "b": "2"}}, {"a": "1"}, False),
    ],
)
def test_selectors(selector, labels, chosen):
    assert LabelSelector.model_validate(selector).matches(labels) is chosen


def test_namespaces_of_an_instance_type(spec_objects):
    spec = InstanceType.model_validate(spec_objects["gpu-large"]).spec
    assert [spec.allows(name) for name in ("ml", "web")] == [True, False]
    assert InstanceTypeSpec().allows("web")


def test_what_is_not_supported_says_what_to_use():
    assert [str(problem) for problem in unsupported(InstanceTypeSpec(nodes=2))] == [
        "spec.nodes: several nodes are not supported yet; use 1",
    ]


def test_the_ten_line_study_is_supported(spec_objects):
    assert unsupported(TuningStudySpec.model_validate(spec_objects["tiny"]["spec"])) == []


def test_several_nodes_are_not_supported_yet():
    assert [str(problem) for problem in unsupported(InstanceTypeSpec(nodes=2))] == [
        "spec.nodes: several nodes are not supported yet; use 1"
    ]


def test_every_reference_to_a_secret_is_found(spec_objects):
    study = TuningStudy.model_validate(spec_objects["forecast"])
    assert [name for _, name in secret_references(study)] == ["tracking"] * 4
    assert [where[-1] for where, _ in secret_references(study)] == [
        *("name", "secretName", "name", "name")
    ]
