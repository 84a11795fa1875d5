"""Studies of a cluster, from the status of their objects: no credentials of the store needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from tuner.cli.explaining import from_status
from tuner.cli.explanation import Explanation
from tuner.cli.report import StudyReport, TrialRow
from tuner.cli.statuses import baseline_in, row_of, summary_of
from tuner.errors import BackendError, UnknownObject
from tuner.spec import StudyState, TuningStudy, TuningTrial
from tuner.spec.conditions import SUCCEEDED

Object = Mapping[str, Any]
T = TypeVar("T", TuningStudy, TuningTrial)


class Reader(Protocol):
    """What is read of a cluster; objects as JSON. May raise BackendError."""

    @property
    def namespace(self) -> str:
        """The namespace that is read."""

    def list_studies(self) -> Sequence[Object]:
        """Every TuningStudy of the namespace."""

    def get_study(self, name: str) -> Object | None:
        """One TuningStudy, or None."""

    def list_trials(self, study: str) -> Sequence[Object]:
        """The TuningTrials of a study."""

    def get_trial(self, name: str) -> Object | None:
        """One TuningTrial, or None."""

    def pod_log(self, pod: str) -> Iterator[str]:
        """What the stages of a pod printed, in pieces; nothing if the pod is gone."""


class ClusterSource:
    """Reads the studies of one namespace.

    Args:
        reader: How to reach the cluster.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def overview(self, study: str | None = None) -> Sequence[StudyReport]:
        """One study, or all by name, as their status tells; trials are not read."""
        if study is not None:
            return [self._report(self._study(study), ())]
        found = [_parse(TuningStudy, each) for each in self._reader.list_studies()]
        return [self._report(each, ()) for each in sorted(found, key=lambda s: s.metadata.name)]

    def report(self, study: str) -> StudyReport:
        """A study as it stands, its front completed from its trials."""
        return self._report(self._study(study), self._trials(study))

    def trials(self, study: str) -> Sequence[TrialRow]:
        """Its trials, oldest first; those beyond the history limit are in the store only."""
        found = self._study(study)
        return [row_of(found, trial) for trial in self._trials(study)]

    def logs(self, trial: str) -> Iterator[str]:
        """What the last attempt of each segment printed."""
        status = self._trial(trial).status
        for segment in (status and status.segments) or ():
            if segment.pod is not None:
                yield from self._reader.pod_log(segment.pod)

    def explain(self, trial: str) -> Explanation:
        """Why a trial was proposed, and what became of it."""
        found = self._trial(trial)
        return from_status(self._study(found.spec.study), found)

    def _report(self, study: TuningStudy, trials: Sequence[TuningTrial]) -> StudyReport:
        status = study.status
        ended = next(
            (each for each in (status and status.conditions) or () if each.type == SUCCEEDED), None
        )
        summary = summary_of(study, trials)
        return StudyReport(
            name=study.metadata.name,
            namespace=self._reader.namespace,
            spec=study.spec,
            state=(status and status.state) or StudyState.PENDING,
            reason="" if ended is None else ended.reason,
            message="" if ended is None else ended.message,
            finished=status is not None and status.completion_time is not None,
            summary=summary,
            front_size=max(len(summary.front), (status and status.front_size) or 0),
            baseline=baseline_in(study, trials),
        )

    def _study(self, name: str) -> TuningStudy:
        found = self._reader.get_study(name)
        if found is None:
            raise UnknownObject(f"namespace {self._reader.namespace} has no study {name}")
        return _parse(TuningStudy, found)

    def _trial(self, name: str) -> TuningTrial:
        found = self._reader.get_trial(name)
        if found is None:
            raise UnknownObject(f"namespace {self._reader.namespace} has no trial {name}")
        return _parse(TuningTrial, found)

    def _trials(self, study: str) -> list[TuningTrial]:
        trials = [_parse(TuningTrial, each) for each in self._reader.list_trials(study)]
        return sorted(
            trials, key=lambda each: (each.metadata.creation_timestamp or "", each.metadata.name)
        )


def _parse(model: type[T], found: Object) -> T:
    try:
        return model.model_validate(found)
    except ValidationError as error:
        raise BackendError(
            f"{found.get('kind')} {found['metadata']['name']} was written for another version "
            f"than this one: {error.errors()[0]['msg']}"
        ) from error
