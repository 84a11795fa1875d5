import itertools

import numpy as np
import pytest

from tuner.surrogates.prior.portfolio import NEAR, SIZE, WORST, greedy, greedy_cover, then_by_mean


@pytest.fixture
def regret(rng):
    table = rng.gamma(1.0, 0.5, size=(40, 7))
    return table - table.min(axis=0)


def left_over(regret, rows, shares):
    """Mean of the least regret over the rows, on tasks in proportion to their shares."""
    best = np.minimum(regret[list(rows)].min(axis=0, initial=WORST), WORST)
    return best @ shares / shares.sum()


@pytest.mark.parametrize("shares", [np.ones(7), np.array([3.0, 1.0, 1.0, 0.5, 0.5, 0.2, 0.2])])
def test_each_next_one_lowers_the_regret_most(regret, shares):
    chosen = greedy(regret, shares, size=6)
    for size, row in enumerate(chosen):
        before = chosen[:size]
        gains = [left_over(regret, [*before, each], shares) for each in range(len(regret))]
        assert gains[row] == pytest.approx(min(gains))


def test_it_ends_when_nothing_gains_any_more(regret):
    chosen = greedy(regret, np.ones(7), size=32)
    assert len(chosen) == len(set(chosen)) <= 7
    assert left_over(regret, chosen, np.ones(7)) == 0.0


def test_three_are_nearly_as_good_as_the_best_three(regret):
    """Greedy covering comes within 1 - 1/e of the best set's gain (Nemhauser et al. 1978)."""
    shares = np.ones(7)
    small = regret[:14]
    best = min(left_over(small, rows, shares) for rows in itertools.combinations(range(14), 3))
    gained = WORST - left_over(small, greedy(small, shares, size=3), shares)
    assert gained >= (1.0 - np.exp(-1.0)) * (WORST - best)


def test_a_task_that_nothing_serves_does_not_decide():
    regret = np.array([[0.4, 9.0], [0.0, 8.0], [0.1, 7.0]])
    assert greedy(regret, np.ones(2)) == [1]


def test_after_the_portfolio_come_others_by_mean_regret_that_are_apart(regret, rng):
    X = rng.random((40, 2))
    X[:20] = X[20:] + 0.5 * NEAR  # every one has a neighbour
    chosen = greedy(regret, np.ones(7))
    rows = then_by_mean(regret, np.ones(7), chosen, X)
    assert rows[: len(chosen)] == chosen
    assert len(chosen) < len(rows) == len(set(rows)) <= SIZE
    later = rows[len(chosen) :]
    assert np.all(np.diff(np.minimum(regret, WORST)[later].mean(axis=1)) >= 0)
    for place, row in enumerate(later, start=len(chosen)):
        assert np.abs(X[rows[:place]] - X[row]).max(axis=1).min() >= NEAR


def dominated_share(regrets, rows, samples=20_000):
    """Share of the box that some row covers, by brute force, averaged over tasks."""
    box = np.random.default_rng(0).random((samples, len(regrets)))
    shares = []
    for task in range(regrets[0].shape[1]):
        covered = np.zeros(samples, dtype=bool)
        for row in rows:
            point = np.array([regret[row, task] for regret in regrets])
            covered |= (point <= box).all(axis=1)
        shares.append(covered.mean())
    return np.mean(shares)


def test_with_two_objectives_each_next_one_raises_the_hypervolume_most(rng):
    first = rng.random((15, 3)) * 1.2
    second = 1.0 - first + rng.random((15, 3)) * 0.3
    chosen = greedy_cover([first, second], np.ones(3), size=4)
    assert len(chosen) == 4
    for size, row in enumerate(chosen):
        reached = [
            dominated_share([first, second], [*chosen[:size], each], samples=4_000)
            for each in range(15)
        ]
        assert reached[row] >= max(reached) - 0.01


def test_a_tradeoff_is_covered_from_both_ends():
    first, second = np.array([[0.0], [0.9], [0.95]]), np.array([[0.9], [0.0], [0.05]])
    assert sorted(greedy_cover([first, second], np.ones(1))) == [0, 1]
