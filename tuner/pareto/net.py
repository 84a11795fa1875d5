"""The order inside a front: spread out first (epsilon-net, Salinas et al. 2021).

Distances are taken between ranks, not values: a change of unit or a monotone rescaling of an
objective changes nothing, and no objective outweighs another. Ranks are doubled so that average
ranks of ties are whole numbers; with them every comparison is exact, on every machine, and does
not depend on the order in which the objectives are listed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

Ranks = tuple[int, ...]


def doubled_ranks(
    points: Sequence[Sequence[float]], *, among: Sequence[Sequence[float]]
) -> list[Ranks]:
    """Twice the average rank, from 0, of each point's values among those of `among`."""
    if not points:
        return []
    columns = [sorted(column) for column in zip(*among, strict=True)]
    return [
        tuple(
            bisect_left(column, value) + bisect_right(column, value) - 1
            for column, value in zip(columns, point, strict=True)
        )
        for point in points
    ]


def epsilon_net(ranks: Sequence[Ranks], *, names: Sequence[str]) -> Iterator[int]:
    """Indices of distinct points, each the farthest from all that came before it.

    The first is the one with the best mean rank: a choice that prefers no objective, where the
    authors' code takes the best in the first objective. Ties go to the better mean rank, then to
    the more balanced ranks, then to the lesser name.

    Args:
        ranks: Ranks of distinct points, lower is better; `doubled_ranks` makes them.
        names: A distinct name for each point, for the last tie.
    """
    left = sorted(
        range(len(ranks)), key=lambda i: (sum(ranks[i]), _worst_first(ranks[i]), names[i])
    )
    distances: list[int] = []
    while left:
        place = distances.index(max(distances)) if distances else 0
        chosen = left.pop(place)
        yield chosen
        new = _squared_distances([ranks[index] for index in left], ranks[chosen])
        if distances:
            distances.pop(place)
            distances = list(map(min, distances, new))
        else:
            distances = new


def _worst_first(ranks: Ranks) -> Ranks:
    return tuple(sorted(ranks, reverse=True))


def _squared_distances(points: Sequence[Ranks], centre: Ranks) -> list[int]:
    """Squared Euclidean distances; the common sizes written out, since this is the inner loop."""
    match centre:
        case (a, b):
            return [(x - a) * (x - a) + (y - b) * (y - b) for x, y in points]
        case (a, b, c):
            return [(x - a) * (x - a) + (y - b) * (y - b) + (z - c) * (z - c) for x, y, z in points]
    return [sum([(x - a) * (x - a) for x, a in zip(point, centre)]) for point in points]  # noqa: B905
