"""Which bracket of Hyperband a trial runs in: chosen by its worker, without asking anybody."""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from itertools import accumulate

from tuner.schedulers.hyperband import rung_levels

_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


def bracket_levels(
    minimum: float, maximum: float, reduction_factor: float, *, brackets: int
) -> list[tuple[float, ...]]:
    """The rungs of each bracket: every next one leaves out the first rung of the one before.

    The last possible bracket has no rung and trains to the end; more are not made.

    Raises:
        SchedulerError: As for `rung_levels`.

    Example:
        >>> bracket_levels(1, 9, 3, brackets=8)
        [(1.0, 3.0), (3.0,), ()]
    """
    levels = rung_levels(minimum, maximum, reduction_factor)
    return [levels[first:] for first in range(min(brackets, len(levels) + 1))]


def bracket_weights(levels: list[tuple[float, ...]], reduction_factor: float) -> list[float]:
    """What part of the trials begins in each bracket, as in Hyperband (Li et al. 2018, alg. 1).

    A bracket with s rungs gets eta ** s / (s + 1) of them: all cost about the same.
    """
    shares = [reduction_factor ** len(rungs) / (len(rungs) + 1) for rungs in levels]
    return [share / sum(shares) for share in shares]


def choose_bracket(weights: list[float], *, seed: int, worker: int, number: int) -> int:
    """The bracket of a worker's n-th proposal.

    A golden-ratio sequence, begun at a place of each worker's own: after any number of proposals
    the brackets have their parts to within one or two, and a restarted worker chooses the same.

    Args:
        weights: As `bracket_weights` gives them.
        seed: The study's.
        worker: The worker's ordinal.
        number: Ordinal of the proposal among that worker's.
    """
    digest = hashlib.sha256(f"bracket {seed} {worker}".encode()).digest()
    start = int.from_bytes(digest[:6], "big") / 2.0**48
    place = (start + number * _GOLDEN) % 1.0
    return min(bisect_right(list(accumulate(weights)), place), len(weights) - 1)
