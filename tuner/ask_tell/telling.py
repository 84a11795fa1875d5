"""What is told of a trial, checked and written down: results, reports, failures."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from tuner.agent.accounting import rung_vector, saved_usd
from tuner.agent.progress import Progress, Report
from tuner.agent.writing import reports_body
from tuner.ask_tell.desk import Desk
from tuner.ask_tell.told import (
    FirstRun,
    Numbers,
    Times,
    chosen_values,
    read_metrics,
    read_seconds,
    require,
    stage_results,
    with_built_ins,
)
from tuner.ask_tell.verdicts import failure_of
from tuner.errors import NotTold
from tuner.log import Kind
from tuner.pipeline import AgentResult, FidelityPlan, StagePlan, TrialPlan
from tuner.schedulers import Verb, rung_objectives, scheduler_for
from tuner.schedulers.at_rung import decide_at_rung
from tuner.spec import BUILT_IN
from tuner.study.chronicle import Story
from tuner.trial import Outcome, StageOutcome, StageResult


@dataclass(frozen=True, slots=True)
class Telling:
    """Takes in what the caller tells: everything is checked before anything is written.

    Attributes:
        desk: The study.
    """

    desk: Desk

    def completed(
        self, story: Story, metrics: Numbers, *, seconds: Numbers, cached: Collection[str]
    ) -> None:
        """The trial ran to its end. Raises NotTold, StoreError."""
        plan = self.desk.plan(story)
        told = read_metrics(metrics)
        before = _progress(story)
        values = chosen_values(plan, progress=before.then([Report(metrics=told)]))
        full = 1.0 if plan.fidelity is None else plan.fidelity.maximum
        # A value at a rung never stands for a final one.
        known = values if before.fidelity >= full else told
        require((metric for metric in self._metrics if metric not in BUILT_IN), values=known)
        results = stage_results(
            plan,
            times=self._times(story, plan, seconds=seconds, cached=cached),
            metrics=values,
            last=StageOutcome.RUN,
            until=plan.stages[-1].name,
        )
        values = with_built_ins(plan, values, results=results)
        self._require_times(values)
        result = _result(plan, outcome=Outcome.COMPLETED, values=values, results=results)
        self.desk.conclude(story, plan, result=replace(result, fidelity=full))

    def failed(
        self,
        story: Story,
        cause: str | BaseException,
        *,
        seconds: Numbers,
        cached: Collection[str],
    ) -> None:
        """The trial failed. Raises NotTold, StoreError."""
        plan = self.desk.plan(story)
        progress = _progress(story)
        values = chosen_values(plan, progress=progress)
        results = stage_results(
            plan,
            times=self._times(story, plan, seconds=seconds, cached=cached),
            metrics=values,
            last=StageOutcome.FAILED,
            until=None,
        )
        values = with_built_ins(plan, values, results=results)
        reason, message = failure_of(cause)
        result = _result(plan, outcome=Outcome.FAILED, values=values, results=results)
        result = replace(result, fidelity=progress.fidelity, reason=reason, message=message)
        self.desk.conclude(story, plan, result=result)

    def reported(
        self,
        story: Story,
        fidelity: float,
        metrics: Numbers,
        *,
        seconds: Numbers,
        cached: Collection[str],
    ) -> bool:
        """How far the trial is; whether it goes on. Raises NotTold, StoreError."""
        plan = self.desk.plan(story)
        study = _fidelity_of(plan, fidelity)
        report = Report(metrics=read_metrics(metrics, finite=False), fidelity=float(fidelity))
        progress = _progress(story).then([report])
        values = chosen_values(plan, progress=progress)
        results = stage_results(
            plan,
            times=self._times(story, plan, seconds=seconds, cached=cached),
            metrics=values,
            last=StageOutcome.STOPPED,
            until=study.stage,
        )
        built_in = with_built_ins(plan, {}, results=results)
        compared = rung_objectives(plan.objectives, stage=study.stage)
        require((one.metric for one in compared if one.metric in BUILT_IN), values=built_in)
        body = reports_body(plan, stage=study.stage, kept=[report], seen=1, built_in=built_in)
        self.desk.append(plan, Kind.REPORTS, body, part=_part(report))
        vector = rung_vector(compared, progress=progress, built_in=built_in)
        reason = self._stopped(plan, vector, levels=[one for one in study.rungs if one <= fidelity])
        if not reason:
            self.desk.view.refresh()
            return True
        result = _result(
            plan, outcome=Outcome.STOPPED, values={**values, **built_in}, results=results
        )
        result = replace(result, fidelity=float(fidelity), reason="Rung", message=reason)
        self.desk.conclude(story, plan, result=result)
        return False

    @property
    def _metrics(self) -> list[str]:
        """What must be known of a trial that ran to its end, objectives first."""
        spec = self.desk.spec
        objectives = [one.metric for one in spec.objectives]
        return [*objectives, *(one.metric for one in spec.constraints or ())]

    def _require_times(self, values: Mapping[str, float]) -> None:
        require((metric for metric in self._metrics if metric in BUILT_IN), values=values)
        if self.desk.opened.terms.budget.max_cost_usd is not None and not BUILT_IN & values.keys():
            raise NotTold("stage_seconds: budget.maxCost counts what the stages cost")

    def _times(
        self, story: Story, plan: TrialPlan, *, seconds: Numbers, cached: Collection[str]
    ) -> Times:
        read_seconds(dict.fromkeys(cached, 0.0), plan=plan, where="cached")
        reused = [stage for stage in plan.stages if stage.name in cached]
        return Times(
            seconds=read_seconds(seconds, plan=plan, where="stage_seconds"),
            cached={stage.name: self._first_run(story, stage) for stage in reused},
        )

    def _first_run(self, story: Story, stage: StagePlan) -> FirstRun:
        if not stage.reuse:
            raise NotTold(f'cached: stage "{stage.name}" has cache: Never')
        run = self.desk.first_run(story, stage.name)
        if run is None:
            raise NotTold(
                f'cached: no trial that was told ran stage "{stage.name}" with the parameters of '
                f"{story.name}"
            )
        return run

    def _stopped(
        self, plan: TrialPlan, vector: Sequence[float | None], *, levels: Sequence[float]
    ) -> str:
        """Why the trial stops at one of the rungs that it has reached; empty if it goes on."""
        for level in levels if vector else ():
            decision = decide_at_rung(
                self.desk.opened.log,
                scheduler=scheduler_for(plan),
                bracket=plan.bracket,
                level=level,
                trial=plan.trial,
                attempt=plan.attempt,
                vector=[math.nan if value is None else value for value in vector],
            )
            if decision.verb != Verb.CONTINUE:
                return decision.reason
        return ""


def _fidelity_of(plan: TrialPlan, fidelity: float) -> FidelityPlan:
    study = plan.fidelity
    if study is None:
        raise NotTold(
            'fidelity: the study has none; give it one, such as {"name": "epoch", "max": 27}'
        )
    if isinstance(fidelity, bool | str) or not 0 < fidelity <= study.maximum:
        raise NotTold(
            f"fidelity: should be above 0 and at most {study.maximum:g} ({study.name}), "
            f"not {fidelity!r}"
        )
    return study


def _progress(story: Story) -> Progress:
    """What was reported so far, by this process or another."""
    return Progress().then(
        [
            Report(
                fidelity=fidelity,
                metrics={name: each for name, each in metrics.items() if name not in BUILT_IN},
            )
            for fidelity, (_, _, metrics) in sorted(story.curve.items())
        ]
    )


def _result(
    plan: TrialPlan,
    *,
    outcome: Outcome,
    values: Mapping[str, float],
    results: tuple[StageResult, ...],
) -> AgentResult:
    return AgentResult(
        outcome=outcome,
        reason=str(outcome),
        message="",
        fidelity=0.0,
        metrics=values,
        stages=results,
        saved_usd=saved_usd(plan, results={one.stage: one for one in results}),
    )


def _part(report: Report) -> str:
    """Tells the reports of a trial apart: one a fidelity."""
    return repr(report.fidelity).replace(".", "-").replace("+", "")
