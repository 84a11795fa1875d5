import pytest

from benchmarks.memo.methods import OURS, SPEND_BLIND
from benchmarks.memo.runs import WARM_UP, Task, execute
from benchmarks.problems.registry import load
from benchmarks.simulate import Budget, product, run


def task(method, *, cached=True, seed=0):
    return Task(problem="synthetic-70", method=method, cached=cached, seed=seed, full_runs=3)


def test_every_method_starts_from_the_same_values():
    starts = {
        execute(task(method, cached=cached)).start
        for method, cached in [(OURS, True), ("EI", False), ("random", True), ("best prefix", True)]
    }
    assert len(starts) == 1


@pytest.mark.parametrize("method", sorted(SPEND_BLIND))
def test_a_run_without_a_cache_follows_from_the_one_with_it(method):
    derived = execute(task(method)).without_cache()
    run_itself = execute(task(method, cached=False))
    assert run_itself.hit_rate == 0.0
    shared = min(derived.count, run_itself.count)
    assert shared >= 2
    assert derived.values[:shared].tolist() == run_itself.values[:shared].tolist()
    assert derived.full[:shared].tolist() == run_itself.full[:shared].tolist()


def test_what_is_charged_is_what_was_run_and_restored():
    one = execute(task(OURS))
    assert one.count >= 3
    assert one.spent[-1] <= one.budget
    restores = one.spent[-1] - one.proposals.sum() - (one.full - one.saved).sum()
    assert 0.0 <= restores <= 3 * one.restore * one.count


def test_auto_without_earlier_studies_is_eeipu():
    problem = load("synthetic-70")
    traces = [
        run(problem, product(kind), seed=3, budget=Budget(trials=WARM_UP + 3), name=kind)
        for kind in ("Auto", OURS)
    ]
    auto, eeipu = ([one.parameters for one in trace.trials] for trace in traces)
    assert auto == eeipu
