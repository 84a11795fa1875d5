import numpy as np
import pytest
from scipy.optimize import minimize

from tuner.acquisition import Coordinates, Effort, choose_starts, refine, sobol_uniform
from tuner.acquisition.ascent import central_differences, climb


class Counted:
    """A score that counts what it is asked."""

    def __init__(self, function):
        self.function, self.points, self.calls = function, 0, 0

    def __call__(self, unit):
        self.points += len(unit)
        self.calls += 1
        return self.function(unit)


def branin(unit):
    x, y = 15 * unit[:, 0] - 5, 15 * unit[:, 1]
    valley = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return 0.39788735773 - valley**2 - 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) - 10


def hills(dimensions, seed):
    """The logarithm of a mixture of a dozen hills, and how high it is."""
    rng = np.random.default_rng(seed)
    centres, heights = rng.random((12, dimensions)), rng.uniform(0.5, 1.0, 12)

    def function(unit):
        squares = ((unit[:, None] - centres) ** 2).sum(axis=-1)
        return np.log(np.exp(-squares / (0.02 * dimensions)) @ heights)

    tops = (
        minimize(lambda x: -function(x[None])[0], centre, bounds=[(0, 1)] * dimensions)
        for centre in centres
    )
    return function, -min(top.fun for top in tops)


def search(score, dimensions, *, seed=0, coordinates=None, **options):
    """The best of what 2,048 points and refining the best eight of them gives."""
    rng = np.random.default_rng(seed)
    pool = sobol_uniform(2048, dimensions, rng=rng)
    values = score(pool)
    starts = choose_starts(pool, values, count=8)
    return refine(
        score,
        pool[starts],
        values=values[starts],
        free=np.ones((len(starts), dimensions), dtype=bool),
        coordinates=coordinates or Coordinates.continuous(dimensions),
        rng=rng,
        **options,
    )


def test_branin_is_solved():
    assert search(branin, 2).score.max() == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize("dimensions", [2, 5, 10, 14])
def test_the_highest_of_many_hills_is_climbed(dimensions):
    function, highest = hills(dimensions, seed=dimensions)
    found = []
    for seed in range(4):
        score = Counted(function)
        found.append(highest - search(score, dimensions, seed=seed).score.max())
        assert score.points - 2048 <= 1200
    assert np.median(found) < 1e-4
    assert max(found) < 0.2


def test_an_ill_conditioned_valley_is_followed():
    rng = np.random.default_rng(0)
    turn = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    bend = turn * 10 ** np.linspace(0, 2, 8) @ turn.T
    centre = rng.uniform(0.2, 0.8, 8)

    def score(unit):
        return -np.einsum("ni,ij,nj->n", unit - centre, bend, unit - centre)

    found = search(score, 8, effort=Effort(iterations=20))
    assert found.score.max() > -1e-6


def test_a_corner_is_found_exactly():
    slope = np.array([1.0, -2.0, 0.5])
    found = search(lambda unit: unit @ slope, 3)
    np.testing.assert_allclose(found.unit[np.argmax(found.score)], [1.0, 0.0, 1.0])


def test_a_mixed_space_is_searched_in_all_its_coordinates():
    levels = np.array([0, 0, 6, 12, 3, 4])
    kinds = Coordinates(levels, np.array([False] * 4 + [True] * 2))
    rng = np.random.default_rng(4)
    words = [rng.permutation(3) / 2.0, rng.permutation(4) / 3.0]

    def score(unit):
        cells = np.minimum(np.floor(unit * np.maximum(levels, 1)), np.maximum(levels - 1, 0))
        smooth = -((unit[:, 0] - 0.3) ** 2) - (unit[:, 1] - unit[:, 0]) ** 2
        whole = -((cells[:, 2] - 4) ** 2) / 9 - (cells[:, 3] - 7) ** 2 / 36
        return smooth + whole + sum(words[k][cells[:, 4 + k].astype(int)] for k in range(2))

    for seed in range(3):
        assert search(score, 6, seed=seed, coordinates=kinds).score.max() > 2.0 - 1e-5


