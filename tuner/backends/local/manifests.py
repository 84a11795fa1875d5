"""The manifests of a study on this machine: it and its instance types, valid and resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuner.backends.local.runs import NAMESPACE
from tuner.errors import ManifestError
from tuner.hardware import StageChoices, resolve
from tuner.spec import InstanceType, Manifest, TuningStudy, load_manifests, problems_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What is to be run.

    Attributes:
        study: The study.
        choices: Which instance types its stages may use.
        instance_types: Those, by name.
        folder: Of the study's manifest; the commands are started there.
        files: All files that were read; none for documents made in Python.
    """

    study: TuningStudy
    choices: StageChoices
    instance_types: Mapping[str, InstanceType]
    folder: Path
    files: tuple[Path, ...]


def load(paths: Sequence[Path], *, instance_types: Sequence[Path] = ()) -> Loaded:
    """Reads and checks the manifests.

    Raises:
        ManifestError: With the messages of `tuner validate`, or not exactly one study.
    """
    return resolved(load_manifests([*paths, *instance_types]))


def resolved(documents: Sequence[Manifest]) -> Loaded:
    """Checks documents that were read, or made in Python; see `load`."""
    manifests = [each for each in documents if each.is_ours]
    problems = [problem for manifest in manifests for problem in problems_of(manifest)]
    if problems:
        raise ManifestError("the manifests are not valid:", problems=problems)
    manifest, study = _study(manifests)
    parsed = [each.parse() for each in manifests]
    catalogue = [each for each in parsed if isinstance(each, InstanceType)]
    choices = resolve(study.spec, catalogue=catalogue, namespace=NAMESPACE)
    if choices.problems:
        raise ManifestError("the study cannot be run:", problems=choices.problems)
    used = set(choices.types)
    return Loaded(
        study=study,
        choices=choices,
        instance_types={
            each.metadata.name: each for each in catalogue if each.metadata.name in used
        },
        folder=Path(manifest.file).absolute().parent,
        files=tuple(dict.fromkeys(Path(each.file) for each in manifests if each.file)),
    )


def _study(manifests: Sequence[Manifest]) -> tuple[Manifest, TuningStudy]:
    found = [
        (each, parsed) for each in manifests if isinstance(parsed := each.parse(), TuningStudy)
    ]
    if len(found) != 1:
        names = ", ".join(study.metadata.name for _, study in found) or "none"
        raise ManifestError(f"the manifests must hold exactly one TuningStudy; they hold: {names}")
    return found[0]
