"""Random generators that no restart replays."""

from __future__ import annotations

import numpy as np


def proposal_rng(seed: int, *, worker: int, number: int) -> np.random.Generator:
    """The generator of one proposal, the same after a restart and unlike every other one's.

    Args:
        seed: The study's seed.
        worker: The worker's ordinal.
        number: Ordinal of the proposal among that worker's.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(worker, number)))
