"""From the log to what a searcher is asked with."""

from __future__ import annotations

from collections.abc import Iterator

from tuner.searchers._protocol import History
from tuner.spec.trial import TrialState
from tuner.study.chronicle import Chronicle, Story
from tuner.study.elapsed import elapsed_seconds
from tuner.trial import Observation

UNCOUNTED = frozenset({TrialState.CANCELLED, TrialState.REJECTED})
"""States of trials that do not count towards a bound of trials."""


def history_of(chronicle: Chronicle) -> History:
    """All proposals and observations in the log's order: same log, same history."""
    stories = chronicle.stories
    observed = sorted(
        (item for story in stories for item in _observations(story)),
        key=lambda item: (item[0], item[1].trial, item[1].fidelity),
    )
    return History(
        trials=tuple(one.trial for one in stories if one.trial is not None),
        observations=tuple(observation for _, observation in observed),
        open_trials=frozenset(one.name for one in stories if one.is_open),
        failed={
            one.name: one.reason or str(one.state)
            for one in stories
            if not one.is_open and one.completed is None
        },
        stages={one.name: one.first_looks for one in stories if one.stages},
        started=sum(one.attempts > 0 and one.state not in UNCOUNTED for one in stories),
        spent_usd=sum(one.cost_usd for one in stories),
        elapsed_seconds=elapsed_seconds(stories),
    )


def _observations(story: Story) -> Iterator[tuple[float, Observation]]:
    completed = story.completed
    for fidelity, (_, seconds, metrics) in story.curve.items():
        if completed is not None and fidelity >= completed.fidelity:
            continue
        yield (
            seconds,
            Observation(trial=story.name, fidelity=fidelity, metrics=metrics, full=False),
        )
    if completed is not None:
        full = Observation(
            trial=story.name,
            fidelity=completed.fidelity,
            metrics=completed.metrics,
            full=True,
        )
        yield story.ended, full
