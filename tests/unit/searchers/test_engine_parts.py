"""The engine's parts against sums and counts made by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.hardware import resolve
from tuner.searchers import History
from tuner.searchers.engine.facts import facts_of
from tuner.searchers.engine.front import corner, leading, non_dominated
from tuner.searchers.engine.ladder import rungs_from
from tuner.searchers.engine.making import checkpoint
from tuner.searchers.engine.models import JointModel, Output, Prediction
from tuner.searchers.engine.outcomes import Charge, charge_of, full_shares, outcomes
from tuner.searchers.engine.prefixes import Cached, stored_prefixes
from tuner.searchers.engine.reader import Reader
from tuner.searchers.joint import JointSpace
from tuner.space import SearchSpace
from tuner.spec import InstanceType, TuningStudySpec
from tuner.trial import Observation, StageOutcome, StageResult, Trial

TYPES = [
    InstanceType.model_validate(
        {
            "apiVersion": "tuner.dev/v1alpha1",
            "kind": "InstanceType",
            "metadata": {"name": name},
            "spec": {"pricePerHour": price, "resources": {"cpu": cpu}},
        }
    )
    for name, price, cpu in (("small", 36.0, "1"), ("large", 72.0, "4"))
]

SPEC = TuningStudySpec.model_validate(
    {
        "objectives": [
            {"metric": "error", "direction": "Minimize"},
            {"metric": "recall", "direction": "Maximize"},
            {"metric": "cost", "direction": "Minimize"},
        ],
        "parameters": [
            {"name": "words", "integer": {"min": 1, "max": 100}},
            {"name": "rank", "float": {"min": 0, "max": 1}},
            {"name": "lr", "float": {"min": 0.001, "max": 1, "scale": "Log"}},
        ],
        "hardware": {"instanceTypes": ["small", "large"]},
        "pipeline": {
            "image": "busybox:1",
            "stages": [
                {"name": "read", "command": ["a"], "parameters": ["words"]},
                {"name": "reduce", "command": ["a"], "parameters": ["rank"]},
                {"name": "train", "command": ["a"], "parameters": ["lr"]},
            ],
        },
        "fidelity": {"name": "epoch", "stage": "train", "min": 1, "max": 9},
        "budget": {"maxCost": 100},
    }
)


@pytest.fixture
def joint():
    space = SearchSpace.from_parameters(SPEC.parameters)
    return JointSpace(space, resolve(SPEC, catalogue=TYPES, namespace="default"))


@pytest.fixture
def facts(joint):
    types = {one.metadata.name: one.spec for one in TYPES}
    return facts_of(SPEC, choices=joint.choices, instance_types=types)


def trial(name, *, words=10, rank=0.5, lr=0.1, type="small"):
    return Trial(
        name=name,
        worker=0,
        number=0,
        parameters={"words": words, "rank": rank, "lr": lr},
        instance_types=dict.fromkeys(("read", "reduce", "train"), type),
    )


def result(stage, seconds, outcome=StageOutcome.RUN, **fields):
    return StageResult(
        stage=stage,
        outcome=outcome,
        seconds=seconds,
        cost_usd=seconds * 0.01,
        first_run_seconds=fields.pop("first_run_seconds", seconds),
        instance_type="small",
        **fields,
    )


def observed(name, fidelity, *, full=False, **metrics):
    return Observation(trial=name, fidelity=fidelity, metrics=metrics, full=full)


HISTORY = History(
    trials=(trial("a"), trial("b", lr=0.5), trial("c", words=20), trial("d", rank=0.1)),
    observations=(
        observed("a", 1, error=0.9, recall=0.1),
        observed("a", 2, error=0.8, recall=0.2),
        observed("a", 9, full=True, error=0.5, recall=0.7, cost=2.0),
        observed("b", 1, error=1.9, recall=0.0),
    ),
    open_trials=frozenset({"d"}),
    failed={"b": "Rung", "c": "OutOfMemory"},
    stages={
        "a": (result("read", 10.0), result("reduce", 20.0), result("train", 90.0)),
        "b": (
            result("read", 1.0, StageOutcome.CACHED, first_run_seconds=10.0),
            result("reduce", 2.0, StageOutcome.CACHED, first_run_seconds=20.0),
            result("train", 10.0, StageOutcome.STOPPED),
        ),
        "c": (result("read", 30.0), result("reduce", 5.0, StageOutcome.FAILED)),
    },
)


def test_rows_are_first_runs_and_values_at_rungs(facts, joint):
    data = Reader(facts, joint).read(HISTORY)
    assert data.names == ("a", "b", "c", "d")
    error = sorted(zip(data.metrics[0].fidelity, data.metrics[0].value, strict=True))
    assert error == [(1 / 9, 0.9), (1 / 9, 1.9), (1.0, 0.5)], "epoch 2 is no rung"
    assert sorted(data.metrics[1].value) == [-0.7, -0.1, 0.0], "recall is maximised"
    read, reduce, train = (sorted(np.exp(one.value).round(9)) for one in data.times)
    assert (read, reduce, train) == ([10.0, 30.0], [20.0], [10.0, 90.0]), "no hit among them"
    assert sorted(data.times[2].fidelity) == [1 / 9, 1.0]
    assert data.full.tolist() == [True, False, False, False]
    assert data.failed.tolist() == [False, False, True, False]
    assert data.is_open.tolist() == [False, False, False, True]
    assert data.stored.tolist() == [3, 2, 1, 0]
    assert data.restore_seconds[:2].tolist() == [1.0, 2.0]
    assert math.isnan(data.restore_seconds[2])
    assert data.objectives[0].tolist() == [0.5, -0.7, math.log(2.0)]
    assert data.paid.tolist() == pytest.approx([1.2, 0.13, 0.35, 0.0])


def test_a_restore_takes_what_the_last_ones_took_in_the_middle(facts, joint):
    taken = [100.0] * 40 + [2.0] * 7 + [3.0] + [50.0] * 7
    names = [f"t{number}" for number in range(len(taken))]
    history = History(
        trials=tuple(trial(name, lr=0.1 + 0.01 * number) for number, name in enumerate(names)),
        observations=tuple(observed(name, 9, full=True, error=0.5) for name in names),
        open_trials=frozenset(),
        failed={},
        stages={
            name: (result("read", seconds, StageOutcome.CACHED, first_run_seconds=10.0),)
            for name, seconds in zip(names, taken, strict=True)
        },
    )
    assert Reader(facts, joint).read(history).restore_seconds[0] == 3.0


def test_reading_again_after_more_has_happened_is_reading_at_once(facts, joint):
    reader = Reader(facts, joint)
    reader.read(HISTORY)
    later = History(
        trials=(*HISTORY.trials, trial("e", lr=0.9)),
        observations=(*HISTORY.observations, observed("d", 1, error=0.7, recall=0.3)),
        open_trials=frozenset({"e"}),
        failed={**HISTORY.failed, "d": "Rung"},
        stages={**HISTORY.stages, "d": (result("read", 1.0, StageOutcome.CACHED),)},
    )
    again, once = reader.read(later), Reader(facts, joint).read(later)
    for one, other in zip(again.metrics + again.times, once.metrics + once.times, strict=True):
        assert one.value.tolist() == other.value.tolist()
        assert one.trial.tolist() == other.trial.tolist()
    assert again.stored.tolist() == once.stored.tolist() == [3, 2, 1, 1, 0]


def test_a_prefix_is_found_by_value_and_to_its_depth(facts, joint):
    data = Reader(facts, joint).read(HISTORY)
    index = stored_prefixes(facts, joint.space.names, cached=Cached(data.points, data.stored))
    depths, owners = index.depths(data.points)
    assert depths.tolist() == [3, 2, 1, 1], "d shares the first stage with a"
    assert owners.tolist() == [0, 0, 2, 0]
    open_ends = list(index.openings(0, most=3))
    assert [one.depth for one in open_ends] == [1, 2]
    assert [one.fixed.tolist() for one in open_ends] == [[True, False, False], [True, True, False]]


def test_a_fidelity_that_begins_anew_is_paid_at_every_rung(facts):
    assert full_shares(facts).tolist() == [1.0, 1.0, 1.0]
    assert full_shares(replace(facts, restarts=True)).tolist() == pytest.approx(
        [1.0, 1.0, 1 + 1 / 9 + 3 / 9]
    )


def times(*seconds):
    log = np.log(np.array(seconds, dtype=float))[:, None]
    return Prediction(np.zeros((0, 1)), np.zeros((0, 1)), log, np.zeros_like(log))


def first_rung(facts, *seconds, charge=None, restore=(0.0, 0.0, 0.0)):
    everything = Charge(full_shares(facts)[:, None], np.zeros((3, 1)))
    return rungs_from(
        facts,
        times(*seconds),
        types=np.array([[0]]),
        charge=charge or everything,
        restore=np.array(restore),
    )


@pytest.mark.parametrize(
    ("seconds", "restarts", "first"),
    [
        ((0.001, 0.001, 90.0), False, 1.0),
        # 30 s before it: 40 s to the first rung, 60 s to the second, 120 s in all.
        ((20.0, 10.0, 90.0), False, 3.0),
        # 60 s before it: 90 s to the second rung, 150 s in all.
        ((50.0, 10.0, 90.0), False, math.inf),
        # From the beginning each time: 10, 40 and 130 s, and with 40 s before 50, 80 and 170.
        ((0.001, 0.001, 90.0), True, 1.0),
        ((40.0, 0.001, 90.0), True, 3.0),
    ],
)
def test_trials_end_only_at_rungs_that_save_something(facts, seconds, restarts, first):
    assert first_rung(replace(facts, restarts=restarts), *seconds) == first


def test_what_is_in_the_cache_makes_rungs_worth_their_while(facts, joint):
    data = Reader(facts, joint).read(HISTORY)
    charge = charge_of(facts, data, stored=np.array([2]), coming=np.array([0]))
    assert first_rung(facts, 50.0, 10.0, 90.0, charge=charge) == 1.0
    assert first_rung(replace(facts, rungs=()), 50.0, 10.0, 90.0) == 0.0


def test_coming_back_to_a_rung_restores_what_is_before_it(facts):
    """10, 30 and 90 s: with 8 s for coming back to it, the first rung saves too little."""
    slow = {"restore": (5.0, 3.0, 60.0)}
    assert first_rung(facts, 0.001, 0.001, 90.0, **slow) == 3.0
    stops = replace(facts, promotes=False)
    assert first_rung(stops, 0.001, 0.001, 90.0, **slow) == 1.0, "nobody comes back"


def reports(stage, **metrics):
    return replace(result(stage, 10.0), metrics=metrics)


def test_what_a_later_stage_reports_anew_is_not_known_at_rungs():
    """Training shows an error at rungs, compression another one at the end."""
    stages = [{"name": name, "command": ["a"]} for name in ("train", "compress")]
    spec = TuningStudySpec.model_validate(
        {
            **SPEC.model_dump(mode="json", by_alias=True, exclude_none=True),
            "pipeline": {"image": "busybox:1", "stages": stages},
        }
    )
    space = SearchSpace.from_parameters(spec.parameters)
    joint = JointSpace(space, resolve(spec, catalogue=TYPES, namespace="default"))
    types = {one.metadata.name: one.spec for one in TYPES}
    reader = Reader(facts_of(spec, choices=joint.choices, instance_types=types), joint)
    history = History(
        trials=tuple(
            replace(trial(name), instance_types={"train": "small", "compress": "small"})
            for name in "ab"
        ),
        observations=(
            observed("a", 1, error=0.9, recall=0.1),
            observed("b", 1, error=0.8, recall=0.2),
        ),
        open_trials=frozenset({"a"}),
        stages={"a": (reports("train", error=0.9, recall=0.1),)},
    )
    before = reader.read(history)
    assert sorted(before.metrics[0].value) == [0.8, 0.9]
    ended = replace(
        history,
        observations=(*history.observations, observed("a", 9, full=True, error=0.7, recall=0.3)),
        open_trials=frozenset(),
        stages={"a": (reports("train", error=0.6, recall=0.3), reports("compress", error=0.7))},
    )
    after = reader.read(ended)
    assert after.metrics[0].value.tolist() == [0.7], "what it comes to"
    assert sorted(after.metrics[1].value) == [-0.3, -0.2, -0.1], "training alone reports it"


def test_a_trial_that_waits_at_a_rung_does_not_run(facts, joint):
    waiting = replace(HISTORY, open_trials=HISTORY.open_trials | {"b", "c"}, paused={"b": 1.0})
    data = Reader(facts, joint).read(waiting)
    runs = dict(zip(data.names, data.runs.tolist(), strict=True))
    is_open = dict(zip(data.names, data.is_open.tolist(), strict=True))
    assert (is_open["b"], runs["b"]) == (True, False)
    assert (is_open["c"], runs["c"]) == (True, True)
    assert (is_open["a"], runs["a"]) == (False, False)


def test_spend_and_objectives_are_sums_over_stages(facts, joint):
    data = Reader(facts, joint).read(HISTORY)
    seconds = np.array([[10.0, 10.0], [20.0, 20.0], [90.0, 90.0]])
    prediction = Prediction(
        np.array([[0.4, 0.4], [-0.5, -0.5]]),
        np.zeros((2, 2)),
        np.log(seconds),
        np.zeros((3, 2)),
    )
    model = JointModel(tuple(Output(None, None, None) for _ in range(2)), ())
    charge = charge_of(facts, data, stored=np.array([0, 2]), coming=np.array([1, 0]))
    found = outcomes(
        facts, model, prediction, z=np.zeros((1, 5)), types=np.array([[0], [1]]), charge=charge
    )
    # The first: read is being made elsewhere, half is left and then it is restored (1 s).
    assert found.spend[0].tolist() == pytest.approx(
        [0.01 * (5.0 + 1.0 + 20.0 + 90.0), 0.02 * (1.0 + 2.0 + 90.0)]
    )
    cost = np.exp(found.objectives[0, :, 2])
    assert cost.tolist() == pytest.approx([1.2, 2.4]), "from scratch, at full fidelity"
    assert found.objectives[0, :, :2].tolist() == [[0.4, -0.5], [0.4, -0.5]]
    assert found.feasible.all()


@given(st.integers(0, 100_000))
def test_checkpoints_never_lie_ahead_and_follow_closely(count):
    size = checkpoint(count)
    assert size <= count
    assert count - size <= max(1, count // 4 + 1)
    assert checkpoint(size) == size, "a restart fits on the same rows"


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30),
)
def test_the_front_is_what_nothing_dominates(points):
    values = np.array(points, dtype=float)
    front = set(non_dominated(values).tolist())
    for index, one in enumerate(values):
        beaten = any(np.all(two <= one) and np.any(two < one) for two in values)
        assert (index in front) == (not beaten)
    assert front <= set(leading(values, rng=np.random.default_rng(0)).tolist())
    reference = corner(values[sorted(front)], values)
    assert np.all(reference > values[sorted(front)].max(axis=0))


def test_the_corner_lies_no_nearer_than_what_is_ordinary():
    """A study that begins at its front has seen nothing bad, and its ends must count."""
    front = np.array([[0.0, 1.0], [1.0, 0.0]])
    near = corner(front, front)
    np.testing.assert_allclose(near, [1.1, 1.1])
    ordinary = np.column_stack([np.linspace(0, 10, 101), np.full(101, 0.5)])
    np.testing.assert_allclose(corner(front, front, ordinary=ordinary), [9.0, 1.1])


def test_where_nothing_was_seen_the_corner_is_what_is_ordinary():
    nothing = np.zeros((0, 2))
    ordinary = np.column_stack([np.linspace(0, 10, 101), np.full(101, 0.5)])
    np.testing.assert_allclose(corner(nothing, nothing, ordinary=ordinary), [9.0, 0.5])
