"""Each baseline maximises what it is said to, found by listing a grid; and no two are the same."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.stats import norm

from benchmarks.baselines import BASELINES, CONTROLS, Seen, Setting
from benchmarks.baselines.lambo import LamboSearcher, draw_height, draw_leaf
from benchmarks.baselines.models import objective_model, stage_cost_models, total_cost_model
from benchmarks.baselines.prefix import MultiStageSearcher
from tuner.hardware import resolve
from tuner.searchers import History, proposal_rng
from tuner.space import SearchSpace
from tuner.spec import InstanceType, TuningStudySpec
from tuner.trial import Observation, StageOutcome, StageResult, Trial

STAGES = ("clean", "embed", "fit")
WARM_UP = 10
BUDGET = 500.0


def objective(parameters):
    a, b, c = parameters["a"], parameters["b"], parameters["c"]
    return (a - 2) ** 2 / 4 + (b - 5) ** 2 / 9 + abs(c - 1) + 0.1 * a * c


def seconds_of(parameters):
    a, b, c = parameters["a"], parameters["b"], parameters["c"]
    return {"clean": 4.0 + 3 * a, "embed": 1.0 + a * b, "fit": 2.0 + c**2}


def parameter(name, kind):
    if kind == "grid":
        return {"name": name, "ordinal": {"values": [0, 1, 2, 3, 4, 5]}}
    return {"name": name, "float": {"min": 0.0, "max": 5.0}}


def make_setting(kind):
    machine = InstanceType.model_validate(
        {"metadata": {"name": "machine"}, "spec": {"pricePerHour": 3600.0}}
    )
    spec = TuningStudySpec.model_validate(
        {
            "objectives": [{"metric": "loss", "direction": "Minimize"}],
            "parameters": [parameter(name, kind) for name in "abc"],
            "hardware": {"instanceTypes": ["machine"]},
            "pipeline": {
                "image": "example",
                "stages": [
                    {"name": stage, "command": ["run"], "parameters": [name]}
                    for stage, name in zip(STAGES, "abc", strict=True)
                ],
            },
            "budget": {"maxCost": BUDGET},
        }
    )
    return Setting(
        spec=spec,
        space=SearchSpace.from_parameters(spec.parameters),
        choices=resolve(spec, catalogue=[machine], namespace="ml"),
        instance_types={"machine": machine.spec},
        warm_up=WARM_UP,
    )


def make_history(setting, configurations):
    """Trials that have all completed, with a cache for everyone."""
    trials, observations, stages, spent = [], [], {}, 0.0
    seen = set()
    for number, parameters in enumerate(configurations):
        trial = Trial(
            name=f"s-0-{number}",
            worker=0,
            number=number,
            parameters=parameters,
            instance_types=dict.fromkeys(STAGES, "machine"),
        )
        results = []
        for depth, (stage, first) in enumerate(seconds_of(parameters).items()):
            key = tuple(parameters[name] for name in "abc"[: depth + 1])
            cost = 0.0 if key in seen else first
            seen.add(key)
            results.append(
                StageResult(
                    stage=stage,
                    outcome=StageOutcome.RUN if cost else StageOutcome.CACHED,
                    seconds=cost,
                    cost_usd=cost,
                    first_run_seconds=first,
                    instance_type="machine",
                )
            )
        trials.append(trial)
        stages[trial.name] = tuple(results)
        spent += sum(one.cost_usd for one in results)
        observations.append(
            Observation(
                trial=trial.name,
                fidelity=1.0,
                metrics={"loss": objective(parameters)},
                full=True,
            )
        )
    return History(trials=trials, observations=observations, stages=stages, spent_usd=spent)


@pytest.fixture
def grid():
    return make_setting("grid")


@pytest.fixture
def cube():
    return make_setting("cube")


def warm_up(setting, seed=0):
    rng = np.random.default_rng(seed)
    drawn = []
    while len(drawn) < WARM_UP:
        one = setting.space.sample(rng)
        if one not in drawn:
            drawn.append(one)
    return make_history(setting, drawn)


def everything(setting):
    configurations = [
        dict(zip("abc", values, strict=True)) for values in product(range(6), repeat=3)
    ]
    units = np.array([setting.space.encode(one) for one in configurations])
    return configurations, setting.points(units)


def improvement(model, points, best):
    mean, deviation = model.predict(points)
    z = (best - mean) / deviation
    return (best - mean) * norm.cdf(z) + deviation * norm.pdf(z)


def ask(searcher, history, number=WARM_UP, seed=0):
    return searcher.suggest(history, number=number, rng=proposal_rng(seed, worker=0, number=number))


def expected_cost_worth(name, seen, setting, points):
    """EI's factor by listing, with plain sums in place of logarithms."""
    left = (BUDGET - seen.spent) / (BUDGET - seen.warm_up_spent)
    if name == "EI":
        return np.ones(len(points))
    if name in ("EIPS", "CArBO"):
        cost = np.exp(total_cost_model(seen, setting).predict(points)[0])
        return 1 / cost if name == "EIPS" else cost**-left
    rng = np.random.default_rng(5)
    total = np.zeros((4000, len(points)))
    for model in stage_cost_models(seen, setting):
        mean, deviation = model.predict(points)
        total += np.exp(mean + deviation * rng.standard_normal((4000, 1)))
    return (1 / total).mean(axis=0) ** left


