"""From the log back to the events of the study's state machine: how a restart finds its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tuner.study.chronicle import Chronicle, Story
from tuner.study.events import AttemptEnded, Ended, Event, Promoted, Proposed, Started
from tuner.study.summary import meets_goals
from tuner.study.terms import Terms
from tuner.trial import Trial


def events_of(
    chronicle: Chronicle, *, terms: Terms, price_per_hour: Callable[[Trial], float]
) -> list[Event]:
    """What the log tells, as events in the order of time, to be replayed.

    Args:
        chronicle: The log, folded.
        terms: The study's terms, for its goals.
        price_per_hour: USD of a trial's dearest instance type.
    """
    events = [
        event
        for story in chronicle.stories
        for event in events_in(story, terms=terms, price_per_hour=price_per_hour)
    ]
    return sorted(events, key=lambda event: event.time)


def events_in(
    story: Story, *, terms: Terms, price_per_hour: Callable[[Trial], float]
) -> Iterator[Event]:
    """What happened to one trial, in order; arguments as for `events_of`."""
    if story.trial is None:
        return
    price = price_per_hour(story.trial)
    yield Proposed(time=story.created, trial=story.name, price_per_hour=price)
    verdicts = list(story.verdicts.values())
    starts = [one.start for one in verdicts if one.start > 0]
    if starts or story.attempts:
        started = max(story.created, min(starts, default=story.created))
        yield Started(time=started, trial=story.name, attempt=story.attempts)
    if not verdicts:
        return
    ended = max(story.ended, story.created)
    yield from promotions_in(story)
    if any(one.state.is_final for one in verdicts):
        yield ended_event(story, time=ended, terms=terms)
    else:
        yield AttemptEnded(
            time=ended,
            trial=story.name,
            cost_usd=story.cost_usd,
            seconds=story.seconds,
            rung=story.paused_at,
        )


def promotions_in(story: Story) -> Iterator[Promoted]:
    """The promotions of one trial."""
    for level in sorted(story.promotions):
        yield Promoted(time=story.created, trial=story.name, level=level)


def ended_event(story: Story, *, time: float, terms: Terms) -> Ended:
    """The end of a trial on which there is a final verdict."""
    verdict = story.last_verdict
    return Ended(
        time=time,
        trial=story.name,
        state=str(story.state),
        cost_usd=story.cost_usd,
        failure="" if verdict is None else verdict.failure,
        goals_met=meets_goals(story, terms=terms),
    )
