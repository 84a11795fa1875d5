"""The Pareto front of completed trials: feasible ones at full fidelity only."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.pareto import hypervolume, oriented, pareto_front
from tuner.study.chronicle import Story
from tuner.study.terms import Terms

MAX_OBJECTIVES = 4
MAX_EXACT = 40
"""With more objectives than `MAX_OBJECTIVES`, the volume is computed up to that many points."""

_MARGIN = 0.1


def feasible(story: Story, *, terms: Terms) -> bool:
    """Whether the trial completed with every objective and within every constraint."""
    result = story.completed
    if result is None or any(one.metric not in result.metrics for one in terms.objectives):
        return False
    return all(one.holds(one.value(result)) for one in terms.constraints)


def front_of(stories: Sequence[Story], *, terms: Terms) -> list[Story]:
    """The trials that no other dominates, best in the first objective first.

    Trials with equal vectors stand on the front together.
    """
    able = [one for one in stories if feasible(one, terms=terms)]
    vectors = [_vector(one, terms=terms) for one in able]
    minimize = _directions(terms)
    front = pareto_front(vectors, minimize=minimize)
    keyed = [
        (oriented(vectors[index], minimize=minimize), able[index].name, index) for index in front
    ]
    return [able[index] for *_, index in sorted(keyed)]


def volume_of(stories: Sequence[Story], *, terms: Terms) -> float | None:
    """The hypervolume of the front, up to a corner a little beyond the worst feasible values.

    The corner lies a tenth of the range of all feasible trials beyond the worst of them. Both it
    and the front move outwards only, so the volume only grows. None where it would take too long.
    """
    able = [_vector(one, terms=terms) for one in stories if feasible(one, terms=terms)]
    if not able:
        return 0.0
    minimize = _directions(terms)
    front = [able[index] for index in pareto_front(able, minimize=minimize)]
    if len(minimize) > MAX_OBJECTIVES and len(front) > MAX_EXACT:
        return None
    corner = [
        max(values) + margin if lower else min(values) - margin
        for values, lower in zip(zip(*able, strict=True), minimize, strict=True)
        for margin in [_MARGIN * (max(values) - min(values))]
    ]
    return hypervolume(front, corner, minimize=minimize)


def _vector(story: Story, *, terms: Terms) -> tuple[float, ...]:
    metrics = {} if story.completed is None else story.completed.metrics
    return tuple(float(metrics[one.metric]) for one in terms.objectives)


def _directions(terms: Terms) -> list[bool]:
    return [one.minimize for one in terms.objectives]
