import numpy as np
import pytest

from benchmarks.problems.manifest import full_run, instance_types_of, sample_runs, space_of
from benchmarks.problems.registry import BUILT_IN, UnknownProblem, load
from benchmarks.problems.synthetic import synthetic
from benchmarks.problems.types import Machine, cloud_machines

PLUG_IN = """
from benchmarks.problems.synthetic import synthetic

def mine():
    return synthetic(share=0.5)

def broken():
    return object()
"""


@pytest.mark.parametrize("share", [0.3, 0.7, 0.85])
def test_the_stages_before_the_last_cost_their_share(share):
    runs = sample_runs(synthetic(share=share), count=400)
    total = np.mean([sum(run.seconds.values()) for run in runs])
    last = np.mean([run.seconds["third"] for run in runs])
    assert total == pytest.approx(100, rel=0.03)
    assert 1 - last / total == pytest.approx(share, abs=0.03)


def test_the_optimum_is_zero():
    problem = synthetic(share=0.7)
    best = [value for one in problem.values.values() for value in one.best_unit]
    point = dict(zip(space_of(problem).names, map(float, best), strict=True))
    types = {stage.name: "machine" for stage in problem.declared.stages}
    assert full_run(problem, point, instance_types=types).metrics["value"] == pytest.approx(0)
    assert min(run.metrics["value"] for run in sample_runs(problem, count=200)) > 0


def test_a_full_run_adds_up_seconds_and_dollars():
    problem = load("synthetic-70-types")
    types = {"first": "m5-large", "second": "g4dn-xlarge", "third": "m5-large"}
    run = full_run(problem, dict.fromkeys(space_of(problem).names, 0.5), instance_types=types)
    assert run.metrics["runtime"] == pytest.approx(sum(run.seconds.values()))
    price = {"m5-large": 0.134, "g4dn-xlarge": 0.736}
    by_hand = sum(run.seconds[stage] * price[name] / 3600 for stage, name in types.items())
    assert run.metrics["cost"] == pytest.approx(by_hand)


def test_amdahl():
    half = Machine(cpus=8, parallel={"s": 0.5})
    assert half.speed("s") == pytest.approx(1 / (0.5 + 0.5 / 4))
    assert half.speed("other") == 1.0
    fast = Machine(cpus=4, accelerator=10, clock=2.0, parallel={"s": 0.2}, accelerated={"s": 0.7})
    assert fast.speed("s") == pytest.approx(2.0 / (0.1 + 0.2 / 2 + 0.7 / 10))


def test_no_type_is_better_in_everything():
    machines = cloud_machines(parallel={"s": 0.5}, accelerated={"s": 0.4})
    speed = {name: machine.speed("s") for name, machine in machines.items()}
    dollars = {name: machines[name].price_per_hour / speed[name] for name in machines}
    assert max(speed, key=speed.get) != min(dollars, key=dollars.get)


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_is_built_in_is_valid(name):
    problem = load(name)
    assert len(instance_types_of(problem)) == len(problem.declared.instance_types)
    owned = [one for stage in problem.declared.stages for one in stage.parameters]
    assert sorted(owned) == sorted(space_of(problem).names)


def test_a_problem_from_a_file(tmp_path):
    path = tmp_path / "problem.py"
    path.write_text(PLUG_IN)
    assert load(f"{path}:mine").declared.name == "synthetic-50"
    with pytest.raises(UnknownProblem, match="without declared, seconds, metrics"):
        load(f"{path}:broken")
    with pytest.raises(UnknownProblem, match="no function other"):
        load(f"{path}:other")
    with pytest.raises(UnknownProblem, match="no such file"):
        load(f"{tmp_path / 'absent.py'}:mine")


def test_an_unknown_name():
    with pytest.raises(UnknownProblem, match="synthetic-70"):
        load("nothing")
