"""The engine as a whole: what it prefers, and that a proposal is a function of seed and log."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.acquisition import log_acquisition, log_expected_improvement, log_inverse_cost
from tuner.errors import SurrogateError
from tuner.hardware import resolve
from tuner.searchers import History, proposal_rng
from tuner.searchers.auto import engine_searcher
from tuner.searchers.engine import EngineSettings
from tuner.searchers.engine.front import leading
from tuner.searchers.engine.prefixes import Cached, stored_prefixes
from tuner.searchers.joint import JointSpace
from tuner.space import SearchSpace
from tuner.spec import InstanceType, TuningStudySpec
from tuner.trial import Observation, StageOutcome, StageResult, Trial

STAGES = ("read", "reduce", "train")
SPEEDS = {"small": 1.0, "large": 3.0}
CATALOGUE = [
    InstanceType.model_validate(
        {"metadata": {"name": name}, "spec": {"pricePerHour": 3600.0 * speed}}
    )
    for name, speed in SPEEDS.items()
]
ERROR = {"metric": "error", "direction": "Minimize"}
COST = {"metric": "cost", "direction": "Minimize"}
RECALL = {"metric": "recall", "direction": "Maximize"}


def study(*objectives, searcher="Auto", types=("small",), **changes):
    return TuningStudySpec.model_validate(
        {
            "objectives": list(objectives),
            "parameters": [
                {"name": "words", "integer": {"min": 1, "max": 100}},
                {"name": "rank", "float": {"min": 0, "max": 1}},
                {"name": "lr", "float": {"min": 0.001, "max": 1, "scale": "Log"}},
            ],
            "hardware": {"instanceTypes": list(types)},
            "pipeline": {
                "image": "busybox:1",
                "stages": [
                    {"name": "read", "command": ["a"], "parameters": ["words"]},
                    {"name": "reduce", "command": ["a"], "parameters": ["rank"]},
                    {"name": "train", "command": ["a"], "parameters": ["lr"]},
                ],
            },
            "searcher": {"type": searcher, "seed": 3},
            "budget": {"maxCost": 10_000},
            **changes,
        }
    )


def joint_of(spec):
    space = SearchSpace.from_parameters(spec.parameters)
    return JointSpace(space, resolve(spec, catalogue=CATALOGUE, namespace="default"))


def searcher_of(spec, **changes):
    return engine_searcher(
        spec,
        joint=joint_of(spec),
        instance_types={one.metadata.name: one.spec for one in CATALOGUE},
        **changes,
    )


def seconds_of(parameters, type):
    base = (100.0, 50.0 + parameters["words"], 10.0)
    return dict(zip(STAGES, (one / SPEEDS[type] ** 0.5 for one in base), strict=True))


def metrics_of(parameters, type):
    distance = (
        (parameters["words"] / 100 - 0.3) ** 2
        + (parameters["rank"] - 0.6) ** 2
        + (np.log10(parameters["lr"]) / 3 + 0.5) ** 2
    )
    seconds = sum(seconds_of(parameters, type).values())
    return {
        "error": float(distance),
        "recall": float(1.0 - distance + 0.2 * parameters["rank"]),
        "cost": seconds * SPEEDS[type],
        "runtime": seconds,
    }


def played(spec, count, *, seed=0):
    """A history of random trials that have all ended."""
    joint = joint_of(spec)
    rng = np.random.default_rng(seed)
    trials, observations, stages = [], [], {}
    for number in range(count):
        configuration = joint.from_unit(rng.random(len(joint)))
        type = configuration.chosen[0]
        trials.append(
            Trial(
                name=f"t-0-{number}",
                worker=0,
                number=number,
                parameters=configuration.parameters,
                instance_types=dict.fromkeys(STAGES, type),
            )
        )
        observations.append(
            Observation(
                trial=f"t-0-{number}",
                fidelity=1.0,
                metrics=metrics_of(configuration.parameters, type),
                full=True,
            )
        )
        stages[f"t-0-{number}"] = tuple(
            StageResult(
                stage=stage,
                outcome=StageOutcome.RUN,
                seconds=seconds,
                cost_usd=seconds * SPEEDS[type],
                first_run_seconds=seconds,
                instance_type=type,
            )
            for stage, seconds in seconds_of(configuration.parameters, type).items()
        )
    return History(trials=tuple(trials), observations=tuple(observations), stages=stages)


def suggest(searcher, history, *, number=20):
    return searcher.suggest(history, number=number, rng=proposal_rng(3, worker=0, number=number))


def scorer_of(spec, history, **changes):
    searcher = searcher_of(spec, **changes)
    engine = searcher.engine
    data = engine.reader.read(history)
    return engine.scorer(
        history,
        data,
        Cached(data.points, data.stored),
        best=leading(data.objectives, rng=np.random.default_rng(0)),
        start_up=5,
        rng=np.random.default_rng(1),
    )


def completions(data):
    """The trials with another learning rate: their first two stages are in the cache."""
    unit = data.points.unit.copy()
    unit[:, 2] = 0.5
    return replace(data.points, unit=unit)


CASES = [(ERROR,), (ERROR, COST), (ERROR, RECALL, COST)]


@pytest.mark.parametrize(("objectives", "least"), [((ERROR,), 1.0), ((ERROR, COST), 0.5)])
def test_spend_counts_in_full_to_the_end_where_there_is_one_reported_objective(objectives, least):
    spec = study(*objectives, budget={"maxTrials": 20})
    assert scorer_of(spec, played(spec, 5)).eta == 1.0
    assert scorer_of(spec, played(spec, 20)).eta == least


@pytest.mark.parametrize("objectives", CASES)
def test_a_restarted_worker_makes_the_same_proposal(objectives):
    spec = study(*objectives, types=("small", "large"))
    history = played(spec, 14)
    used = searcher_of(spec)
    for size in (8, 11):
        names = {one.name for one in history.trials[:size]}
        suggest(
            used,
            replace(
                history,
                trials=history.trials[:size],
                observations=tuple(o for o in history.observations if o.trial in names),
            ),
        )
    assert suggest(used, history) == suggest(searcher_of(spec), history)


def test_another_worker_proposes_something_else():
    spec = study(ERROR, COST)
    history = played(spec, 14)
    first = suggest(searcher_of(spec), history, number=20)
    second = suggest(searcher_of(spec), history, number=21)
    assert first.parameters != second.parameters


def test_what_is_proposed_gets_better_than_chance():
    spec = study(ERROR)
    history = played(spec, 12)
    start = min(one.metrics["error"] for one in history.observations)
    searcher = searcher_of(spec)
    best = min(
        metrics_of(suggest(searcher, history, number=n).parameters, "small")["error"]
        for n in range(20, 24)
    )
    assert best < 0.7 * start


def test_the_closed_form_is_eeipu():
    """Against the paper's acquisition put together from the models' predictions."""
    spec = study(ERROR, searcher="EEIPU")
    history = played(spec, 12)
    scorer = replace(scorer_of(spec, history), eta=1.0)
    points = completions(scorer.data)
    prediction = scorer.model.predict(points)
    improvement = log_expected_improvement(
        prediction.metric_mean[0], prediction.metric_sd[0], best=scorer.front.min()
    ).value
    depths, _ = scorer.stored.depths(points)
    assert depths.tolist() == [2] * 12
    inverse = log_inverse_cost(
        prediction.time_mean, prediction.time_sd, scorer.z[:, 1:], memoised=depths, epsilon=1.0
    )
    assert scorer(points) == pytest.approx(log_acquisition(improvement, inverse, eta=1.0))


def test_a_cached_prefix_makes_a_candidate_worth_more_and_only_by_what_it_saves():
    spec = study(ERROR)
    history = played(spec, 12)
    scorer = scorer_of(spec, history)
    empty = replace_stored(scorer, depths=np.zeros_like(scorer.data.stored))
    points = completions(scorer.data)
    assert np.all(np.isfinite(empty(points)))
    assert np.all(scorer(points) >= empty(points) - 1e-9)
    free = replace(scorer, eta=0.0)
    assert free(points) == pytest.approx(replace(empty, eta=0.0)(points))


def replace_stored(scorer, *, depths):
    names = ("words", "rank", "lr")
    cached = Cached(scorer.data.points, depths)
    return replace(scorer, stored=stored_prefixes(scorer.facts, names, cached=cached))


def test_what_a_trial_will_not_measure_is_not_to_be_won():
    """Times of cached stages are not sampled: else one could hope for the same luck for ever."""
    spec = study(ERROR, COST)
    scorer = scorer_of(spec, played(spec, 12))
    points = completions(scorer.data)
    prediction = scorer.model.predict(points)
    doubtful = replace(prediction, time_sd=np.ones_like(prediction.time_sd))
    found = scorer.outcomes(points, doubtful)
    read, reduce, train = np.exp(prediction.time_mean)
    luck = np.exp(scorer.z[:, 3])[:, None]
    assert found.objectives[..., 1] == pytest.approx(np.log(read + reduce + train * luck))


def test_the_order_of_objectives_does_not_matter():
    history = played(study(ERROR, COST), 14)
    one = scorer_of(study(ERROR, COST), history)
    other = scorer_of(study(COST, ERROR), history)
    points = completions(one.data)
    assert np.all(np.isfinite(one(points)))
    assert one(points) == pytest.approx(other(points))


def test_what_is_cached_as_a_whole_is_not_done_again():
    scorer = scorer_of(study(ERROR), played(study(ERROR), 12))
    assert np.all(np.isneginf(scorer(scorer.data.points)))


def test_cached_prefixes_are_completed_and_the_reason_says_so():
    spec = study(ERROR, searcher="EEIPU")
    history = played(spec, 15)
    suggestion = suggest(searcher_of(spec), history)
    prefix = suggestion.why["prefix"]
    owner = next(one for one in history.trials if one.name == prefix["trial"])
    names = {"read": "words", "reduce": "rank"}
    for stage in prefix["stages"]:
        assert suggestion.parameters[names[stage]] == owner.parameters[names[stage]]
    assert 90.0 < prefix["savesUsd"] < 260.0
    assert suggestion.why["spend"]["usd"] < 160.0
    assert suggestion.why["predicted"]["error"]["sd"] > 0.0


def test_without_reuse_no_prefix_is_spoken_of():
    spec = study(ERROR)
    searcher = searcher_of(spec, settings=EngineSettings(reuse=False))
    assert "prefix" not in suggest(searcher, played(spec, 15)).why


def test_failing_configurations_are_avoided():
    spec = study(ERROR)
    history = played(spec, 24)
    bad = [t.name for t in history.trials if t.parameters["words"] < 50]
    failed = replace(
        history,
        observations=tuple(o for o in history.observations if o.trial not in bad),
        failed=dict.fromkeys(bad, "OutOfMemory"),
    )
    searcher = searcher_of(spec)
    words = [suggest(searcher, failed, number=n).parameters["words"] for n in range(30, 36)]
    assert np.mean(words) > 45.0
    assert suggest(searcher, failed).why["failureProbability"] < 0.6


def test_a_constraint_keeps_proposals_where_it_holds():
    spec = study(ERROR, constraints=[{"metric": "recall", "min": 0.97}])
    searcher = searcher_of(spec)
    suggestion = suggest(searcher, played(spec, 30))
    assert metrics_of(suggestion.parameters, "small")["recall"] > 0.95


@pytest.mark.filterwarnings("error")
@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.sampled_from([0.0, 1.0, 1.0 + 1e-12, -1e-300, 1e300, -1e300, 1e12, 0.5, 0.3]),
        min_size=6,
        max_size=10,
    )
)
def test_whatever_stages_report_there_is_a_proposal(values):
    spec = study(ERROR, RECALL, COST)
    history = played(spec, len(values))
    strange = tuple(
        replace(one, metrics={**one.metrics, "error": value, "recall": values[-1 - index]})
        for index, (one, value) in enumerate(zip(history.observations, values, strict=True))
    )
    suggestion = suggest(searcher_of(spec), replace(history, observations=strange))
    assert suggestion.parameters.keys() == {"words", "rank", "lr"}
    for one in suggestion.why.get("predicted", {}).values():
        assert all(math.isfinite(value) for value in one.values())


def test_a_study_goes_on_where_its_models_fail(monkeypatch):
    def broken(*args, **kwargs):
        raise SurrogateError("the covariance cannot be factorised")

    spec = study(ERROR)
    searcher = searcher_of(spec)
    monkeypatch.setattr(searcher.engine.models, "build", broken)
    assert suggest(searcher, played(spec, 12)).why["searcher"] == "Sobol"
