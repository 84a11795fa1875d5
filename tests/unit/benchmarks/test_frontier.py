import math

import numpy as np
import pytest

from benchmarks.auto import MAX_TRIALS, curves, methods_of, tasks_of
from benchmarks.frontier.figures import SHARE, Table, controls_of, figures_of
from benchmarks.frontier.methods import METHODS, OURS
from benchmarks.frontier.runs import Run, Task
from benchmarks.problems.manifest import Budget
from benchmarks.problems.synthetic import synthetic
from benchmarks.simulate import run


def run_of(method, seed, *, share, each):
    """A run whose trials cost `each`."""
    task = Task(problem="toy", method=method, seed=seed, full_runs=10, max_trials=MAX_TRIALS)
    return Run(
        task=task,
        spent=each * np.arange(1, len(share) + 1),
        share=np.array(share),
        trials={"Completed": len(share)},
        budget=10.0,
        hit_rate=0.5,
        proposal_seconds=0.1,
    )


@pytest.fixture
def table():
    runs = []
    for seed in range(4):
        runs.append(run_of(OURS, seed, share=[0.5, 0.96, 0.97], each=1.0))
        runs.append(run_of("random", seed, share=[0.5, 0.6, 0.7], each=1.0))
        runs.append(run_of("smac", seed, share=[0.5, 0.85, 0.96], each=2.0))
        runs.append(run_of("without cache", seed, share=[0.5, 0.9, 0.95], each=1.5))
    return Table.of(runs)["toy"]


def test_dollars_to_a_share():
    run = run_of(OURS, 0, share=[0.5, 0.96], each=1.5)
    assert run.spent_to(SHARE) == 3.0
    assert run.spent_to(0.99) == run.budget
    assert not run.reaches(0.99)
    assert run.at(np.array([0.0, 1.4, 1.5, 9.0])).tolist() == [0.0, 0.0, 0.5, 0.96]


def test_runs_are_kept_in_a_file():
    run = run_of(OURS, 0, share=[0.5, 0.96], each=1.5)
    again = Run.from_json(run.to_json())
    assert again.task == run.task
    assert again.to_json() == run.to_json()


def test_ratios_are_against_the_best_peer_and_each_ablation(table):
    figures = {figure.name: figure for figure in figures_of(table)}
    headline = figures["toy: dollars to 95% of the front, best peer, smac / Auto"]
    assert headline.value == pytest.approx(6.0 / 2.0)
    assert headline.interval == pytest.approx((3.0, 3.0))
    assert headline.met
    end = figures["toy: dollars to the end of smac (96.0%), smac / Auto"]
    assert end.value == pytest.approx(6.0 / 2.0)
    ablation = figures["toy: dollars to 95% of the front, without cache / Auto"]
    assert ablation.value == pytest.approx(4.5 / 2.0)
    assert ablation.target is None


def test_controls_say_who_never_got_there(table):
    controls = controls_of(table)
    assert controls["random"]["seeds that reach 95%"] == 0
    assert controls["random"]["runs to 95%"] == [10.0, 10.0, 10.0]
    assert controls["random"]["Auto wins, ties, loses"] == [4, 0, 0]
    assert controls[OURS]["share at the end"][0] == pytest.approx(0.97)


def test_tasks_pair_seeds_and_methods():
    methods = [OURS, "random", "without Hyperband"]
    problems = ["synthetic-70-types", "auto-torch"]
    tasks = list(tasks_of(problems, seeds=2, methods=methods, quick=False))
    assert len(set(tasks)) == 2 * 2 + 2 * 3
    assert methods_of("Auto;random", quick=False) == ["Auto", "random"]
    assert set(methods_of(None, quick=True)) <= set(METHODS)


def test_curves_show_every_method(table):
    document = curves(table)
    assert all(name in document for name in table.runs)


def test_methods_are_compared_on_the_seeds_that_both_have():
    runs = [run_of(OURS, seed, share=[0.5, 0.96], each=1.0 + seed) for seed in range(3)]
    runs += [run_of("smac", 1, share=[0.5, 0.96], each=8.0)]
    table = Table.of(runs)["toy"]
    assert [one.task.seed for one in table.pairs(OURS, "smac")[0]] == [1]
    headline = next(each for each in figures_of(table) if "95% of the front" in each.name)
    assert headline.value == pytest.approx(16.0 / 4.0)
    assert controls_of(table)["smac"]["Auto wins, ties, loses"] == [1, 0, 0]


def test_no_promise_is_kept_where_ours_never_gets_there():
    runs = [run_of(OURS, seed, share=[0.5, 0.9], each=0.1) for seed in range(3)]
    runs += [run_of("smac", seed, share=[0.5, 0.6], each=8.0) for seed in range(3)]
    met = {each.name: each.met for each in figures_of(Table.of(runs)["toy"]) if "95%" in each.name}
    assert list(met.values()) == [False]


def test_completions_start_from_the_best_trials_and_repeat_none():
    problem = synthetic(share=0.7)
    trace = run(problem, METHODS["random completions"].factory, seed=0, budget=Budget(trials=30))
    best, least, kept = {}, math.inf, 0
    for one in trace.trials:
        if not one.warm_up and one.cached:
            first = {name: one.parameters[name] for name in best if name.startswith("first")}
            assert first == {name: best[name] for name in first}
            kept += 1
        if one.metrics["value"] < least:
            best, least = one.parameters, one.metrics["value"]
    assert 10 <= kept <= 18  # a third of them begin anew
    assert len({tuple(one.parameters.values()) for one in trace.trials}) == 30
