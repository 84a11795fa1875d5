import math

import pytest

from tuner.searchers import make_searcher
from tuner.spec import InstanceType, TuningStudy
from tuner.worker.simulation import World


class Formula:
    """Loss falls with epochs towards lr's optimum; the large type is twice as fast."""

    def seconds(self, plan, *, stage, fidelity):
        if stage.name == "prepare":
            return 30.0
        speed = 2.0 if stage.instance_type == "large" else 1.0
        return 60.0 * fidelity / speed

    def metrics(self, plan, *, stage, fidelity):
        if stage.name != "train":
            return {}
        lr = next(one for one in plan.stages if one.name == "train").parameters["lr"]
        return {"loss": abs(math.log10(lr) + 3) + 1.0 / fidelity}


@pytest.fixture
def manifest():
    """A study of two stages with epochs as fidelity, as a manifest would have it."""

    def build(**spec):
        base = {
            "objectives": [
                {"metric": "loss", "direction": "Minimize"},
                {"metric": "cost", "direction": "Minimize"},
                {"metric": "runtime", "direction": "Minimize"},
            ],
            "parameters": [
                {"name": "lr", "float": {"min": 1e-5, "max": 1e-1, "scale": "Log"}},
                {"name": "words", "ordinal": {"values": [100, 200]}},
            ],
            "hardware": {"instanceTypes": ["small", "large"]},
            "pipeline": {
                "image": "example/image:1",
                "stages": [
                    {"name": "prepare", "command": ["prepare"], "parameters": ["words"]},
                    {"name": "train", "command": ["train"], "parameters": ["lr"]},
                ],
            },
            "fidelity": {"name": "epoch", "stage": "train", "max": 9},
            "scheduler": {"variant": "Stopping"},
            "searcher": {"type": "Random", "seed": 3},
            "parallelTrials": 3,
            "budget": {"maxTrials": 8},
        }
        return TuningStudy.model_validate({"metadata": {"name": "s"}, "spec": {**base, **spec}})

    return build


@pytest.fixture
def instance_types():
    return [
        InstanceType.model_validate({"metadata": {"name": name}, "spec": {"pricePerHour": price}})
        for name, price in (("small", 1.0), ("large", 3.0))
    ]


@pytest.fixture
def world(manifest, instance_types):
    """Makes a world for a study whose spec differs in the given fields."""

    def build(
        *,
        workers=1,
        store=None,
        clock=None,
        faults=None,
        factory=make_searcher,
        stored=None,
        **spec,
    ):
        return World(
            manifest(**spec).spec,
            instance_types=instance_types,
            blackbox=Formula(),
            workers=workers,
            store=store,
            clock=clock,
            faults=faults,
            searcher_factory=factory,
            stored=stored,
        )

    return build
