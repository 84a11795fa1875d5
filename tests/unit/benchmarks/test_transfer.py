"""The transfer benchmark's arithmetic and tables, on made-up ones."""

import csv
import gzip
import json

import numpy as np
import pytest

from benchmarks.transfer import tables
from benchmarks.transfer.baselines import mean_rank
from benchmarks.transfer.case import EVALUATIONS, WORST, Case
from benchmarks.transfer.curves import NEVER, area, evaluations, interval, summary
from benchmarks.transfer.own import portfolio
from benchmarks.transfer.syne_tune_peers import nearest_rows
from benchmarks.transfer.tables import Collection

GRID = {
    "order": ["depth", "rate"],
    "depth": [1, 2, 3],
    "rate": [0.1, 0.2, 0.3, 0.4],
}


def collection_of(*values):
    """Tasks that share 4 * 15 rows; the first values are given, the others are bad."""
    X = np.stack(np.meshgrid(np.arange(4), np.arange(15)), axis=-1).reshape(-1, 2) / 15
    y = tuple(np.append(np.array(each, float), np.full(60 - len(each), 9.0)) for each in values)
    return Collection("made-up", tuple(f"t{i}" for i in range(len(y))), (X,) * len(y), y)


@pytest.fixture
def case():
    """Three sources: row 1 is second on all, rows 0, 2 and 3 are best on one each."""
    third = [[0, 1, 4, 8], [4, 1, 0, 8], [8, 1, 8, 0]]
    collection = collection_of(*third, [0, 0, 0, 0])
    return Case.of(collection, 3, [0, 1, 2, 3])


@pytest.fixture
def curves():
    """Two tasks, four evaluations: the mean falls to .45, .1, .05, .05."""
    ours = np.array([[0.5, 0.1, 0.0, 0.0], [0.4, 0.1, 0.1, 0.1]])
    theirs = np.array([[1.0, 1.0, 0.5, 0.2], [0.4, 0.1, 0.1, 0.1]])
    return {"ours": ours, "theirs": theirs}


def test_regret_is_0_at_the_best_1_at_the_median_and_never_rises():
    y = np.array([3.0, 1.0, 2.0, 100.0, 2.5])
    case = Case("c", "t", np.zeros((5, 1)), y, (), True)
    # least 1, median 2.5
    np.testing.assert_allclose(case.regret([3, 4, 2, 0, 1]), [WORST, 1.0, 2 / 3, 2 / 3, 0.0])


def test_a_left_out_task_is_no_source_of_its_own(case):
    assert [each.name for each in case.sources] == ["t0", "t1", "t2"]
    assert case.matched


def test_evaluations_to_a_regret_are_those_of_the_mean_over_tasks(curves):
    assert [evaluations(curves["ours"], level) for level in (0.5, 0.1, 0.05)] == [1, 2, 3]
    assert evaluations(curves["ours"], 0.04) == NEVER == EVALUATIONS + 1


def test_the_area_is_the_sum_of_the_mean_curve(curves):
    assert area(curves["ours"]) == pytest.approx(0.45 + 0.1 + 0.05 + 0.05)


def test_intervals_resample_tasks_for_all_methods_together(curves):
    low, high = interval(curves, lambda one: area(one["ours"]) / area(one["theirs"]))
    # either task alone, twice
    assert low == pytest.approx(0.6 / 2.7)
    assert high == pytest.approx(1.0)


def test_tasks_are_won_by_area_and_near_ones_are_ties(curves):
    assert summary(curves, ours="ours")["theirs"]["oursWinTieLoss"] == [1, 1, 0]
    assert summary(curves, ours="theirs")["ours"]["oursWinTieLoss"] == [0, 1, 1]


def test_a_portfolio_covers_the_sources_before_it_repeats_a_compromise(case):
    rows = portfolio(case, np.random.default_rng(0))
    # the compromise first, then what is best on one source each
    assert rows[0] == 1
    assert sorted(rows[1:4]) == [0, 2, 3]
    assert len(rows) == len(set(rows)) == EVALUATIONS


