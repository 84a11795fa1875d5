"""Doing the jobs: the agent's only way to store and cache."""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tuner import cache
from tuner.agent import jobs
from tuner.agent.files import make_folders, script_fidelity, write_script
from tuner.agent.progress import Progress, Values, rungs_passed
from tuner.artifacts import ArtifactStore
from tuner.cache import CheckpointStore, StageCache, StageFacts
from tuner.errors import ArtifactError
from tuner.log import Entry, Kind, StoredDecision, StudyLog
from tuner.pipeline.layout import Layout
from tuner.pipeline.plan import StagePlan, TrialPlan


@dataclass(frozen=True, slots=True)
class _Signature:
    """What a folder looked like: paths, sizes and times of its files."""

    entries: frozenset[tuple[str, int, int]]


class Keeper:
    """Does one job at a time; every job may be done again.

    Every method may raise StoreError (worth doing again) or OSError of the local disk.

    Args:
        plan: The trial's plan.
        store: Where the objects are.
        clock: Seconds that only ever grow.
    """

    def __init__(
        self,
        plan: TrialPlan,
        store: ArtifactStore,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._layout = Layout(Path(plan.layout))
        scratch = self._layout.io
        self._log = StudyLog(store, plan.study_prefix)
        self._cache = StageCache(store, plan.cache_prefix, scratch=scratch)
        self._checkpoints = CheckpointStore(store, plan.study_prefix, scratch=scratch)
        self._saved: _Signature | None = None

    def do(self, job: jobs.Job | jobs.WriteAll) -> jobs.Answer:
        """Does a job and gives its answer."""
        match job:
            case jobs.Lookup():
                return self._lookup(self._plan.stages[job.index])
            case jobs.Restore():
                return self._restore(self._plan.stages[job.index])
            case jobs.Prepare():
                return self._prepare(job)
            case jobs.Write():
                return self._write([job])
            case jobs.WriteAll():
                return self._write(job.writes)
            case jobs.Decide():
                return self._decide(job)
            case jobs.Save():
                return self._save(job)
            case jobs.Store():
                return self._store(job)

    def heartbeat(self) -> None:
        """Says in the store that this attempt is alive."""
        self._log.put_heartbeat(self._plan.trial, attempt=self._plan.attempt)

    def _lookup(self, stage: StagePlan) -> jobs.Hit | jobs.Miss:
        found = self._cache.lookup(stage.key, stage=stage.name, components=stage.components)
        if isinstance(found, cache.Miss):
            return jobs.Miss(why=str(found))
        return jobs.Hit(facts=_facts_of(found.manifest.facts, plan=self._plan))

    def _restore(self, stage: StagePlan) -> jobs.Restored | jobs.Miss:
        began = self._clock()
        found = self._cache.lookup(stage.key)
        if isinstance(found, cache.Miss):
            return jobs.Miss(why=str(found))
        output = self._layout.stage(stage.name).output
        shutil.rmtree(output, ignore_errors=True)
        output.parent.mkdir(parents=True, exist_ok=True)
        missing = self._cache.restore(found, output, beneath=self._layout.base)
        if missing is not None:
            return jobs.Miss(why=str(missing))
        return jobs.Restored(seconds=max(0.0, self._clock() - began))

    def _prepare(self, job: jobs.Prepare) -> jobs.Prepared:
        stage = self._plan.stages[job.index]
        self._saved = None
        make_folders(self._layout, stage=stage.name, fresh=job.fresh)
        progress = self._resume(stage) if job.fresh and self._plan.attempt > 1 else None
        held = None if progress is None else self._held(stage, progress)
        level = job.level if progress is None else progress.level
        fidelity = script_fidelity(self._plan, stage=stage, level=level)
        write_script(self._layout, stage=stage, fidelity=fidelity)
        return jobs.Prepared(progress=progress, held=held)

    def _held(self, stage: StagePlan, progress: Progress) -> jobs.Decided | None:
        """The decision of a rung below the checkpoint from which the trial does not go on."""
        passed = rungs_passed(self._plan, stage=stage, progress=progress)
        fidelity = self._plan.fidelity
        for level in () if fidelity is None else fidelity.rungs[:passed]:
            decision = self._log.get_decision(self._plan.bracket, level, trial=self._plan.trial)
            if decision is not None and self._decided(decision, level).stop:
                return self._decided(decision, level)
        return None

    def _decided(self, decision: StoredDecision, level: float) -> jobs.Decided:
        """A decision as it binds this attempt: who was paused goes on once promoted."""
        promoted = self._plan.fidelity is not None and level <= self._plan.fidelity.promoted
        paused = decision.verb == "Pause"
        return jobs.Decided(
            stop=decision.verb == "Stop" or (paused and not promoted),
            reason=decision.reason,
            paused_at=level if paused and not promoted else None,
        )

    def _resume(self, stage: StagePlan) -> Progress | None:
        """Restores the last checkpoint of an earlier attempt, if there is one."""
        restored = self._checkpoints.restore(
            self._plan.trial,
            stage.name,
            folder=self._layout.stage(stage.name).checkpoint,
            beneath=self._layout.base,
        )
        if restored is None:
            return None
        try:
            return Progress.from_dict(restored.facts)
        except (KeyError, TypeError, ValueError):
            return Progress(fidelity=restored.fidelity)

    def _write(self, writes: Sequence[jobs.Write]) -> jobs.Done:
        trial, attempt = self._plan.trial, self._plan.attempt
        key = self._log.append_all(
            [
                Entry(
                    kind=Kind(one.kind), trial=trial, attempt=attempt, part=one.part, body=one.body
                )
                for one in writes
            ]
        )
        return jobs.Done(key=key)

    def _decide(self, job: jobs.Decide) -> jobs.Decided:
        # Imported at the first rung: most agents of studies without fidelity never need it.
        from tuner.schedulers import scheduler_for
        from tuner.schedulers.at_rung import decide_at_rung

        decision = decide_at_rung(
            self._log,
            scheduler=scheduler_for(self._plan),
            bracket=self._plan.bracket,
            level=job.level,
            trial=self._plan.trial,
            attempt=self._plan.attempt,
            vector=[math.nan if value is None else value for value in job.vector],
        )
        return self._decided(decision, job.level)

    def _save(self, job: jobs.Save) -> jobs.Saved:
        """Saves a checkpoint unless it is empty, unchanged, or being written right now."""
        stage = self._plan.stages[job.index]
        folder = self._layout.stage(stage.name).checkpoint
        before = _signature(folder)
        nothing = not before.entries and job.progress.level == 0
        if nothing or (before == self._saved and not job.final):
            return jobs.Saved(saved=False)
        try:
            self._checkpoints.save(
                self._plan.trial,
                stage.name,
                attempt=self._plan.attempt,
                sequence=job.sequence,
                folder=folder,
                fidelity=job.progress.fidelity,
                facts=job.progress.to_dict(),
                beneath=self._layout.base,
            )
        except ArtifactError:
            return jobs.Saved(saved=False)
        self._saved = before
        return jobs.Saved(saved=True)

    def _store(self, job: jobs.Store) -> jobs.Done | jobs.Refused:
        stage = self._plan.stages[job.index]
        facts = jobs.Facts.from_dict(job.facts)
        try:
            self._cache.store(
                stage.key,
                self._layout.stage(stage.name).output,
                facts=_stage_facts(self._plan, stage=stage, facts=facts),
                beneath=self._layout.base,
            )
        except ArtifactError as error:
            return jobs.Refused(why=str(error))
        return jobs.Done()


def _signature(folder: Path) -> _Signature:
    entries: set[tuple[str, int, int]] = set()
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue
            entries.add((str(path), status.st_size, status.st_mtime_ns))
    return _Signature(frozenset(entries))


def _stage_facts(plan: TrialPlan, *, stage: StagePlan, facts: jobs.Facts) -> StageFacts:
    fidelity = plan.fidelity
    trains = fidelity is not None and fidelity.stage == stage.name
    lows = {name: item.low for name, item in facts.values.items() if item.low is not None}
    highs = {name: item.high for name, item in facts.values.items() if item.high is not None}
    return StageFacts(
        stage=stage.name,
        study=_study(plan),
        trial=plan.trial,
        first_run_seconds=facts.seconds,
        instance_type=facts.instance_type,
        price_per_hour=stage.price_per_hour,
        fidelity=fidelity.maximum if fidelity is not None and trains else None,
        metrics={name: item.last for name, item in facts.values.items() if item.last is not None},
        reports=[{"metrics": lows}, {"metrics": highs}],
        components=stage.components,
    )


def _study(plan: TrialPlan) -> str:
    """Name and uid: a study that is made anew repeats the names of its trials."""
    return plan.study_prefix.rpartition("/")[2]


def _facts_of(facts: StageFacts, *, plan: TrialPlan) -> jobs.Facts:
    """What the agent needs of an artifact's facts: of the curve, its extremes."""
    values: dict[str, Values] = {
        name: Values(last=value, low=value, high=value) for name, value in facts.metrics.items()
    }
    for report in facts.reports:
        metrics = report.get("metrics")
        for name, value in metrics.items() if isinstance(metrics, Mapping) else ():
            if isinstance(value, int | float):
                known = values.get(name)
                last = None if known is None else facts.metrics.get(name)
                base = known or Values(last=None, low=None, high=None)
                values[name] = replace(base.then(float(value)), last=last)
    return jobs.Facts(
        trial=facts.trial if facts.study == _study(plan) else "",
        instance_type=facts.instance_type,
        seconds=facts.first_run_seconds,
        values=values,
    )
