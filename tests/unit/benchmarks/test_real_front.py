"""What a front on a grid is worth, and that the grid's studies are valid."""

import pytest

from benchmarks.real_front.grids import PROBLEMS, code, instance_types
from benchmarks.real_front.scoring import Cell, Grid
from tuner.spec import InstanceType, TuningStudySpec


def key(number):
    return (("x", number),), ("cpu",)


CELLS = {
    key(0): Cell(values=(0.1, 8.0), paid_usd=8.0),
    key(1): Cell(values=(0.2, 2.0), paid_usd=2.0),
    key(2): Cell(values=(0.3, 1.0), paid_usd=1.0),
    key(3): Cell(values=(0.3, 8.0), paid_usd=5.0),
}
GRID = Grid(cells=CELLS)


def test_the_whole_front_is_all_there_is_and_the_rest_adds_nothing():
    assert GRID.paid_usd == 16
    assert GRID.share(CELLS) == 1
    assert GRID.share(GRID.front) == 1
    assert set(GRID.front) == {key(0), key(1), key(2)}
    assert GRID.share([]) == 0
    assert GRID.share([(("x", 99),), ("cpu",)]) == 0


def test_a_part_of_the_front_is_worth_the_volume_that_it_dominates():
    # Errors scaled: 0, .5, 1; logarithms of dollars: 1, 1/3, 0; the corner at 1.05.
    middle = (1.05 - 0.5) * (1.05 - 1 / 3)
    whole = middle + 0.5 * 0.05 + 0.05 * (1 / 3)
    assert GRID.share([key(1)]) == pytest.approx(middle / whole)


def test_a_random_order_stops_when_its_money_is_spent():
    assert set(GRID.random_shares(0.5, repeats=20)) == {0.0}
    assert set(GRID.random_shares(16.0, repeats=20)) == {1.0}
    some = GRID.random_shares(4.0, repeats=200)
    assert 0 < sum(some) / len(some) < 1
    assert some == GRID.random_shares(4.0, repeats=200)


def test_a_random_order_may_be_of_some_configurations_only():
    alone = GRID.random_shares(16.0, repeats=20, within=lambda one: one == key(1))
    assert set(alone) == {GRID.share([key(1)])}
    assert set(GRID.random_shares(16.0, repeats=2, within=lambda one: False)) == {0.0}


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_grid_is_a_study_of_finite_size(name):
    problem = PROBLEMS[name]
    spec = TuningStudySpec.model_validate(problem.study("grid", budget={"maxTrials": 9})["spec"])
    assert {one.metric for one in spec.objectives} == set(problem.objectives)
    assert all(one.command[:2] == ("env", "TUNER_SEED=0") for one in spec.pipeline.stages)
    assert {one.name for one in spec.parameters} == set(problem.values)
    offered = [InstanceType.model_validate(one) for one in instance_types()]
    assert spec.hardware.instance_types == tuple(one.metadata.name for one in offered)
    assert len({one.spec.price_per_hour for one in offered}) == len(offered) == 3
    assert "train.py" in code()["data"]
