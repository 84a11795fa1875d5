"""How studies with several objectives begin when earlier ones tell where the front is."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tuner.acquisition.front_draws import chances
from tuner.hardware import instance_features, resolve
from tuner.pareto import dominates
from tuner.searchers import History, proposal_rng
from tuner.searchers.auto import PORTFOLIO, engine_searcher
from tuner.searchers.engine import EngineSettings
from tuner.searchers.engine.closing import Closing
from tuner.searchers.engine.prospects import BRIEFLY, objective_draws
from tuner.searchers.joint import JointSpace
from tuner.space import SearchSpace
from tuner.spec import InstanceType, TuningStudySpec
from tuner.spec.why import Why
from tuner.surrogates.prior import SourceObservation, SourceStudy, SourceTrial, pretrain
from tuner.transfer.learning import Recipe
from tuner.trial import Observation, StageOutcome, StageResult, Trial

# name: (cpus, USD per hour)
MACHINES = {"small": (2, 1.0), "middle": (4, 1.8), "large": (8, 3.2), "huge": (16, 9.0)}
CATALOGUE = [
    InstanceType.model_validate(
        {
            "metadata": {"name": name},
            "spec": {"pricePerHour": price, "resources": {"cpu": str(cpus), "memory": "8Gi"}},
        }
    )
    for name, (cpus, price) in MACHINES.items()
]
SPECS = {one.metadata.name: one.spec for one in CATALOGUE}
ERROR, RUNTIME, COST = (
    {"metric": metric, "direction": "Minimize"} for metric in ("error", "runtime", "cost")
)
ALL = (ERROR, RUNTIME, COST)


def study(*objectives, types=("small", "middle", "large"), finite=False, **changes):
    width = {"ordinal": {"values": [1, 2, 4]}} if finite else {"float": {"min": 1, "max": 4}}
    return TuningStudySpec.model_validate(
        {
            "objectives": list(objectives),
            "parameters": [{"name": "width", **width}],
            "hardware": {"instanceTypes": list(types)},
            "pipeline": {
                "image": "busybox:1",
                "stages": [{"name": "train", "command": ["a"], "cache": "Never"}],
            },
            "searcher": {"type": "Auto", "seed": 3},
            "budget": {"maxTrials": 40},
            **changes,
        }
    )


def outcome(width, type, *, shift=0.0):
    """A wider model errs less and takes longer; cores help, the dear ones less than they cost."""
    cpus, price = MACHINES[type]
    seconds = 600.0 * math.exp(shift) * width / cpus**0.7
    return {
        "error": 0.1 + 0.5 / width + 0.1 * abs(shift),
        "runtime": seconds,
        "cost": seconds * price / 3600.0,
    }


def source(number, *, types=tuple(MACHINES)):
    rng = np.random.default_rng(number)
    trials = []
    for index in range(20):
        width, type = float(rng.uniform(1, 4)), types[index % len(types)]
        found = outcome(width, type, shift=0.2 * number - 0.3)
        trials.append(
            SourceTrial(
                parameters={"width": width},
                instance_types={"train": type},
                observations=(SourceObservation(fidelity=1.0, metrics={"error": found["error"]}),),
                seconds={"train": found["runtime"]},
            )
        )
    return SourceStudy(
        uid=f"s{number}",
        data=f"d{number}",
        space=SearchSpace.from_parameters(study(*ALL).parameters),
        maximize=frozenset(),
        type_features={name: instance_features(SPECS[name]) for name in types},
        trials=tuple(trials),
    )


def joint_of(spec):
    choices = resolve(spec, catalogue=CATALOGUE, namespace="default")
    return JointSpace(SearchSpace.from_parameters(spec.parameters), choices)


@pytest.fixture(scope="module")
def prior_of():
    """The prior of a study, from two earlier ones; made once for each space."""
    known = {}

    def make(spec, **changes):
        recipe = Recipe.of(spec, choices=joint_of(spec).choices, instance_types=SPECS)
        key = str((recipe.described, dict(recipe.directions), changes))
        if key not in known:
            known[key] = pretrain(
                [source(number, **changes) for number in (0, 3)],
                features=recipe.features,
                directions=recipe.directions,
                fidelity=recipe.fidelity,
                stages=recipe.stages,
            )
        return known[key]

    return make


@pytest.fixture
def searcher_of(prior_of):
    def make(spec, *, worker=0, workers=1, sources=None, **changes):
        return engine_searcher(
            spec,
            joint=joint_of(spec),
            instance_types=SPECS,
            worker=worker,
            workers=workers,
            prior=prior_of(spec, **(sources or {})),
            **changes,
        )

    return make


def ask(searcher, history, *, number=0, worker=0):
    return searcher.suggest(
        history, number=number, rng=proposal_rng(3, worker=worker, number=number)
    )


def add(history, found, *, worker=0, number=0, ended=True):
    """The history with a trial, ended or not."""
    name = f"t-{worker}-{number}"
    trial = Trial(
        name=name,
        worker=worker,
        number=number,
        parameters=found.parameters,
        instance_types=found.instance_types,
        why=found.why,
    )
    if not ended:
        return history.with_open(trial)
    type = found.instance_types["train"]
    metrics = outcome(found.parameters["width"], type, shift=0.15)
    stage = StageResult(
        stage="train",
        outcome=StageOutcome.RUN,
        seconds=metrics["runtime"],
        cost_usd=metrics["cost"],
        first_run_seconds=metrics["runtime"],
        instance_type=type,
    )
    return replace(
        history,
        trials=(*history.trials, trial),
        observations=(
            *history.observations,
            Observation(trial=name, fidelity=1.0, metrics=metrics, full=True),
        ),
        stages={**history.stages, name: (stage,)},
        started=history.started + 1,
    )


def place(found):
    return found.parameters["width"], found.instance_types["train"]


def played(searcher, count):
    history, found = History(), []
    for number in range(count):
        found.append(ask(searcher, history, number=number))
        history = add(history, found[-1], number=number)
    return history, found


def test_the_first_trials_lie_on_the_front_and_apart(searcher_of):
    """Among a thousand others none dominates them, and they are no neighbours."""
    _, found = played(searcher_of(study(*ALL)), 3)
    rng = np.random.default_rng(0)
    others = [
        outcome(width, type, shift=0.15)
        for width, type in zip(
            rng.uniform(1, 4, 1000), rng.choice(["small", "middle", "large"], 1000), strict=True
        )
    ]
    for one in found:
        width, type = place(one)
        mine = list(outcome(width, type, shift=0.15).values())
        better = [np.array(list(each.values())) for each in others]
        assert np.mean([dominates((1.02 * each).tolist(), mine) for each in better]) < 0.05
    widths = sorted(place(one)[0] for one in found)
    assert max(widths) - min(widths) > 1.0


def test_each_says_how_likely_it_is_on_the_front(searcher_of):
    _, found = played(searcher_of(study(*ALL)), 5)
    for number, one in enumerate(found[:3]):
        why = Why.model_validate(one.why)
        assert why.searcher == "Auto"
        assert why.prior.portfolio == number
        assert 0.0 < why.prior.on_front <= 1.0
    assert all(one.why.get("candidates") for one in found[3:])


@pytest.mark.parametrize("objectives", [ALL, (RUNTIME, COST), (COST,)])
def test_the_same_seed_and_log_give_the_same_trials(searcher_of, objectives):
    spec = study(*objectives)
    history, found = played(searcher_of(spec), 4)
    for number, one in enumerate(found):
        kept = replace(
            history,
            trials=history.trials[:number],
            observations=history.observations[:number],
            stages={trial.name: history.stages[trial.name] for trial in history.trials[:number]},
            started=number,
        )
        assert ask(searcher_of(spec), kept, number=number) == one


def test_workers_that_begin_together_begin_with_different_trials(searcher_of):
    spec = study(*ALL)
    found = [
        ask(searcher_of(spec, worker=worker, workers=3), History(), worker=worker)
        for worker in range(3)
    ]
    assert len({place(one) for one in found}) == 3
    # One after the other they take the same ones.
    history = add(History(), found[0], worker=0, ended=False)
    assert place(ask(searcher_of(spec, worker=1, workers=3), history, worker=1)) == place(found[1])


def test_while_nothing_can_be_modelled_trials_are_drawn_from_the_front(searcher_of):
    """Many workers, none of which has seen an end: no two alike, all of them likely."""
    spec = study(*ALL)
    searcher = searcher_of(spec)
    history = History()
    for number in range(8):
        found = ask(searcher, history, number=number)
        assert found.why["prior"]["onFront"] > 0.0
        assert ("portfolio" in found.why["prior"]) == (number < 3)
        history = add(history, found, number=number, ended=False)
    assert len({place(trial) for trial in history.trials}) == 8


def test_a_finite_space_is_compared_as_a_whole(searcher_of):
    searcher = searcher_of(study(*ALL, finite=True))
    engine = searcher.engine
    data = engine.reader.read(History())
    prospects = engine.prospector.estimate(
        engine.models.build(data),
        data,
        best=np.zeros(0, dtype=np.intp),
        rng=np.random.default_rng(0),
    )
    assert len(prospects.points) == 9
    np.testing.assert_array_equal(prospects.chance, chances(prospects.draws))
    assert prospects.draws.shape == (BRIEFLY.draws, 9, 3)


def test_trials_are_candidates_once_and_not_chosen_again(searcher_of):
    searcher = searcher_of(study(*ALL, finite=True))
    engine = searcher.engine
    history, _ = played(searcher, 4)
    data = engine.reader.read(history)
    prospects = engine.prospector.estimate(
        engine.models.build(data), data, best=np.arange(4), rng=np.random.default_rng(0)
    )
    closing = Closing.of(engine.choices, frozenset())
    assert len(prospects.points) == 9
    assert len(prospects.tried) == 4
    rows = prospects.likely(9, closing=closing, rng=np.random.default_rng(1))
    assert not set(rows) & set(prospects.tried.tolist())
    assert not set(prospects.best(9, closing=closing)) & set(prospects.tried.tolist())
    assert prospects.chance_of(data.points[:1]) is not None


def test_cost_and_runtime_are_drawn_from_the_same_seconds(searcher_of):
    searcher = searcher_of(study(RUNTIME, COST))
    engine = searcher.engine
    data = engine.reader.read(History())
    points = engine.prospector.candidates(64, rng=np.random.default_rng(0))
    draws = objective_draws(
        engine.facts,
        engine.models.build(data),
        points,
        count=16,
        rng=np.random.default_rng(1),
    )
    prices = engine.facts.prices[0][points.types[:, 0]]
    np.testing.assert_allclose(draws[..., 1] - draws[..., 0], np.tile(np.log(prices), (16, 1)))
    assert draws[..., 0].std(axis=0).min() > 0.0


def test_what_is_observed_changes_what_is_likely(searcher_of):
    """A type that turns out ten times slower than ever before is left."""
    spec = study(RUNTIME, COST, finite=True)
    searcher = searcher_of(spec)
    engine = searcher.engine

    def chance_of_large(history):
        data = engine.reader.read(history)
        prospects = engine.prospector.estimate(
            engine.models.build(data),
            data,
            best=np.arange(len(data)),
            rng=np.random.default_rng(0),
        )
        return prospects.chance[prospects.points.types[:, 0] == 2].max()

    history = History()
    for number, (width, type) in enumerate(
        [(1, "large"), (2, "large"), (1, "small"), (4, "large")]
    ):
        found = replace(
            ask(searcher, History()), parameters={"width": width}, instance_types={"train": type}
        )
        history = add(history, found, number=number)
    slow = {
        name: tuple(
            replace(one, first_run_seconds=20.0 * one.first_run_seconds)
            if one.instance_type == "large"
            else one
            for one in stages
        )
        for name, stages in history.stages.items()
    }
    assert chance_of_large(History()) > 0.9
    assert chance_of_large(replace(history, stages=slow)) < 0.5


def test_closed_types_are_not_opened_with(searcher_of):
    spec = study(*ALL)
    searcher = searcher_of(spec)
    history = replace(History(), closed=frozenset({"large", "small"}))
    for number in range(6):
        found = ask(searcher, history, number=number)
        assert found.instance_types == {"train": "middle"}
        history = add(history, found, number=number, ended=number < 4)


def test_a_type_that_no_earlier_study_had_is_opened_with(searcher_of):
    """By its features `large` is on the front of time."""
    spec = study(RUNTIME, COST)
    searcher = searcher_of(spec, sources={"types": ("small", "middle", "huge")})
    assert "huge" in searcher.engine.prior.types
    _, found = played(searcher, 2)
    assert "large" in {place(one)[1] for one in found}


def test_one_metric_begins_with_what_did_best_before(searcher_of):
    searcher = searcher_of(study(ERROR))
    assert searcher.opening is None
    _, found = played(searcher, PORTFOLIO)
    assert [one.why["prior"] for one in found] == [{"portfolio": row} for row in range(PORTFOLIO)]


def test_the_estimate_can_be_switched_off(searcher_of):
    for settings in (EngineSettings(front_estimate=False), EngineSettings(transfer=False)):
        searcher = searcher_of(study(*ALL), settings=settings)
        assert searcher.opening is None
        _, found = played(searcher, 8)
        assert not any("onFront" in one.why.get("prior", {}) for one in found)
