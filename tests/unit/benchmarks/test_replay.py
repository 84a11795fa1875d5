import json
import math
from dataclasses import replace as changed

import numpy as np
import pytest

from benchmarks.problems.fit import fit
from benchmarks.problems.manifest import Budget, full_run, sample_runs
from benchmarks.problems.recorded import Recorded
from benchmarks.problems.replay import CLOUD_TIME_SCALE, RESTORE_SECONDS, TIME_SCALE, replay
from benchmarks.problems.surrogate import Kernel, Surface
from benchmarks.problems.types import Machine
from benchmarks.recordings._nested import SECONDS, Recorder, Recording, Stage, record
from benchmarks.simulate import product, run

MACHINES = {
    "slow": Machine(price_per_hour=1.0),
    "fast": Machine(price_per_hour=3.0, clock=2.0),
}


def prepare(values, given):
    return given + values["a"], {}


def train(values, given):
    loss = 0.1 + (given + math.log10(values["lr"]) + values["depth"] / 10) ** 2
    return loss, {f"loss@{epoch}": loss * (1 + 1 / epoch) for epoch in (1, 2, 3)}


def finish(values, given):
    return None, {"loss": given * math.exp(values["t"])}


RECORDING = Recording(
    name="toy",
    description="Arithmetic.",
    stages=(
        Stage("prepare", ({"name": "a", "float": {"min": 0, "max": 1}},), prepare),
        Stage(
            "train",
            (
                {"name": "lr", "float": {"min": 0.01, "max": 1, "scale": "Log"}},
                {"name": "depth", "integer": {"min": 1, "max": 5}},
            ),
            train,
        ),
        Stage("finish", ({"name": "t", "float": {"min": 0, "max": 1}},), finish),
    ),
    tasks={"now": 1.0, "before": 1.5},
    design={"now": (10, 2, 2), "before": (2, 2, 1)},
    objectives=({"metric": "loss", "direction": "Minimize"},),
    fidelity={"name": "epoch", "stage": "train", "min": 1, "max": 3},
    packages=("numpy",),
)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The recording with seconds that follow from its parameters, and its fit."""
    folder = tmp_path_factory.mktemp("recording")
    record(RECORDING, folder=folder, repeats=1)
    raw = Recorded.read("toy", folder=folder)
    seconds = [
        {
            "prepare_seconds": str(1 + float(row["a"])),
            "train_seconds": str(2 * float(row["depth"])),
            "finish_seconds": str(0.5 + float(row["t"])),
        }
        for row in raw.rows
    ]
    timed = changed(raw, rows=[{**row, **own} for row, own in zip(raw.rows, seconds, strict=True)])
    return changed(timed, facts={**timed.facts, "replay": fit(timed)})


def test_prefixes_are_recorded_once(recorded):
    assert len(recorded.of("now")) == 40
    assert len({row["a"] for row in recorded.of("now")}) == 10
    assert len({(row["a"], row["lr"], row["depth"]) for row in recorded.of("now")}) == 20
    assert len(recorded.table("now", stage="train", columns=["train_seconds"])[0]) == 20
    rows = list(Recorder(RECORDING, repeats=1).rows("before", design=(2, 2, 1)))
    assert len({row[f"prepare{SECONDS}"] for row in rows}) <= 2


def test_the_facts_name_no_place(recorded):
    assert "/" not in json.dumps(recorded.facts)
    assert recorded.facts["recorded"]["rows"] == 44
    assert recorded.facts["recorded"]["machine"]["threads_used"] == 1


def test_the_replay_agrees_with_what_was_recorded(recorded):
    problem = replay(recorded)
    for row in recorded.of("now")[:12]:
        values = recorded.values(row)
        types = dict.fromkeys(recorded.stages, "machine")
        known = full_run(problem, values, instance_types=types)
        assert known.metrics["loss"] == pytest.approx(float(row["loss"]), rel=0.25)
        expected = {stage: TIME_SCALE * float(row[f"{stage}_seconds"]) for stage in recorded.stages}
        assert known.seconds == pytest.approx(expected, rel=0.1)
    assert problem.declared.restore_seconds == TIME_SCALE * RESTORE_SECONDS


def test_cross_validated_fit_is_published(recorded):
    fitted = replay(recorded).declared.facts["replay"]
    assert set(fitted) == {"prepare_seconds", "train_seconds", "finish_seconds", "loss", "loss@"}
    assert fitted["train_seconds"]["r2"] > 0.9
    assert fitted["loss"]["r2_new_prefix"] <= 1.0


def test_a_curve_falls_to_its_end_and_takes_time_in_proportion(recorded):
    problem = replay(recorded)
    values = recorded.values(recorded.of("now")[0])
    known = {name: values[name] for name in ("a", "lr", "depth")}
    where = {"instance_type": "machine"}
    curve = [problem.metrics("train", known, fidelity=e, **where)["loss"] for e in (1, 1.5, 2, 3)]
    assert curve == sorted(curve, reverse=True)
    seconds = [problem.seconds("train", known, fidelity=e, **where) for e in (1.0, 3.0)]
    assert seconds[1] == pytest.approx(3 * seconds[0])


def test_types_change_time_and_price_and_nothing_else(recorded):
    problem = replay(recorded, machines=MACHINES, name="toy-types")
    values = recorded.values(recorded.of("now")[0])
    slow, fast = (
        full_run(problem, values, instance_types=dict.fromkeys(recorded.stages, name))
        for name in ("slow", "fast")
    )
    assert fast.metrics["runtime"] == pytest.approx(slow.metrics["runtime"] / 2)
    assert fast.metrics["cost"] == pytest.approx(slow.metrics["cost"] * 1.5)
    assert fast.metrics["loss"] == slow.metrics["loss"]


def test_earlier_studies_are_what_was_recorded(recorded):
    problem = replay(recorded, machines=MACHINES)
    (study,) = problem.declared.earlier
    assert (study.name, len(study.trials)) == ("before", 4)
    trial, row = study.trials[0], recorded.of("before")[0]
    assert trial.metrics["loss"] == float(row["loss"])
    assert trial.curve[1.0]["loss"] == float(row["loss@1"])
    machine = MACHINES[trial.instance_types["train"]]
    expected = CLOUD_TIME_SCALE * float(row["train_seconds"]) / machine.clock
    assert trial.seconds["train"] == pytest.approx(expected)
    assert trial.metrics["runtime"] == pytest.approx(sum(trial.seconds.values()))


def test_a_replay_runs_with_and_without_early_stopping(recorded):
    stopping = run(replay(recorded), product("Random"), seed=0, budget=Budget(trials=15))
    assert {trial.state for trial in stopping.trials} == {"Completed", "Stopped"}
    assert set(stopping.trials[0].curve) >= {1.0, 3.0}
    whole = run(
        replay(recorded, fidelity=False), product("Random"), seed=0, budget=Budget(trials=12)
    )
    assert {trial.state for trial in whole.trials} == {"Completed"}


def test_the_surface_is_the_mean_of_a_gaussian_process():
    rng = np.random.default_rng(0)
    X, Y = rng.random((12, 2)), rng.random((12, 1))
    kernel = Kernel(np.array([0.5, 2.0]), noise=1e-3)
    gram = np.empty((12, 12))
    for i in range(12):
        for j in range(12):
            r = math.sqrt(5 * (((X[i, 0] - X[j, 0]) / 0.5) ** 2 + ((X[i, 1] - X[j, 1]) / 2) ** 2))
            gram[i, j] = (1 + r + r * r / 3) * math.exp(-r)
    centred = Y[:, 0] - Y[:, 0].mean()
    by_hand = gram @ np.linalg.solve(gram + 1e-3 * np.eye(12), centred) + Y[:, 0].mean()
    surface = Surface(kernel, X, Y)
    assert surface(X)[:, 0] == pytest.approx(by_hand)
    assert surface(X[3]) == pytest.approx(by_hand[3:4])
    assert surface.r2(groups=np.arange(12) % 4) < 1.0


def test_random_configurations_have_finite_values(recorded):
    runs = sample_runs(replay(recorded, machines=MACHINES), count=20)
    assert all(one.metrics for one in runs)
    assert all(math.isfinite(value) for one in runs for value in one.metrics.values())