def test_the_mean_rank_prefers_the_compromise(case):
    rows = mean_rank(case, np.random.default_rng(0))
    assert rows[0] == 1
    assert len(set(rows)) == EVALUATIONS


def test_a_proposal_stands_for_the_nearest_row_that_is_left():
    X = np.array([[0.0], [0.4], [1.0]])
    points = iter(np.array([[0.1], [0.1], [0.0]]))
    assert nearest_rows(X, points) == [0, 1, 2]


def test_no_more_rows_are_taken_than_may_be_evaluated():
    X = np.linspace(0, 1, 2 * EVALUATIONS)[:, None]
    assert len(set(nearest_rows(X, iter(X)))) == EVALUATIONS


@pytest.mark.parametrize(("direction", "sign"), [("maximize", -1.0), ("minimize", 1.0)])
def test_grids_are_means_over_seeds_to_be_minimised(tmp_path, monkeypatch, direction, sign):
    folder = tmp_path / "transfer_mlp_fcnet_tabular"
    folder.mkdir()
    space = {"pre": GRID | {"direction": direction}}
    (folder / "search_space.json").write_text(json.dumps(space))
    index = np.array([[0, 0], [2, 3], [1, 1]], dtype=np.uint8)
    for name, shift in (("b", 1.0), ("a", 0.0)):
        y = np.array([[1.0, 3.0], [2.0, 2.0], [5.0, 7.0]], dtype=np.float32) + shift
        np.savez(folder / f"pre_{name}.npz", x_index=index, y=y)
    found = tables.grid(tmp_path, name="Grid-2", prefix="pre")
    assert found.tasks == ("a", "b")
    assert found.matched
    np.testing.assert_allclose(found.X[0], [[1 / 6, 1 / 8], [5 / 6, 7 / 8], [1 / 2, 3 / 8]])
    np.testing.assert_allclose(found.y[0], sign * np.array([2.0, 2.0, 6.0]))
    np.testing.assert_allclose(found.y[1], sign * np.array([3.0, 3.0, 7.0]))
    monkeypatch.setattr(tables, "GRID_ROWS", 2)
    assert len(tables.grid(tmp_path, name="Grid-2", prefix="pre").y[0]) == 2


def test_unmatched_tables_share_the_scale_of_their_inputs(tmp_path):
    folder = tmp_path / "transfer_xgboost"
    folder.mkdir()
    with gzip.open(folder / "XGBoost.csv.gz", "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["hp_a", "hp_b", "metric_error", "blackbox", "task"])
        writer.writerow([0, 5, 0.5, "x", "two"])
        writer.writerows([[4, 7, 0.1, "x", "one"], [2, 9, 0.2, "x", "one"]])
    found = tables.xgboost(tmp_path)
    assert found.tasks == ("one", "two")
    assert not found.matched
    np.testing.assert_allclose(found.X[0], [[1.0, 0.5], [0.5, 1.0]])
    np.testing.assert_allclose(found.X[1], [[0.0, 0.0]])
    np.testing.assert_allclose(found.y[0], [0.1, 0.2])


def test_whole_numbers_of_lcbench_lie_in_the_middle_of_their_cells():
    layers = {"type": "uniform_int", "log": False, "lower": 1, "upper": 5}
    unit, values = tables._column(layers, np.array([0.0, 0.39, 0.999]))
    np.testing.assert_allclose(values, [1, 2, 5])
    np.testing.assert_allclose(unit, [0.1, 0.3, 0.9])
    rate = {"type": "uniform_float", "log": True, "lower": 1e-4, "upper": 1e-1}
    unit, values = tables._column(rate, np.array([0.0, 1 / 3, 1.0]))
    np.testing.assert_allclose(values, [1e-4, 1e-3, 1e-1])
    np.testing.assert_allclose(unit, [0.0, 1 / 3, 1.0])
