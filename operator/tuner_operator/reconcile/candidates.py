"""Which segment of a trial comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tuner.pipeline import Segment as Run
from tuner.pipeline import StudyIdentity, stage_keys
from tuner.spec.study import TuningStudySpec
from tuner_operator.actions import ArtifactsOf, Ask, Chain
from tuner_operator.observed import Observed, TrialView
from tuner_operator.reconcile.flight import current_segment, index_of, runs_of, value_of
from tuner_operator.verdicts import NEXT_SEGMENT, PREFIX_MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A trial that asks for an attempt of one of its segments."""

    trial: TrialView
    run: Run
    runs: tuple[Run, ...]


def candidates(
    observed: Observed, waiting: Sequence[TrialView], *, spec: TuningStudySpec
) -> tuple[list[Candidate], list[Chain]]:
    candidates: list[Candidate] = []
    chains: list[Chain] = []
    for trial in waiting:
        runs = runs_of(trial, spec)
        index, question = _next_index(observed, trial, runs=runs, spec=spec)
        if question is not None:
            chains.append(Chain(trial.name, (Ask(question),)))
        else:
            candidates.append(Candidate(trial=trial, run=runs[index], runs=runs))
    return candidates, chains


def _next_index(
    observed: Observed, trial: TrialView, *, runs: tuple[Run, ...], spec: TuningStudySpec
) -> tuple[int, ArtifactsOf | None]:
    """Where the trial goes on, or what must be asked first."""
    last = current_segment(trial.status)
    if last is not None:
        index = index_of(last, runs)
        step = {NEXT_SEGMENT: 1, PREFIX_MISSING: -1}.get(last.reason or "", 0)
        return min(max(0, index + step), len(runs) - 1), None
    if len(runs) == 1:
        return 0, None
    return _first_index(observed, trial, runs=runs, spec=spec)


def _first_index(
    observed: Observed, trial: TrialView, *, runs: tuple[Run, ...], spec: TuningStudySpec
) -> tuple[int, ArtifactsOf | None]:
    """The first segment whose predecessors are all in the cache."""
    keys = stage_keys(
        spec,
        study=identity(observed),
        trial=value_of(trial, spec),
        instance_types=observed.instance_types,
    )
    reusable = spec.pipeline.cached_stages
    prefix: list[Run] = []
    for run in runs[:-1]:
        if not reusable.issuperset(run.stages):
            break
        prefix.append(run)
    if not prefix:
        return 0, None
    question = ArtifactsOf(keys=tuple(keys[name].digest for run in prefix for name in run.stages))
    answer = observed.answers.get(question)
    if not isinstance(answer, frozenset):
        return 0, question
    cached = 0
    for run in prefix:
        if not all(keys[name].digest in answer for name in run.stages):
            break
        cached += 1
    return cached, None


def identity(observed: Observed) -> StudyIdentity:
    """Which study it is, for plans and keys."""
    ref = observed.study.ref
    return StudyIdentity(name=ref.name, namespace=ref.namespace, uid=ref.uid)
