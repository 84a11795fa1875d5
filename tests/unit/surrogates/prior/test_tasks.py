import numpy as np
import pytest

from tuner.errors import SurrogateError
from tuner.surrogates.prior.tasks import MIN_POINTS, SourceTask, usable


def make(y, *, full=None, name="t", X=None):
    y = np.asarray(y, dtype=float)
    X = np.linspace(0.0, 1.0, len(y))[:, None] if X is None else X
    full = np.ones(len(y), dtype=bool) if full is None else np.asarray(full)
    return SourceTask(name=name, group=name, X=X, y=y, full=full)


@pytest.mark.parametrize(
    ("X", "full"),
    [(np.ones((4, 1)), np.ones(5, bool)), (np.ones(5), np.ones(5, bool)), (None, np.ones(4, bool))],
)
def test_shapes_that_do_not_belong_together_are_refused(X, full):
    with pytest.raises(SurrogateError, match="task t"):
        make(np.arange(5), X=X, full=full)


def test_tasks_with_too_few_points_or_no_differences_teach_nothing():
    small, flat = make(range(MIN_POINTS - 1), name="small"), make([2.0] * 9, name="flat")
    enough = make(range(MIN_POINTS), name="enough")
    assert [task.name for task in usable([small, flat, enough])] == ["enough"]


def test_rows_that_are_not_finite_are_left_out_and_do_not_count():
    y = np.arange(MIN_POINTS + 2.0)
    y[1], y[3] = np.nan, np.inf
    (kept,) = usable([make(y)])
    np.testing.assert_array_equal(kept.y, y[np.isfinite(y)])
    np.testing.assert_array_equal(kept.X[:, 0], np.linspace(0.0, 1.0, len(y))[np.isfinite(y)])
    y[4] = -np.inf
    assert usable([make(y)]) == ()


def test_the_scale_is_read_from_full_runs_where_there_are_enough():
    full = np.arange(12) < MIN_POINTS
    np.testing.assert_array_equal(make(np.arange(12), full=full).scored, np.arange(MIN_POINTS))
    few = np.arange(12) < MIN_POINTS - 1
    np.testing.assert_array_equal(make(np.arange(12), full=few).scored, np.arange(12))
