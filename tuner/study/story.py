"""One trial as its records tell it.

A fold that takes records in any order and any number of times: what is counted of a trial is the
result of its lowest attempt, one verdict an attempt and segment, one value a fidelity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tuner.log.records import Kind, Record
from tuner.spec.trial import TrialState
from tuner.study.bodies import (
    Promotion,
    promotion_of,
    reports_of,
    result_of,
    stage_of,
    trial_of,
)
from tuner.study.verdict import Verdict
from tuner.trial import Outcome, StageOutcome, StageResult, Trial, TrialResult

_STATES = {
    Outcome.COMPLETED: TrialState.COMPLETED,
    Outcome.STOPPED: TrialState.STOPPED,
    Outcome.FAILED: TrialState.FAILED,
}
_AGENTS = frozenset({Kind.REPORTS, Kind.STAGE, Kind.RESULT})


@dataclass(slots=True, kw_only=True)
class Story:
    """One trial as the log tells it.

    Attributes:
        name: Of the trial.
        trial: Its proposal; None while only later records have been read.
        created: When it was proposed, seconds since the epoch.
        results: By attempt, of those that ended it (completed, stopped, failed).
        pauses: By attempt, the results of those that were paused at a rung.
        promotions: By rung, from where it was promoted, and by whom.
        verdicts: By attempt and part.
        stages: What the first look at each stage came to, in which attempt and when that was.
        curve: Metrics by fidelity, with the attempt and the time of the record.
        ended: When the last result or verdict was written, seconds since the epoch.
        attempts: The highest attempt that left a record; 0 before the first.
        spans: By attempt, the times of its agent's first and last record, seconds since the epoch.
        made: What a reader made of all this; forgotten with every record that comes in.
    """

    name: str
    trial: Trial | None = None
    created: float = 0.0
    results: dict[int, TrialResult] = field(default_factory=dict)
    pauses: dict[int, TrialResult] = field(default_factory=dict)
    promotions: dict[float, Promotion] = field(default_factory=dict)
    verdicts: dict[tuple[int, str], Verdict] = field(default_factory=dict)
    stages: dict[str, tuple[int, float, StageResult]] = field(default_factory=dict)
    curve: dict[float, tuple[int, float, Mapping[str, float]]] = field(default_factory=dict)
    ended: float = 0.0
    attempts: int = 0
    spans: dict[int, tuple[float, float]] = field(default_factory=dict)
    made: object = field(default=None, repr=False, compare=False)
    _state: TrialState | None = field(default=None, repr=False, compare=False)

    @property
    def first_looks(self) -> tuple[StageResult, ...]:
        """What the first look at each stage came to, in the order of the looks."""
        ordered = sorted(self.stages.items(), key=lambda item: (item[1][1], item[0]))
        return tuple(result for _, (_, _, result) in ordered)

    @property
    def accepted(self) -> TrialResult | None:
        """The result that counts: of the lowest attempt that ended the trial."""
        return self.results[min(self.results)] if self.results else None

    def said(self, attempt: int) -> TrialResult | None:
        """What an attempt that ended or paused the trial came to."""
        return self.results.get(attempt) or self.pauses.get(attempt)

    @property
    def promoted(self) -> float:
        """The highest rung from which it was promoted; 0 before the first."""
        return max(self.promotions, default=0.0)

    @property
    def paused_at(self) -> float | None:
        """The rung at which its last attempt was paused; None if it goes on or has ended."""
        if not self.pauses or not self.is_open or max(self.pauses) < self.attempts:
            return None
        return self.pauses[max(self.pauses)].rung

    @property
    def waits_at(self) -> float | None:
        """The rung at which it waits to be promoted, or None."""
        level = self.paused_at
        return None if level is None or self.promoted >= level else level

    @property
    def last_verdict(self) -> Verdict | None:
        """The final verdict, of several that of the lowest attempt; without one the last."""
        if not self.verdicts:
            return None
        if len(self.verdicts) == 1:
            return next(iter(self.verdicts.values()))
        final = [key for key, one in self.verdicts.items() if one.state.is_final]
        return self.verdicts[min(final) if final else max(self.verdicts)]

    @property
    def state(self) -> TrialState:
        """How the trial stands, as far as the log knows: Queued until something ended."""
        if self._state is None:
            self._state = self._stands()
        return self._state

    def take(self, record: Record) -> None:
        """Takes in a record of this trial. Raises LogError; what was known before stays."""
        self._state = self.made = None
        _take(self, record)

    def _stands(self) -> TrialState:
        verdict = self.last_verdict
        if verdict is not None and verdict.state.is_final:
            return verdict.state
        if self.accepted is not None:
            return _STATES[self.accepted.outcome]
        return TrialState.QUEUED if verdict is None else verdict.state

    @property
    def is_open(self) -> bool:
        """Whether the trial has not ended."""
        return not self.state.is_final

    @property
    def reason(self) -> str:
        """The word for its state; empty while the log has none."""
        verdict = self.last_verdict
        if verdict is not None and verdict.reason:
            return verdict.reason
        return "" if self.accepted is None else self.accepted.reason

    @property
    def completed(self) -> TrialResult | None:
        """The accepted result, if the trial completed."""
        accepted = self.accepted
        if accepted is None or accepted.outcome is not Outcome.COMPLETED:
            return None
        return accepted if self.state is TrialState.COMPLETED else None

    @property
    def cost_usd(self) -> float:
        """What its attempts have cost, as far as there are verdicts."""
        return sum(one.cost_usd for one in self.verdicts.values())

    @property
    def seconds(self) -> float:
        """How long its attempts were charged."""
        return sum(one.seconds for one in self.verdicts.values())


def _take(story: Story, record: Record) -> None:
    seconds = record.milliseconds / 1000
    if record.attempt > story.attempts:
        story.attempts = record.attempt
    if record.kind in _AGENTS:
        first, last = story.spans.get(record.attempt, (seconds, seconds))
        story.spans[record.attempt] = min(first, seconds), max(last, seconds)
    match record.kind:
        case Kind.PROPOSED:
            if story.trial is None or seconds < story.created:
                story.trial, story.created = trial_of(record), seconds
        case Kind.RESULT:
            result = result_of(record)
            if result.outcome in _STATES:
                story.results.setdefault(record.attempt, result)
                story.ended = max(story.ended, seconds)
            elif result.outcome is Outcome.PAUSED and result.rung is not None:
                story.pauses.setdefault(record.attempt, result)
        case Kind.PROMOTED:
            promotion = promotion_of(record)
            story.promotions.setdefault(promotion.level, promotion)
        case Kind.VERDICT:
            verdict = Verdict.from_body(record.body)
            story.verdicts.setdefault((record.attempt, record.part), verdict)
            story.ended = max(story.ended, seconds)
        case Kind.STAGE:
            _take_stage(story, record.attempt, seconds, stage_of(record))
        case Kind.REPORTS:
            for fidelity, metrics in reports_of(record):
                _take_report(story, record.attempt, seconds, fidelity, metrics)


def _take_stage(story: Story, attempt: int, seconds: float, stage: StageResult) -> None:
    known = story.stages.get(stage.stage)
    if known is None or _look(attempt, seconds, stage) < _look(*known):
        story.stages[stage.stage] = (attempt, seconds, stage)


def _look(attempt: int, seconds: float, stage: StageResult) -> tuple[bool, int, float]:
    """Looks in order: the first that came to something, else the last that was broken off."""
    broken_off = stage.outcome is StageOutcome.STOPPED
    return broken_off, -attempt if broken_off else attempt, seconds


def _take_report(
    story: Story, attempt: int, seconds: float, fidelity: float, metrics: Mapping[str, float]
) -> None:
    known = story.curve.get(fidelity)
    if known is None or attempt < known[0]:
        story.curve[fidelity] = (attempt, seconds, metrics)
        return
    if attempt == known[0]:
        story.curve[fidelity] = (attempt, min(seconds, known[1]), {**known[2], **metrics})
