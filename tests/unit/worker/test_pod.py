"""What a worker's pod is told, and how it reads the study."""

import json
from pathlib import Path
from typing import Any

import pytest

from tuner.artifacts import S3Settings, encode_settings
from tuner.errors import TunerError
from tuner.spec import TuningStudySpec
from tuner.worker.pod import PodSettings, StudyWatch, read_choices, read_instance_types, slots_of

ENVIRONMENT = {
    "TUNER_STUDY": "ranker",
    "TUNER_NAMESPACE": "ml",
    "TUNER_STUDY_UID": "u1",
    "TUNER_WORKER": "1",
    "TUNER_WORKERS": "3",
    "TUNER_STORE": encode_settings(S3Settings(endpoint="minio:9000", bucket="tuner")),
}


def study(**spec: Any) -> dict[str, Any]:
    document = {"parallelTrials": 8, "budget": {"maxTrials": 40}, **spec}
    return {"metadata": {"name": "ranker", "uid": "u1"}, "spec": document}


def watch(answers: list[dict[str, Any] | None], seconds: list[float]) -> StudyWatch:
    return StudyWatch(
        lambda: answers.pop(0),
        PodSettings.from_environment(ENVIRONMENT),
        monotonic=lambda: seconds[0],
    )


def test_settings_come_from_the_environment() -> None:
    settings = PodSettings.from_environment(ENVIRONMENT)
    assert settings.study.study_prefix == "studies/ml/ranker.u1"
    assert (settings.ordinal, settings.workers) == (1, 3)


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(TunerError, match="TUNER_STUDY_UID"):
        PodSettings.from_environment(_without("TUNER_STUDY_UID"))


def _without(name: str) -> dict[str, str]:
    return {key: value for key, value in ENVIRONMENT.items() if key != name}


@pytest.mark.parametrize(("parallel", "workers"), [(1, 1), (8, 3), (2, 4), (100, 13)])
def test_shares_of_all_workers_add_up(parallel: int, workers: int) -> None:
    shares = [slots_of(parallel, ordinal=one, workers=workers) for one in range(workers)]
    assert sum(shares) == parallel
    assert max(shares) - min(shares) <= 1


def test_demand_follows_the_study() -> None:
    answers: list[dict[str, Any] | None] = [
        study(),
        study(suspend=True),
        {**study(), "status": {"state": "Succeeded"}},
        {**study(), "metadata": {"name": "ranker", "uid": "another"}},
    ]
    now = [0.0]
    source = watch(answers, now)
    assert (source.demand().slots, source.demand().max_trials) == (3, 40)
    assert len(answers) == 3, "asked once within two seconds"
    now[0] = 10
    assert source.demand().slots == 0
    now[0] = 20
    assert source.demand().ended
    now[0] = 30
    assert source.demand().ended, "a study of that name with another uid is not this one"


@pytest.mark.parametrize(
    ("asked", "ahead", "prepared"),
    [({}, 0, False), ({"lookAhead": "None"}, 0, False), ({"lookAhead": "Proposal"}, 0, True),
     ({"lookAhead": "Trial"}, 1, True), ({"lookAhead": "Pod"}, 2, True)],
)  # fmt: skip
def test_the_study_says_how_far_a_worker_looks_ahead(
    asked: dict[str, str], ahead: int, prepared: bool
) -> None:
    demand = watch([study(workers=asked)], [0.0]).demand()
    assert (demand.ahead, demand.prepared) == (ahead, prepared)


@pytest.mark.parametrize(("parallel", "per_worker"), [(17, 8), (1, 8), (16, 8), (1_920, 8), (5, 1)])
def test_the_workers_of_a_study_share_its_parallel_trials(parallel: int, per_worker: int) -> None:
    workers = -(-parallel // per_worker)
    shares = [slots_of(parallel, ordinal=one, workers=workers) for one in range(workers)]
    assert sum(shares) == parallel
    assert max(shares) <= per_worker
    assert min(shares) >= 1


def test_choices_group_the_stages_that_share_hardware(tmp_path: Path) -> None:
    spec = TuningStudySpec.model_validate(
        {
            "objectives": [{"metric": "loss", "direction": "Minimize"}],
            "parameters": [{"name": "lr", "float": {"min": 0.1, "max": 1}}],
            "hardware": {"instanceTypes": ["a", "b"]},
            "pipeline": {
                "image": "x",
                "stages": [
                    {"name": "prepare", "command": ["p"]},
                    {"name": "measure", "command": ["m"], "hardware": {"instanceTypes": ["t4"]}},
                    {"name": "train", "command": ["t"]},
                ],
            },
            "budget": {"maxTrials": 3},
        }
    )
    stages = {"prepare": ["a", "b"], "measure": ["t4"], "train": ["a", "b"]}
    (tmp_path / "stages.json").write_text(json.dumps(stages))
    choices = read_choices(spec, folder=tmp_path)
    assert [group.stages for group in choices.groups] == [("prepare", "train"), ("measure",)]
    assert choices.cardinality == 2


def test_missing_choices_are_an_error(tmp_path: Path) -> None:
    spec = TuningStudySpec.model_construct()
    with pytest.raises(TunerError, match="cannot be read"):
        read_choices(spec, folder=tmp_path)


def test_instance_types_come_from_the_operator(tmp_path: Path) -> None:
    described = {"a100": {"pricePerHour": 4.0, "resources": {"cpu": "8", "nvidia.com/gpu": 1}}}
    (tmp_path / "instance-types.json").write_text(json.dumps(described))
    types = read_instance_types(folder=tmp_path)
    assert types["a100"].price_per_hour == 4.0
    assert types["a100"].resources["nvidia.com/gpu"] == 1


@pytest.mark.parametrize("text", ["[]", "{", '{"a": {"pricePerHour": "dear"}}'])
def test_unreadable_instance_types_are_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "instance-types.json").write_text(text)
    with pytest.raises(TunerError, match="cannot be read"):
        read_instance_types(folder=tmp_path)