@pytest.mark.parametrize("name", ["EI", "EIPS", "CArBO", "MS-CArBO"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_proposal_is_the_best_of_all_configurations(grid, name, seed):
    history = warm_up(grid, seed)
    history = make_history(
        grid, [one.parameters for one in history.trials] + [{"a": 1, "b": 1, "c": 5}]
    )
    seen = Seen.of(history, setting=grid)
    configurations, points = everything(grid)
    model = objective_model(seen, grid)
    worth = improvement(model, points, model.predict(seen.points)[0].min())
    worth = worth * expected_cost_worth(name, seen, grid, points)
    tried = [trial.parameters for trial in history.trials]
    new = [index for index, one in enumerate(configurations) if one not in tried]
    chosen = ask(BASELINES[name](grid), history).parameters
    # Sobol draws and plain ones give the expectation of the inverse up to a few thousandths.
    assert worth[configurations.index(chosen)] >= 0.99 * max(worth[new])


def test_no_two_baselines_propose_the_same(cube):
    proposals = {}
    # With half of the budget gone; before, cooling changes nothing.
    histories = [replace(warm_up(cube, seed), spent_usd=0.6 * BUDGET) for seed in range(3)]
    for name, make in {**BASELINES, **CONTROLS}.items():
        chosen = [ask(make(cube), history).parameters for history in histories]
        proposals[name] = tuple(tuple(one.values()) for one in chosen)
    # In its first turn multi-stage BO is EI; see the test of its turns.
    assert proposals.pop("MS_BO") == proposals["EI"]
    assert len(set(proposals.values())) == len(proposals)


def test_cooling_turns_carbo_from_eips_into_ei(cube):
    def proposals(name, spent):
        history = replace(warm_up(cube), spent_usd=spent)
        return ask(BASELINES[name](cube), history).parameters

    start = warm_up(cube).spent_usd
    assert proposals("CArBO", start) == proposals("EIPS", start)
    assert proposals("CArBO", BUDGET) == proposals("EI", BUDGET)
    assert proposals("MS-CArBO", BUDGET) == proposals("EI", BUDGET)


def test_costs_are_learnt_from_first_runs_and_from_what_a_stage_depends_on(cube):
    history = warm_up(cube)
    again = [*(one.parameters for one in history.trials)]
    again += [{**again[0], "c": c} for c in (0.5, 1.5, 2.5, 3.5)]
    seen = Seen.of(make_history(cube, again), setting=cube)
    models = stage_cost_models(seen, cube)
    assert [model.inputs.groups.tolist() for model in models] == [[0], [0, 1], [0, 1, 2]]
    assert [len(model.process) for model in models] == [10, 10, 14]
    first = models[0].predict(seen.points[:1])[0][0]
    assert first == pytest.approx(np.log(4 + 3 * again[0]["a"]), abs=0.1)


def test_multi_stage_bo_takes_turns(cube):
    history = warm_up(cube)
    seen = Seen.of(history, setting=cube)
    best = min((one.parameters for one in history.trials), key=objective)
    searcher = MultiStageSearcher(setting=cube)
    free = [searcher.region(seen, turn=turn).free.tolist() for turn in range(4)]
    assert free == [[True] * 3, [False, True, True], [False, False, True], [True] * 3]
    more = make_history(
        cube, [*(one.parameters for one in history.trials), {**best, "a": 0.1, "c": 4}]
    )
    chosen = ask(searcher, more, number=WARM_UP + 1).parameters
    assert chosen["a"] == best["a"]
    assert chosen["b"] != best["b"]


def test_the_control_keeps_the_best_prefix(cube):
    history = warm_up(cube)
    best = min((one.parameters for one in history.trials), key=objective)
    chosen = [ask(CONTROLS["best prefix"](cube), history, number=n).parameters for n in (10, 11)]
    assert all((one["a"], one["b"]) == (best["a"], best["b"]) for one in chosen)
    assert chosen[0]["c"] != chosen[1]["c"]


def test_lambo_keeps_the_stages_above_the_height(cube):
    searcher = LamboSearcher(setting=cube)
    assert [(level.stage, level.column) for level in searcher.levels] == [(0, 0), (1, 1)]
    previous = cube.space.encode({"a": 4.0, "b": 1.0, "c": 2.0})
    leaf = searcher.leaf_of(previous)
    assert leaf == 0b10
    still = searcher.region(leaf, 0, previous=previous)
    assert still.free.tolist() == [False, False, True]
    second = searcher.region(0b11, 1, previous=previous)
    assert second.free.tolist() == [False, True, True]
    assert (second.low[1], second.high[1], second.low[0]) == (0.5, 1.0, previous[0])
    anew = searcher.region(0b01, 2, previous=previous)
    assert (anew.low.tolist(), anew.high.tolist()) == ([0.0, 0.5, 0.0], [0.5, 1.0, 1.0])


def test_lambo_stays_half_of_the_time_and_never_leaves_the_subtree():
    rng = np.random.default_rng(0)
    heights = [draw_height(3, rng) for _ in range(4000)]
    shares = np.bincount(heights) / 4000
    assert shares == pytest.approx([0.5, 0.25, 0.125, 0.125], abs=0.03)
    weights = tuple(np.log([0.5, 0.5, 1, 1, 3, 1, 1, 1]))
    drawn = np.array([draw_leaf(5, 1, weights, rng) for _ in range(4000)])
    assert set(drawn) == {4, 5}
    assert np.mean(drawn == 4) == pytest.approx(0.75, abs=0.03)


def test_lambo_goes_on_from_the_log(cube):
    history = warm_up(cube)
    searcher = LamboSearcher(setting=cube)
    first = ask(searcher, history)
    assert sum(np.exp(first.why["logWeights"])) > 1
    trials = [*history.trials]
    more = make_history(cube, [*(one.parameters for one in trials), first.parameters])
    last = more.trials[-1]
    told = Trial(
        name=last.name,
        worker=0,
        number=last.number,
        parameters=last.parameters,
        instance_types=last.instance_types,
        why=first.why,
    )
    told_history = History(
        trials=[*more.trials[:-1], told],
        observations=more.observations,
        stages=more.stages,
        spent_usd=more.spent_usd,
    )
    kept = 0
    for seed in range(20):
        chosen = ask(searcher, told_history, number=11, seed=seed)
        assert chosen == ask(LamboSearcher(setting=cube), told_history, number=11, seed=seed)
        kept += (chosen.parameters["a"], chosen.parameters["b"]) == (
            first.parameters["a"],
            first.parameters["b"],
        )
    assert 3 <= kept <= 17
