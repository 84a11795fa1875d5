import numpy as np
import pytest

from benchmarks.memo.figures import (
    Table,
    count,
    figures_of,
    hits,
    improvement,
    memo_part,
    over_mean,
    over_one,
    reached,
    spend_to_final,
)
from benchmarks.memo.runs import Run, Task


def run(method, *, seed=0, cached=True, values, full=10.0, saved=0.0, start=1.0, budget=100.0):
    """Trials of equal cost, one value each."""
    n = len(values)
    paid = full - saved
    return Run(
        task=Task(problem="synthetic-70", method=method, cached=cached, seed=seed),
        problem="synthetic-70",
        spent=np.cumsum(np.full(n, paid)),
        values=np.array(values, dtype=float),
        full=np.full(n, full),
        saved=np.full(n, saved),
        start=start,
        budget=budget,
        restore=0.0,
        proposals=np.zeros(n),
        apart=np.ones(n, dtype=bool),
    )


@pytest.fixture
def table():
    """Ours pays 4 of 10 and is at .2 after 12; EI has .2 after 40, random nothing."""
    runs = []
    for seed in range(4):
        runs += [
            run("EEIPU", seed=seed, values=[0.9, 0.5, 0.2, *[0.2] * 22], saved=6.0),
            run("EI", seed=seed, values=[0.9, 0.9, 0.5, 0.2, *[0.3] * 6]),
            run("EI", seed=seed, values=[0.9, 0.9, 0.5, 0.2, *[0.3] * 6], cached=False),
            run("random", seed=seed, values=[1.5] * 10),
            run("random", seed=seed, values=[1.5] * 10, cached=False),
        ]
    return Table.of(runs)["synthetic-70"]


def test_counts_and_improvements_over_the_mean_and_over_the_best(table):
    assert over_mean(table, count).value == pytest.approx(25 / 10 - 1)
    assert over_mean(table, improvement).value == pytest.approx(0.8 / 0.4 - 1)
    assert table.best(improvement) == "EI"
    assert over_one(table, "EI", improvement).value == pytest.approx(0.0)


def test_spend_is_compared_where_the_curves_meet(table):
    assert spend_to_final(table, "EI").value == pytest.approx(12 / 40)
    assert spend_to_final(table, "random").value == 0.0
    assert reached(np.array([3.0, 2.0, 1.0]), 0.5) == 2.0


def test_hits_and_what_the_cache_gives(table):
    assert hits(table.ours) == (1.0, pytest.approx(0.6))
    assert memo_part(table.ours) == pytest.approx(1 / (1 - 0.6))
    assert hits(table.runs["EI", True]) == (0.0, 0.0)


def test_every_figure_of_a_problem_says_whether_its_target_is_met(table):
    figures = {one.name: one for one in figures_of(table, lowest=0.1)}
    first = figures["synthetic-70: R1 configurations over the mean, gain"]
    assert first.target == pytest.approx(0.85 * (1 / (1 - 0.9 * 0.6) - 1))
    assert first.met
    assert not figures["synthetic-70: R2 improvement over EI, gain"].met
    assert figures["synthetic-70: gap closed, of 1"].value == pytest.approx(0.8 / 0.9)
    possible = figures["synthetic-70: R2 improvement over EI that is possible"]
    assert possible.value == pytest.approx(0.9 / 0.8 - 1)
    assert figures["synthetic-70: R2 dollars to the end of EI, ratio"].met
    assert figures["synthetic-70: memo part over 1/(1 - p (s - restores))"].value == pytest.approx(
        1.0
    )


def test_without_a_cache_the_same_proposals_are_paid_in_full():
    cached = run("EI", values=[0.9, 0.8, 0.7, 0.1], full=40.0, saved=20.0)
    plain = cached.without_cache()
    assert plain.values.tolist() == [0.9, 0.8]
    assert plain.spent.tolist() == [40.0, 80.0]
    assert (plain.final, plain.hit_rate, plain.task.cached) == (0.8, 0.0, False)


def test_the_best_value_is_a_step_function_of_the_spend():
    one = run("EI", values=[0.9, 1.4, 0.3])
    spent = np.array([0.0, 9.9, 10.0, 29.9, 30.0, 100.0])
    assert one.at(spent).tolist() == [1.0, 1.0, 0.9, 0.9, 0.3, 0.3]
    assert run("EI", values=[2.0]).improvement == 0.0
