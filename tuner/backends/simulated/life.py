"""The life of one simulated attempt: what agent and stages do, as a generator of waiting times.

It writes what a real agent writes, in the same order, through the same log, and takes its rung
decisions with the same function; only seconds and metrics are made up.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, dataclass, field
from math import nan
from typing import TypeVar

from tuner.backends.simulated.blackbox import Blackbox
from tuner.errors import StoreUnreachable
from tuner.log import Kind, StoredDecision, StudyLog
from tuner.pipeline import AgentResult, FidelityPlan, StagePlan, TrialPlan
from tuner.schedulers import Verb, rung_objectives, scheduler_for
from tuner.schedulers.at_rung import decide_at_rung
from tuner.trial import Outcome, StageOutcome, StageResult

T = TypeVar("T")
Waits = Generator[float, None, T]

RETRY_SECONDS = 5.0
RESTORE_SECONDS = 1.0
MANY_UNITS = 100


@dataclass(slots=True)
class Shelf:
    """What outlives attempts: artifacts by stage key, and checkpoints by trial and stage."""

    artifacts: dict[str, StageResult] = field(default_factory=dict)
    makers: dict[str, str] = field(default_factory=dict)
    checkpoints: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)


@dataclass(slots=True)
class Life:
    """One attempt. `fidelity` and `results` are kept up to date for whoever interrupts it.

    `rung` is where it is paused, once it is.
    """

    plan: TrialPlan
    log: StudyLog
    blackbox: Blackbox
    shelf: Shelf
    restore_seconds: float = RESTORE_SECONDS
    fidelity: float = 0.0
    batches: int = 0
    results: dict[str, StageResult] = field(default_factory=dict)
    rung: float | None = None

    def run(self) -> Waits[AgentResult]:
        """Carries the plan out; yields how long to wait, returns how it ended."""
        for stage in self.plan.stages:
            stopped = yield from self._stage(stage)
            if stopped:
                outcome = Outcome.STOPPED if self.rung is None else Outcome.PAUSED
                return (yield from self.ended(outcome, "Rung", stopped))
        if not self.plan.last:
            return (yield from self.ended(Outcome.NEXT_SEGMENT, "NextSegment", ""))
        return (yield from self.ended(Outcome.COMPLETED, "Completed", ""))

    def ended(self, outcome: Outcome, reason: str, message: str) -> Waits[AgentResult]:
        """Writes the result down and returns it."""
        result = AgentResult(
            outcome=outcome,
            reason=reason,
            message=message,
            fidelity=self.fidelity or 1.0,
            metrics=self._metrics(),
            stages=tuple(self.results.values()),
            rung=self.rung,
        )
        yield from self._append(Kind.RESULT, part="0", body=asdict(result))
        return result

    def _stage(self, stage: StagePlan) -> Waits[str]:
        """Restores or runs one stage; returns why it was stopped, if it was."""
        known = self.shelf.artifacts.get(stage.key)
        if known is not None and stage.reuse:
            yield self.restore_seconds
            yield from self._finish(stage, self._cached(stage, known))
            return ""
        fidelity = self.plan.fidelity
        if fidelity is not None and fidelity.stage == stage.name:
            return (yield from self._train(stage, fidelity))
        seconds = self.blackbox.seconds(self.plan, stage=stage, fidelity=1.0)
        yield seconds
        metrics = self.blackbox.metrics(self.plan, stage=stage, fidelity=1.0)
        yield from self._ran(stage, seconds=seconds, total=seconds, metrics=metrics)
        return ""

    def _train(self, stage: StagePlan, fidelity: FidelityPlan) -> Waits[str]:
        key = (self.plan.trial, stage.name)
        done, total = self.shelf.checkpoints.get(key, (0.0, 0.0))
        here, begun = 0.0, total
        self.fidelity = done
        metrics = self.blackbox.metrics(self.plan, stage=stage, fidelity=done) if done else {}
        held = yield from self._held(fidelity, done)
        if held:
            return (yield from self._at_rung(stage, held, 0.0, total, metrics))
        for level in _levels(fidelity, after=done):
            reached = self.blackbox.seconds(self.plan, stage=stage, fidelity=level)
            # What begins anew at each rung takes its time from the beginning, every time.
            wait = max(0.0, reached + (begun if fidelity.restart else 0.0) - total)
            yield wait
            here, total = here + wait, total + wait
            self.fidelity = level
            metrics = self.blackbox.metrics(self.plan, stage=stage, fidelity=level)
            yield from self._report(stage, level=level, metrics=metrics)
            if level in fidelity.rungs:
                begun = total
                taken = yield from self._decide(stage, level, metrics=metrics, seconds=total)
                if not self._goes_on(taken, level):
                    if taken.verb == Verb.PAUSE:
                        self.rung = level
                        self.shelf.checkpoints[key] = (level, total)
                    return (yield from self._at_rung(stage, taken.reason, here, total, metrics))
            if not fidelity.restart or level in fidelity.rungs:
                self.shelf.checkpoints[key] = (level, total)
        yield from self._ran(stage, seconds=here, total=total, metrics=metrics)
        return ""

    def _held(self, fidelity: FidelityPlan, done: float) -> Waits[str]:
        """Why nothing runs again: an earlier attempt was decided and died before it said so."""
        if done not in fidelity.rungs:
            return ""
        taken = yield from self._patiently(
            lambda: self.log.get_decision(self.plan.bracket, done, trial=self.plan.trial)
        )
        if taken is None or self._goes_on(taken, done):
            return ""
        self.rung = done if taken.verb == Verb.PAUSE else None
        return taken.reason

    def _goes_on(self, taken: StoredDecision, level: float) -> bool:
        promoted = 0.0 if self.plan.fidelity is None else self.plan.fidelity.promoted
        return taken.verb == Verb.CONTINUE or (taken.verb == Verb.PAUSE and level <= promoted)

    def _at_rung(
        self,
        stage: StagePlan,
        reason: str,
        here: float,
        total: float,
        metrics: Mapping[str, float],
    ) -> Waits[str]:
        self._keep(stage, StageOutcome.STOPPED, here, total, metrics)
        yield from self._finish(stage, self.results[stage.name])
        return reason

    def _decide(
        self, stage: StagePlan, level: float, *, metrics: Mapping[str, float], seconds: float
    ) -> Waits[StoredDecision]:
        self._keep(stage, StageOutcome.STOPPED, seconds, seconds, metrics)
        known = self._metrics()
        compared = rung_objectives(self.plan.objectives, stage=stage.name)
        decision = yield from self._patiently(
            lambda: decide_at_rung(
                self.log,
                scheduler=scheduler_for(self.plan),
                bracket=self.plan.bracket,
                level=level,
                trial=self.plan.trial,
                attempt=self.plan.attempt,
                vector=[known.get(one.metric, nan) for one in compared],
            )
        )
        return decision

    def _report(
        self, stage: StagePlan, *, level: float, metrics: Mapping[str, float]
    ) -> Waits[None]:
        report = {"fidelity": level, "metrics": dict(metrics)}
        body = {"stage": stage.name, "segment": self.plan.segment, "reports": [report]}
        yield from self._append(Kind.REPORTS, part=str(self.batches), body=body)
        self.batches += 1

    def _ran(
        self, stage: StagePlan, *, seconds: float, total: float, metrics: Mapping[str, float]
    ) -> Waits[None]:
        self._keep(stage, StageOutcome.RUN, seconds, total, metrics)
        result = self.results[stage.name]
        yield from self._finish(stage, result)
        self.shelf.artifacts.setdefault(stage.key, result)
        self.shelf.makers.setdefault(stage.key, self.plan.trial)

    def _keep(
        self,
        stage: StagePlan,
        outcome: StageOutcome,
        seconds: float,
        total: float,
        metrics: Mapping[str, float],
    ) -> None:
        self.results[stage.name] = StageResult(
            stage=stage.name,
            outcome=outcome,
            seconds=seconds,
            cost_usd=seconds * stage.price_per_hour / 3600,
            first_run_seconds=total,
            instance_type=stage.instance_type,
            metrics=dict(metrics),
        )

    def _cached(self, stage: StagePlan, known: StageResult) -> StageResult:
        own = self.shelf.makers.get(stage.key) == self.plan.trial
        seconds = 0.0 if own else self.restore_seconds
        return StageResult(
            stage=stage.name,
            outcome=StageOutcome.RUN if own else StageOutcome.CACHED,
            seconds=seconds,
            cost_usd=seconds * stage.price_per_hour / 3600,
            first_run_seconds=known.first_run_seconds,
            instance_type=known.instance_type,
            predicted=known.instance_type != stage.instance_type,
            metrics=known.metrics,
        )

    def _finish(self, stage: StagePlan, result: StageResult) -> Waits[None]:
        self.results[stage.name] = result
        if self.plan.fidelity is not None and self.plan.fidelity.stage == stage.name:
            done = result.outcome is not StageOutcome.STOPPED
            self.fidelity = self.plan.fidelity.maximum if done else self.fidelity
        if stage.run:
            yield from self._append(Kind.STAGE, part=stage.name, body=asdict(result))

    def _metrics(self) -> dict[str, float]:
        metrics: dict[str, float] = {}
        for result in self.results.values():
            metrics.update(result.metrics)
        prices = {stage.name: stage.price_per_hour for stage in self.plan.stages}
        for objective in self.plan.objectives:
            counted = [one for one in self.results.values() if objective.stage in (None, one.stage)]
            if objective.metric == "runtime":
                metrics["runtime"] = sum(one.first_run_seconds for one in counted)
            elif objective.metric == "cost":
                metrics["cost"] = sum(
                    one.first_run_seconds * prices[one.stage] / 3600 for one in counted
                )
        return metrics

    def _append(self, kind: Kind, *, part: str, body: Mapping[str, object]) -> Waits[None]:
        yield from self._patiently(
            lambda: self.log.append(
                kind, trial=self.plan.trial, attempt=self.plan.attempt, part=part, body=body
            )
        )

    def _patiently(self, action: Callable[[], T]) -> Waits[T]:
        while True:
            try:
                return action()
            except StoreUnreachable:
                yield RETRY_SECONDS


def _levels(fidelity: FidelityPlan, *, after: float) -> list[float]:
    """Where the stage reports: every unit of a short training, else rungs and end."""
    levels = {*fidelity.rungs, fidelity.maximum}
    if fidelity.maximum <= MANY_UNITS:
        levels |= {float(unit) for unit in range(1, int(fidelity.maximum) + 1)}
    return sorted(level for level in levels if level > after)
