import numpy as np
import pytest

from tuner.errors import SurrogateError
from tuner.surrogates import Points


@pytest.fixture
def points():
    return Points(
        unit=np.arange(12.0).reshape(4, 3) / 12,
        active=np.ones((4, 3), dtype=bool),
        types=np.array([[0, 1], [1, 0], [2, 1], [0, 0]]),
        fidelity=np.array([1.0, 0.5, 0.25, 1.0]),
    )


@pytest.mark.parametrize("rows", [slice(1, 3), np.array([1, 2]), np.array([0, 1, 1, 0], bool)])
def test_rows_are_taken_together(points, rows):
    some = points[rows]
    assert len(some) == 2
    np.testing.assert_array_equal(some.unit, points.unit[1:3])
    assert some.types.tolist() == [[1, 0], [2, 1]]
    assert some.fidelity.tolist() == [0.5, 0.25]


def test_parts_are_put_one_after_the_other(points):
    whole = Points.concatenate([points[:1], points[1:1], points[1:]])
    for name in ("unit", "active", "types", "fidelity"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(points, name))


def test_the_fidelity_can_be_replaced(points):
    moved = points.at_fidelity(0.1)
    assert moved.fidelity.tolist() == [0.1] * 4
    assert moved.unit is points.unit


def test_shapes_must_belong_together(points):
    with pytest.raises(SurrogateError, match=r"unit \(4, 3\).*fidelity \(3,\)"):
        Points(points.unit, points.active, points.types, points.fidelity[:3])
