"""From the log to what a searcher is asked with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from tuner.searchers._protocol import Forgotten, History
from tuner.spec.trial import TrialState
from tuner.study.chronicle import Chronicle, Story
from tuner.study.elapsed import Span, elapsed_seconds, merged, spans_of
from tuner.trial import Observation, StageResult

UNCOUNTED = frozenset({TrialState.CANCELLED, TrialState.REJECTED})
"""States of trials that do not count towards a bound of trials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sums:
    """What one trial adds to the sums of a study; kept with its story."""

    spans: tuple[Span, ...]
    is_open: bool
    started: bool
    cost_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told(_Sums):
    """What one trial adds to the history; kept with its story, for a long log changes little."""

    observed: tuple[tuple[float, str, float, Observation], ...]
    looks: tuple[StageResult, ...]
    waits_at: float | None
    failure: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is left of trials that are no longer told one by one.

    Attributes:
        counted: How many count towards a bound of trials.
        started: How many have begun to run and count.
        spent_usd: What they cost.
        spans: When any of them ran, seconds since the epoch; apart and rising.
        open_trials: Those that are passed over while they are open.
        forgotten: What searchers are told of them.
    """

    counted: int = 0
    started: int = 0
    spent_usd: float = 0.0
    spans: tuple[Span, ...] = ()
    open_trials: frozenset[str] = frozenset()
    forgotten: Forgotten = field(default_factory=Forgotten)

    def joined_by(self, stories: Sequence[Story], *, forgotten: Forgotten) -> Past:
        """The past with some more trials, and what searchers are then told of it."""
        sums = list(map(_sums, stories))
        return Past(
            counted=self.counted + sum(map(counts, stories)),
            started=self.started + sum(one.started for one in sums),
            spent_usd=self.spent_usd + sum(one.cost_usd for one in sums),
            spans=tuple(merged([*self.spans, *(span for one in sums for span in one.spans)])),
            open_trials=frozenset(
                story.name for story, one in zip(stories, sums, strict=True) if one.is_open
            ),
            forgotten=forgotten,
        )

    def forgetting(self, digests: Iterable[int]) -> Past:
        """The past with the configurations of some more of its trials."""
        return replace(self, forgotten=self.forgotten.joined_by(digests))


NO_PAST = Past()


def counts(story: Story) -> bool:
    """Whether a trial counts towards a bound of trials."""
    return story.state not in UNCOUNTED


def history_of(chronicle: Chronicle) -> History:
    """All proposals and observations in the log's order: same log, same history."""
    return history_from(chronicle.stories)


def history_from(
    stories: Sequence[Story], *, past: Past = NO_PAST, basis: frozenset[str] = frozenset()
) -> History:
    """The history of some trials, in the log's order, beside others that are only summed up."""
    told = [(story.name, _told(story)) for story in stories]
    observed = sorted((item for _, one in told for item in one.observed), key=lambda item: item[:3])
    return History(
        trials=tuple(one.trial for one in stories if one.trial is not None),
        observations=tuple(observation for *_, observation in observed),
        open_trials=past.open_trials | {name for name, one in told if one.is_open},
        paused={name: one.waits_at for name, one in told if one.waits_at is not None},
        failed={name: one.failure for name, one in told if one.failure is not None},
        stages={name: one.looks for name, one in told if one.looks},
        started=past.started + sum(one.started for _, one in told),
        spent_usd=past.spent_usd + sum(one.cost_usd for _, one in told),
        elapsed_seconds=elapsed_seconds(
            (*past.spans, *(span for _, one in told for span in one.spans))
        ),
        forgotten=past.forgotten,
        basis=basis,
    )


def _sums(story: Story) -> _Sums:
    if isinstance(story.made, _Sums):
        return story.made
    sums = _Sums(
        spans=tuple(spans_of(story)),
        is_open=story.is_open,
        started=story.attempts > 0 and counts(story),
        cost_usd=story.cost_usd,
    )
    story.made = sums
    return sums


def _told(story: Story) -> _Told:
    if isinstance(story.made, _Told):
        return story.made
    sums = _sums(story)
    failed = not sums.is_open and story.completed is None
    told = _Told(
        observed=tuple(_observations(story)),
        looks=story.first_looks,
        spans=sums.spans,
        is_open=sums.is_open,
        started=sums.started,
        cost_usd=sums.cost_usd,
        waits_at=story.waits_at,
        failure=(story.reason or str(story.state)) if failed else None,
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
