"""Where studies are read from: one Protocol over the cluster and over `tuner run`'s folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tuner.cli.explanation import Explanation
    from tuner.cli.report import StudyReport, TrialRow

DEFAULT_FOLDER = Path(".tuner")
"""Where `tuner run` keeps its studies."""


class StudySource(Protocol):
    """Reads studies; changes nothing.

    Every method may raise UnknownObject for a name that does not exist, and StoreError or
    BackendError if what holds the studies does not answer.
    """

    def overview(self, study: str | None = None) -> Sequence[StudyReport]:
        """One study, or all by name, in brief: cheap enough to be asked for again and again."""

    def report(self, study: str) -> StudyReport:
        """A study as it stands, with all of its front."""

    def trials(self, study: str) -> Sequence[TrialRow]:
        """Its trials, oldest first."""

    def logs(self, trial: str) -> Iterator[str]:
        """What the stages of a trial printed, in pieces; all attempts that are still there."""

    def explain(self, trial: str) -> Explanation:
        """Why a trial was proposed, and what became of it."""


def study_of(trial: str) -> str:
    """The study of a trial, by its name: `<study>-<worker>-<number>`."""
    return trial.rsplit("-", 2)[0]


def open_source(
    *,
    local: Path | None,
    namespace: str | None,
    context: str | None,
    study: str | None = None,
) -> StudySource:
    """The source that the options name.

    Without `--local`, `--namespace` or `--context` a study in ./.tuner goes before the cluster.

    Args:
        local: The folder of `tuner run`, if given.
        namespace: Of the cluster, if given.
        context: Of the kubeconfig, if given.
        study: The study that is asked for; None for all.
    """
    if local is not None or (namespace is None and context is None and _is_here(study)):
        from tuner.cli.local import LocalSource

        return LocalSource(local or DEFAULT_FOLDER)
    from tuner.backends.kubernetes.reader import ClusterReader
    from tuner.cli.cluster import ClusterSource

    return ClusterSource(ClusterReader.connect(namespace=namespace, context=context))


def _is_here(study: str | None) -> bool:
    """Whether ./.tuner has the study or, if none is named, any."""
    if not DEFAULT_FOLDER.is_dir():
        return False
    from tuner.cli.local import LocalSource

    names = LocalSource(DEFAULT_FOLDER).names()
    return bool(names) if study is None else study in names
