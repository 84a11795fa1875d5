import time
from dataclasses import dataclass, replace

import pytest

from benchmarks.problems.manifest import Budget, full_run
from benchmarks.problems.synthetic import synthetic
from benchmarks.simulate import budget_in_runs, product, run
from tuner.searchers.joint import Configuration
from tuner.searchers.proposed import suggestion


@dataclass(frozen=True)
class Same:
    """Repeats the first stage of the first trial for ever."""

    joint: object

    def suggest(self, history, *, number, rng):
        unit = rng.random(len(self.joint))
        first = history.trials[0].parameters
        kept = {name: value for name, value in first.items() if name.startswith("first")}
        configuration = self.joint.complete(kept, instance_types={}, unit=unit)
        return suggestion(self.joint, configuration, why={"searcher": "Same"})


@dataclass(frozen=True)
class Slow(Same):
    """Takes a hundredth of a second to think."""

    def suggest(self, history, *, number, rng):
        until = time.process_time() + 0.01
        while time.process_time() < until:
            pass
        return super().suggest(history, number=number, rng=rng)


def same(context):
    return Same(context.joint)


def slow(context):
    return Slow(context.joint)


@pytest.fixture(scope="module")
def problem():
    return synthetic(share=0.7)


def test_a_run_is_a_function_of_its_seed(problem):
    def once(seed):
        trace = run(problem, product("Random"), seed=seed, budget=Budget(trials=14))
        return [replace(trial, proposal_seconds=0.0) for trial in trace.trials]

    assert once(1) == once(1)
    assert once(1) != once(2)


def test_all_methods_share_the_warm_up_of_a_seed(problem):
    traces = [
        run(problem, factory, seed=5, budget=Budget(trials=9), warm_up=6, cache=cache)
        for factory, cache in ((product("Random"), "all"), (same, "none"))
    ]
    warm_ups = [[one.parameters for one in trace.trials if one.warm_up] for trace in traces]
    assert len(warm_ups[0]) == 6
    assert warm_ups[0] == warm_ups[1]
    assert traces[0].trials[-1].parameters != traces[1].trials[-1].parameters


def test_charges_are_what_ran_and_metrics_are_from_scratch(problem):
    trace = run(problem, same, seed=0, budget=Budget(trials=12), warm_up=10)
    hit = trace.trials[-1]
    assert hit.cached == ("first",)
    ran = sum(seconds for stage, seconds in hit.full_seconds.items() if stage != "first")
    assert hit.seconds == pytest.approx(ran + problem.declared.restore_seconds)
    assert hit.usd == pytest.approx(hit.seconds)
    scratch = full_run(problem, hit.parameters, instance_types=hit.instance_types)
    assert hit.full_seconds == pytest.approx(scratch.seconds)
    assert hit.metrics["value"] == pytest.approx(scratch.metrics["value"])
    assert hit.full_run_seconds == pytest.approx(scratch.metrics["runtime"])
    assert trace.hit_rate == 1.0


@pytest.mark.parametrize(
    ("cache", "ours", "hits"),
    [("all", False, True), ("ours", False, False), ("ours", True, True), ("none", True, False)],
)
def test_who_may_use_the_cache(problem, cache, ours, hits):
    def factory(context):
        return same(context)

    factory.ours = ours
    trace = run(problem, factory, seed=0, budget=Budget(trials=12), cache=cache)
    assert trace.cached is hits
    assert bool(trace.hit_rate) is hits


def test_a_word_for_the_cache_that_is_none(problem):
    with pytest.raises(ValueError, match="all, none, ours"):
        run(problem, same, seed=0, budget=Budget(trials=1), cache="mine")


def test_the_budget_pays_for_warm_up_and_runs(problem):
    budget = budget_in_runs(problem, 5, seed=3, warm_up=4)
    trace = run(problem, product("Random"), seed=3, budget=budget, warm_up=4)
    assert trace.end == "BudgetExhausted"
    assert trace.spent_usd[-1] <= budget.usd + 1e-6
    assert 3 <= len(trace.after_warm_up) <= 7


def test_best_so_far_and_the_dollars_to_it(problem):
    trace = run(problem, product("Random"), seed=3, budget=Budget(trials=12))
    best = trace.best_so_far("value")
    values = [trial.metrics["value"] for trial in trace.trials]
    assert best.tolist() == [min(values[: index + 1]) for index in range(12)]
    place = values.index(min(values))
    assert trace.usd_to("value", min(values)) == trace.spent_usd[place]
    assert trace.usd_to("value", -1.0) == float("inf")


def test_proposals_are_measured_and_can_be_charged(problem):
    free = run(problem, slow, seed=0, budget=Budget(trials=12))
    assert [one.proposal_seconds >= 0.01 for one in free.trials] == 10 * [False] + 2 * [True]
    paid = run(problem, slow, seed=0, budget=Budget(trials=12), charge_proposals=True)
    later = paid.trials[-1].end - free.trials[-1].end
    assert later == pytest.approx(paid.proposal_seconds, abs=0.005)
    assert later >= 0.015


def test_several_workers_and_trials_at_a_time(problem):
    trace = run(problem, product("Sobol"), seed=0, budget=Budget(trials=16), parallel=4, workers=2)
    assert sum(one.warm_up for one in trace.trials) == 10
    assert {one.worker for one in trace.trials} == {0, 1}
    one_by_one = run(problem, product("Sobol"), seed=0, budget=Budget(trials=16))
    assert trace.trials[-1].end < one_by_one.trials[-1].end / 3


def test_a_run_can_begin_with_given_configurations(problem):
    names = [parameter["name"] for parameter in problem.declared.parameters]
    given = [Configuration(dict.fromkeys(names, value), ("machine",)) for value in (0.25, 0.75)]
    trace = run(problem, product("Random"), seed=0, budget=Budget(trials=4), warm_up=given)
    assert [one.warm_up for one in trace.trials] == [True, True, False, False]
    assert [one.parameters["first_0"] for one in trace.trials[:2]] == [0.25, 0.75]