def test_pinned_coordinates_keep_every_bit_and_the_others_do_their_best(rng):
    function, _ = hills(6, seed=1)
    starts = rng.random((4, 6))
    kept = starts.copy()
    free = np.ones((4, 6), dtype=bool)
    free[0, :3] = free[1] = free[2, 5] = False
    found = refine(
        function,
        starts,
        values=function(starts),
        free=free,
        coordinates=Coordinates.continuous(6),
        rng=rng,
        effort=Effort(polished=4),
    )
    np.testing.assert_array_equal(starts, kept)
    np.testing.assert_array_equal(found.unit[~free], starts[~free])
    np.testing.assert_allclose(found.score, function(found.unit))
    gained = found.score - function(starts)
    assert gained[1] == 0.0
    assert np.all(gained[[0, 2, 3]] > 0.1)


def test_the_work_depends_on_the_effort_only(rng):
    for seed in (1, 2):
        function, _ = hills(5, seed=seed)
        score = Counted(function)
        search(
            score,
            5,
            seed=seed,
            effort=Effort(rounds=6, moves=4, climbs=1, polished=2, iterations=5),
        )
        assert score.calls == 1 + 3 + 2 * (1 + 5)
        assert score.points == 2048 + 3 * 4 * 8 + (1 * 8 + 5 * 2) * (2 * 5 + 7)


def test_the_same_generator_finds_the_same():
    function, _ = hills(4, seed=3)
    np.testing.assert_array_equal(search(function, 4).unit, search(function, 4).unit)


def test_a_gradient_takes_the_place_of_differences():
    centre = np.array([0.2, 0.7, 0.4])
    score = Counted(lambda unit: -(((unit - centre) ** 2) @ [1.0, 30.0, 5.0]))

    def gradient(unit):
        return -2 * (unit - centre) * [1.0, 30.0, 5.0]

    found = search(score, 3, gradient=gradient, effort=Effort(rounds=0, climbs=0, iterations=12))
    assert found.score.max() > -1e-10
    assert score.calls == 1 + 12


def test_differences_stay_in_the_cube_and_survive_infinite_scores():
    seen = []

    def score(unit):
        seen.append(unit)
        return np.where(unit[:, 1] > 0.9, -np.inf, unit @ np.array([3.0, -1.0]))

    points = np.array([[0.0, 0.5], [1.0, 0.9], [0.5, 0.95]])
    slope = central_differences(score, free=np.array([[True, True]] * 3))(points)
    assert np.all((seen[0] >= 0.0) & (seen[0] <= 1.0))
    np.testing.assert_allclose(slope[0], [3.0, -1.0], rtol=1e-9)
    assert slope[1, 0] == pytest.approx(3.0, rel=1e-9)
    assert np.isfinite(slope).all()


def test_scores_that_are_no_numbers_are_never_preferred(rng):
    def score(unit):
        return np.where(unit[:, 0] > 0.5, np.nan, unit[:, 0])

    starts = np.array([[0.1, 0.1], [0.4, 0.4]])
    found = refine(
        score,
        starts,
        values=score(starts),
        free=np.ones((2, 2), dtype=bool),
        coordinates=Coordinates.continuous(2),
        rng=rng,
    )
    assert np.all(found.score <= 0.5)
    assert np.all(found.score >= starts[:, 0])


def test_no_starts_come_back_as_none(rng):
    nothing = np.empty((0, 3))
    found = refine(
        lambda unit: unit.sum(axis=1),
        nothing,
        values=np.empty(0),
        free=np.empty((0, 3), dtype=bool),
        coordinates=Coordinates.continuous(3),
        rng=rng,
    )
    assert found.unit.shape == (0, 3)
    points, values = climb(
        lambda unit: unit.sum(axis=1),
        nothing,
        np.empty(0),
        free=np.empty((0, 3), dtype=bool),
        gradient=lambda unit: unit,
        iterations=3,
    )
    assert points.shape == (0, 3)
    assert values.shape == (0,)


def test_starts_are_good_and_apart():
    unit = np.array([[0.5, 0.5], [0.5, 0.51], [0.5, 0.52], [0.9, 0.5], [0.1, 0.1]])
    score = np.array([5.0, 4.0, 3.0, 2.0, 1.0])
    assert choose_starts(unit, score, count=3).tolist() == [0, 3, 4]
    assert choose_starts(unit, score, count=4).tolist() == [0, 3, 4, 1]
    assert len(choose_starts(unit, score, count=9)) == 5
