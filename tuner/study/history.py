"""From the log to what a searcher is asked with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tuner.searchers._protocol import History
from tuner.spec.trial import TrialState
from tuner.study.chronicle import Chronicle, Story
from tuner.study.elapsed import Span, elapsed_seconds, spans_of
from tuner.trial import Observation, StageResult

UNCOUNTED = frozenset({TrialState.CANCELLED, TrialState.REJECTED})
"""States of trials that do not count towards a bound of trials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What one trial adds to the history; kept with its story, for a long log changes little."""

    observed: tuple[tuple[float, str, float, Observation], ...]
    looks: tuple[StageResult, ...]
    spans: tuple[Span, ...]
    is_open: bool
    failure: str | None
    started: bool
    cost_usd: float


def history_of(chronicle: Chronicle) -> History:
    """All proposals and observations in the log's order: same log, same history."""
    stories = chronicle.stories
    told = [(story.name, _told(story)) for story in stories]
    observed = sorted((item for _, one in told for item in one.observed), key=lambda item: item[:3])
    return History(
        trials=tuple(one.trial for one in stories if one.trial is not None),
        observations=tuple(observation for *_, observation in observed),
        open_trials=frozenset(name for name, one in told if one.is_open),
        failed={name: one.failure for name, one in told if one.failure is not None},
        stages={name: one.looks for name, one in told if one.looks},
        started=sum(one.started for _, one in told),
        spent_usd=sum(one.cost_usd for _, one in told),
        elapsed_seconds=elapsed_seconds(span for _, one in told for span in one.spans),
    )


def _told(story: Story) -> _Told:
    if isinstance(story.made, _Told):
        return story.made
    failed = not story.is_open and story.completed is None
    told = _Told(
        observed=tuple(_observations(story)),
        looks=story.first_looks,
        spans=tuple(spans_of(story)),
        is_open=story.is_open,
        failure=(story.reason or str(story.state)) if failed else None,
        started=story.attempts > 0 and story.state not in UNCOUNTED,
        cost_usd=story.cost_usd,
    )
    story.made = told
    return told


def _observations(story: Story) -> Iterator[tuple[float, str, float, Observation]]:
    completed = story.completed
    for fidelity, (_, seconds, metrics) in story.curve.items():
        if completed is None or fidelity < completed.fidelity:
            seen = Observation(trial=story.name, fidelity=fidelity, metrics=metrics, full=False)
            yield seconds, story.name, fidelity, seen
    if completed is not None:
        full = Observation(
            trial=story.name,
            fidelity=completed.fidelity,
            metrics=completed.metrics,
            full=True,
        )
        yield story.ended, story.name, completed.fidelity, full
