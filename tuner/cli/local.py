"""Studies of `tuner run`, read from its folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tuner.artifacts import FolderStore
from tuner.backends.local.runs import NAMESPACE, run_of, runs, uid_of
from tuner.cli.explaining import from_log
from tuner.cli.explanation import Explanation
from tuner.cli.report import StudyReport, TrialRow, baseline_of, initial_name
from tuner.cli.source import study_of
from tuner.errors import ManifestError, UnknownObject
from tuner.log import StudyLog, studies, study_prefix
from tuner.pipeline import Layout
from tuner.spec import StudyState, TuningStudySpec
from tuner.study.chronicle import Chronicle, Story
from tuner.study.ends import End
from tuner.study.markers import get_end
from tuner.study.summary import Point, summarize
from tuner.study.terms import terms_of
from tuner.trial import StageOutcome

ATTEMPTS = "attempts"
"""Below the folder: what the attempts share with their stages."""


class LocalSource:
    """Reads the folder of `tuner run`; its log is the only source.

    Args:
        folder: The folder, `.tuner` by default.

    Raises:
        UnknownObject: There is no such folder; reading makes none.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UnknownObject(f"there is no folder {folder}")
        self._folder = folder
        self._store = FolderStore(folder)

    def names(self) -> Sequence[str]:
        """Names of the studies that have runs, sorted."""
        entries = studies(self._store, NAMESPACE)
        return sorted({entry.study for entry in entries if run_of(entry.uid) is not None})

    def overview(self, study: str | None = None) -> Sequence[StudyReport]:
        """One study, or all by name."""
        return [self.report(name) for name in (self.names() if study is None else [study])]

    def report(self, study: str) -> StudyReport:
        """A study as it stands. One that was interrupted shows as Running."""
        log, spec, prices = self._open(study)
        chronicle = _chronicle(log)
        terms = terms_of(spec)
        summary = summarize(
            chronicle,
            study=study,
            terms=terms,
            lookup_stages=spec.pipeline.cached_stages,
            prices=prices,
        )
        end = get_end(self._store, log.prefix)
        return StudyReport(
            name=study,
            namespace=NAMESPACE,
            spec=spec,
            state=_state(end, chronicle),
            reason="" if end is None else end.reason,
            message="" if end is None else end.message,
            finished=end is not None,
            summary=summary,
            front_size=len(summary.front),
            baseline=_baseline(spec, chronicle),
        )

    def trials(self, study: str) -> Sequence[TrialRow]:
        """Its trials, oldest first."""
        log, spec, _ = self._open(study)
        metrics = [objective.metric for objective in spec.objectives]
        return [_row(story, metrics) for story in _chronicle(log).stories]

    def logs(self, trial: str) -> Iterator[str]:
        """What the attempts of a trial printed."""
        latest = [f"{name}.{self._uid(name)}" for name in self.names()]
        attempts = sorted(
            (path for run in latest for path in (self._folder / ATTEMPTS / run / trial).glob("*/")),
            key=lambda path: (len(path.name), path.name),
        )
        if not attempts:
            raise UnknownObject(f"{self._folder} has no attempt of a trial {trial}")
        for attempt in attempts:
            output = Layout(attempt).output_log
            if output.is_file():
                yield output.read_text(encoding="utf-8", errors="replace")

    def explain(self, trial: str) -> Explanation:
        """Why a trial was proposed, and what became of it."""
        study = study_of(trial)
        log, spec, prices = self._open(study)
        story = _chronicle(log).story(trial)
        if story is None or story.trial is None:
            raise UnknownObject(f"{self._folder}: study {study} has no trial {trial}")
        row = _row(story, [objective.metric for objective in spec.objectives])
        return from_log(story, row=row, log=log, spec=spec, prices=prices)

    def _uid(self, study: str) -> str:
        """Of the study's latest run."""
        return uid_of(max(runs(self._store, study)))

    def _open(self, study: str) -> tuple[StudyLog, TuningStudySpec, Mapping[str, float]]:
        names = self.names()
        if study not in names:
            known = ", ".join(names) or "none"
            raise UnknownObject(f"{self._folder} has no study {study}; it has: {known}")
        log = StudyLog(self._store, study_prefix(NAMESPACE, study, uid=self._uid(study)))
        marker = log.get_marker() or {}
        try:
            spec = TuningStudySpec.model_validate(marker.get("spec"))
        except ValueError as error:
            raise ManifestError(f"{self._folder}: study {study} has no readable spec") from error
        prices = marker.get("pricesPerHour")
        return log, spec, prices if isinstance(prices, dict) else {}


def _chronicle(log: StudyLog) -> Chronicle:
    chronicle = Chronicle()
    chronicle.add(log.read_all())
    return chronicle


def _state(end: End | None, chronicle: Chronicle) -> StudyState:
    if end is None:
        return StudyState.RUNNING if chronicle.stories else StudyState.PENDING
    return StudyState.SUCCEEDED if end.succeeded else StudyState.FAILED


def _baseline(spec: TuningStudySpec, chronicle: Chronicle) -> Point | None:
    """The study's first initial trial, if it completed."""
    first = next((each.name for each in spec.initial_trials or ()), None)
    for story in chronicle.stories:
        if first is not None and story.completed is not None and _label(story) == first:
            row = _row(story, [objective.metric for objective in spec.objectives])
            return baseline_of(row)
    return None


def _label(story: Story) -> str:
    return "" if story.trial is None else initial_name(story.trial.why)


def _row(story: Story, metrics: Sequence[str]) -> TrialRow:
    accepted = story.accepted
    latest = max(story.curve) if story.curve else None
    known = accepted.metrics if accepted is not None else {}
    if not known and latest is not None:
        known = story.curve[latest][2]
    verdict = story.last_verdict
    trial = story.trial
    return TrialRow(
        name=story.name,
        state=str(story.state),
        reason=story.reason,
        message="" if verdict is None else verdict.message,
        parameters={} if trial is None else trial.parameters,
        instance_types={} if trial is None else trial.instance_types,
        fidelity=latest if accepted is None else accepted.fidelity,
        objectives={metric: known[metric] for metric in metrics if metric in known},
        cost=story.cost_usd,
        seconds=known.get("runtime"),
        label=_label(story),
        cached=tuple(
            name
            for name, (_, _, stage) in story.stages.items()
            if stage.outcome is StageOutcome.CACHED
        ),
    )
