from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tuner.pipeline import StudyIdentity
from tuner.spec import InstanceTypeSpec, TuningStudySpec
from tuner.trial import Trial

DIGEST = "registry.example/ranker@sha256:" + "a" * 64


def _document() -> dict[str, Any]:
    return {
        "objectives": [
            {"metric": "val/loss", "direction": "Minimize", "value": "Best", "stage": "train"},
            {"metric": "cost", "direction": "Minimize"},
        ],
        "parameters": [
            {"name": "lr", "float": {"min": 1.0e-5, "max": 1.0}},
            {"name": "layers", "integer": {"min": 1, "max": 8}},
            {"name": "vocab", "ordinal": {"values": [16000, 32000]}},
        ],
        "inputs": [{"name": "clicks", "version": "1", "uri": "/data/clicks"}],
        "hardware": {"instanceTypes": ["small", "large"]},
        "pipeline": {
            "image": DIGEST,
            "env": [{"name": "RUN_GROUP", "value": "$(TUNER_STUDY)"}],
            "stages": [
                {
                    "name": "tokenize",
                    "command": ["tok", "$(TUNER_PARAM_VOCAB)"],
                    "parameters": ["vocab"],
                    "inputs": ["clicks"],
                    "hardware": {"instanceTypes": ["cpu"]},
                },
                {
                    "name": "train",
                    "command": ["train", "$(TUNER_ARGS)"],
                    "parameters": ["lr", "layers"],
                    "timeout": "4h",
                },
                {"name": "export", "command": ["export"], "parameters": []},
                {
                    "name": "bench",
                    "command": ["bench"],
                    "parameters": [],
                    "hardware": {"instanceTypes": ["cpu"]},
                    "cache": "Never",
                },
            ],
        },
        "fidelity": {"name": "epoch", "stage": "train", "max": 27},
        "budget": {"maxTrials": 10},
    }


@pytest.fixture
def spec() -> Callable[..., TuningStudySpec]:
    """Makes a spec; the argument changes the document in place first."""

    def make(change: Callable[[dict[str, Any]], object] | None = None) -> TuningStudySpec:
        document = _document()
        if change is not None:
            change(document)
        return TuningStudySpec.model_validate(document)

    return make


@pytest.fixture
def trial() -> Trial:
    return Trial(
        name="ranker-0-3",
        worker=0,
        number=3,
        parameters={"lr": 0.001, "layers": 2, "vocab": 16000},
        instance_types={"train": "large", "export": "large"},
    )


@pytest.fixture
def types() -> Mapping[str, InstanceTypeSpec]:
    return {
        "cpu": InstanceTypeSpec(price_per_hour=0.1),
        "small": InstanceTypeSpec(price_per_hour=0.5),
        "large": InstanceTypeSpec.model_validate(
            {"pricePerHour": 2.0, "env": [{"name": "OMP_NUM_THREADS", "value": "4"}]}
        ),
    }


@pytest.fixture
def study() -> StudyIdentity:
    return StudyIdentity(name="ranker", namespace="ml", uid="0b9d-1")
