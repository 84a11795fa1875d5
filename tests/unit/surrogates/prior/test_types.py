"""Instance types that the new study has and the earlier ones had not, and the other way round."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tuner.hardware import Group
from tuner.space import SearchSpace
from tuner.spec import Parameter
from tuner.surrogates import FeatureMap, Points
from tuner.surrogates.prior import SourceStudy, SourceTrial, pretrain, stage_seconds
from tuner.surrogates.prior.types import foreign_types

SPACE = SearchSpace.from_parameters(
    [Parameter.model_validate({"name": "size", "float": {"min": 0, "max": 1}})]
)
MACHINES = {
    # name: (cpus, GiB, accelerators, USD per hour)
    "c2": (2, 4, 0, 0.10),
    "c4": (4, 8, 0, 0.20),
    "c8": (8, 16, 0, 0.40),
    "c16": (16, 32, 0, 0.80),
    "m4": (4, 16, 0, 0.25),
    "m8": (8, 32, 0, 0.50),
    "t4": (4, 16, 1, 0.60),
    "a10": (8, 32, 1, 1.20),
    "a10x4": (48, 192, 4, 5.00),
}
FEATURES = {
    name: {
        "accelerators": float(accelerators),
        "log2_cpus": math.log2(cpus),
        "log2_memory_gib": math.log2(memory),
        "log_price": math.log(price),
    }
    for name, (cpus, memory, accelerators, price) in MACHINES.items()
}


def log_seconds(name, size, *, work, parallel, accelerated, quirk):
    """Of a task: part of the work in proportion to cores, part to accelerators; a quirk by name."""
    cpus, _, accelerators, _ = MACHINES[name]
    speed = 1.0 + parallel * (cpus - 1.0) + accelerated * accelerators * 8.0
    return work + 2.0 * size - math.log(speed) + quirk[name]


def task_of(seed):
    rng = np.random.default_rng(seed)
    return {
        "work": rng.normal(6.0, 0.5),
        "parallel": rng.uniform(0.3, 0.9),
        "accelerated": rng.uniform(0.2, 1.0),
        "quirk": {name: 0.03 * rng.normal() for name in MACHINES},
    }


def study_of(seed, types, *, trials=16):
    rng = np.random.default_rng(100 + seed)
    names, sizes = rng.choice(types, trials), rng.random(trials)
    return SourceStudy(
        uid=f"s{seed}",
        data=f"d{seed}",
        space=SPACE,
        maximize=frozenset(),
        type_features={name: FEATURES[name] for name in types},
        trials=tuple(
            SourceTrial(
                parameters={"size": float(size)},
                instance_types={"train": str(name)},
                observations=(),
                seconds={"train": math.exp(log_seconds(str(name), size, **task_of(seed)))},
            )
            for name, size in zip(names, sizes, strict=True)
        ),
    )


def features_of(*types):
    return FeatureMap(
        space=SPACE,
        groups=(Group(("train",), types),),
        type_features={name: FEATURES[name] for name in types},
    )


def points_of(features, name, sizes):
    index = features.groups[0].types.index(name)
    n = len(sizes)
    return Points(sizes[:, None], np.ones((n, 1), bool), np.full((n, 1), index), np.ones(n))


def taught(features, held_out, *, studies=3):
    used = [name for name in MACHINES if name != held_out]
    sources = [study_of(seed, used) for seed in range(studies)]
    return pretrain(sources, features=features, directions={}, fidelity=False, stages=["train"])


def told(prior, features, name, sizes, *, seen=()):
    """What the prior says of log seconds on a type, given some (type, size, value)."""
    inputs = prior.inputs(features, fidelity=False)
    rows = [inputs.transform(points_of(features, one, np.array([size]))) for one, size, _ in seen]
    X = np.concatenate([np.empty((0, len(inputs.groups))), *rows])
    model = prior.predictor(stage_seconds("train"), X, np.array([value for *_, value in seen]))
    return model.predict(inputs.transform(points_of(features, name, sizes)))


def test_types_of_earlier_studies_join_by_their_features():
    features = features_of("c4", "t4")
    sources = [study_of(0, ["c4", "c8", "a10"])]
    assert foreign_types(sources, features) == {"a10": FEATURES["a10"], "c8": FEATURES["c8"]}
    wide = features.widened(foreign_types(sources, features))
    assert wide.groups[0].types == ("c4", "t4", "a10", "c8")
    points = points_of(features, "t4", np.array([0.5]))
    assert wide.columns(fidelity=False).transform(points).shape == (1, 1 + 4 + 4)


def test_types_that_are_described_by_less_do_not_join():
    features = features_of("c4", "t4")
    vague = replace(study_of(0, ["c8"]), type_features={"c8": {"accelerators": 0.0}})
    assert foreign_types([vague], features) == {}
    assert foreign_types([study_of(0, ["c4"])], features) == {}


def test_types_that_differ_in_name_alone_do_not_join():
    features = FeatureMap(
        space=SPACE,
        groups=(Group(("train",), ("one",)),),
        type_features={"one": {"accelerators": 0.0}},
    )
    source = replace(study_of(0, ["c8"]), type_features={"c8": {"accelerators": 0.0}})
    assert foreign_types([source], features) == {}


def test_without_foreign_types_inputs_are_the_study_s_own():
    features = features_of(*MACHINES)
    prior = pretrain(
        [study_of(seed, list(MACHINES)) for seed in range(2)],
        features=features,
        directions={},
        fidelity=False,
        stages=["train"],
    )
    points = points_of(features, "c4", np.array([0.2]))
    np.testing.assert_array_equal(
        prior.inputs(features, fidelity=False).transform(points),
        features.columns(fidelity=False).transform(points),
    )


@pytest.mark.parametrize("held_out", ["c8", "m8", "a10"])
def test_a_type_that_nobody_observed_is_predicted_from_its_features(held_out):
    """Better than without features, and no surer of itself than it may be."""
    features = features_of("c2", held_out)
    prior = taught(features, held_out)
    sizes = np.linspace(0.0, 1.0, 9)
    errors, blind, scores = [], [], []
    for seed in range(20, 28):
        task = task_of(seed)
        seen = [("c2", size, log_seconds("c2", size, **task)) for size in (0.1, 0.4, 0.6, 0.9)]
        mean, variance = told(prior, features, held_out, sizes, seen=seen)
        truth = np.array([log_seconds(held_out, size, **task) for size in sizes])
        errors.append(np.mean((mean - truth) ** 2))
        on_known = np.array([log_seconds("c2", size, **task) for size in sizes])
        blind.append(np.mean((on_known - truth) ** 2))
        scores.extend((truth - mean) / np.sqrt(variance))
    assert np.mean(errors) < 0.35 * np.mean(blind)
    assert np.mean(np.abs(scores) < 1.96) > 0.8
    assert np.mean(np.abs(scores) < 0.5) < 0.9


def test_how_much_faster_a_type_is_is_learned_elsewhere():
    """Neither type of the new study was in an earlier one."""
    features = features_of("m4", "a10")
    used = [name for name in MACHINES if name not in ("m4", "a10")]
    sources = [study_of(seed, used) for seed in range(6)]
    prior = pretrain(sources, features=features, directions={}, fidelity=False, stages=["train"])
    half = np.array([0.5])
    slow, fast = (told(prior, features, name, half)[0][0] for name in ("m4", "a10"))
    expected = np.mean(
        [
            log_seconds("m4", 0.5, **task) - log_seconds("a10", 0.5, **task)
            for task in map(task_of, range(6))
        ]
    )
    assert slow - fast == pytest.approx(expected, abs=0.4)


def test_configurations_that_are_kept_can_be_tried():
    features = features_of("c2", "t4")
    prior = taught(features, "t4")
    assert len(prior.points) == 0
    assert 2 <= len(prior.seen) <= 256
    assert set(prior.seen.types.ravel()) <= {0, 1}
