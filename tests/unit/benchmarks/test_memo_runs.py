import pytest

from benchmarks.memo.kept import keep_run, read_runs, run_to_json
from benchmarks.memo.least import least
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


def test_kept_runs_are_read_back_bit_by_bit_and_a_torn_line_is_run_again(tmp_path):
    path = tmp_path / "runs.jsonl"
    assert read_runs(path) == {}
    first, second = execute(task("EI")), execute(task("random"))
    keep_run(path, first)
    with path.open("a") as file:
        file.write(run_to_json(second)[:100])
    assert set(read_runs(path)) == {first.task}
    keep_run(path, second)
    back = read_runs(path)
    assert list(back) == [first.task, second.task]
    assert run_to_json(back[first.task]) == run_to_json(first)
    assert back[second.task].final == second.final


def test_a_file_of_something_else_is_told(tmp_path):
    path = tmp_path / "other.jsonl"
    path.write_text("{}\n")
    with pytest.raises(ValueError, match="not a run"):
        read_runs(path)


def test_the_least_value_of_the_synthetic_pipeline_is_zero():
    assert least("synthetic-70", searches=1) == pytest.approx(0.0, abs=0.05)
