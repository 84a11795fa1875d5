"""From the log to what a searcher is asked with."""

from __future__ import annotations

from collections.abc import Iterator

from tuner.searchers._protocol import History
from tuner.study.chronicle import Chronicle, Story
from tuner.trial import Observation


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
