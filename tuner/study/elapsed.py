"""For how long a study has run, told from its log alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tuner.study.chronicle import Story

Span = tuple[float, float]


def spans_of(story: Story) -> Iterator[Span]:
    """When the attempts of a trial ran, seconds since the epoch.

    An attempt runs for as long as it was charged; one without a verdict from its agent's first
    record to the last. Waiting for a place or while the study is suspended is no running.
    """
    judged: set[int] = set()
    for (attempt, _), verdict in story.verdicts.items():
        if verdict.start > 0:
            judged.add(attempt)
            yield verdict.start, verdict.start + verdict.seconds
    yield from (span for attempt, span in story.spans.items() if attempt not in judged)


def elapsed_seconds(spans: Iterable[Span]) -> float:
    """Seconds in which at least one attempt ran: the length of the union of the spans."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def merged(spans: Iterable[Span]) -> Iterator[Span]:
    """The union of spans as spans that do not touch, rising."""
    first, last = float("inf"), float("-inf")
    for start, end in sorted(spans):
        if start > last:
            if last >= first:
                yield first, last
            first = start
        last = max(last, end)
    if last >= first:
        yield first, last
