"""How much money counts: from gain per dollar at the start to gain alone at the end."""

from __future__ import annotations


def eta(
    *, spent: float, pending: float, warm_up: float, total: float | None, floor: float = 0.0
) -> float:
    """The exponent of the spend in the acquisition, from 1 after warm-up down to `floor`.

    eta = (total - spent - pending) / (total - warm_up), within [floor, 1] (EEIPU's cost cooling,
    with what running trials are expected to cost counted as spent). Any unit will do, as long as
    all four share it. Of several budgets the one that binds has the least eta.

    Args:
        spent: What was spent, warm-up included.
        pending: What running trials are still expected to spend.
        warm_up: What had been spent when the warm-up ended.
        total: The budget; None for no limit, with which gain per spend is all there is.
        floor: The least eta, in [0, 1].

    Raises:
        ValueError: The floor is outside [0, 1].
    """
    if not 0.0 <= floor <= 1.0:
        raise ValueError(f"the floor of eta is {floor}, which is outside [0, 1]")
    if total is None:
        return 1.0
    if total <= warm_up:
        return floor
    return min(max((total - spent - pending) / (total - warm_up), floor), 1.0)
