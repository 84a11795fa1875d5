"""How a process takes up a study in a folder: its lock, and the marker that says what it is."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from tuner.errors import BackendError
from tuner.log import StudyLog
from tuner.pipeline import StudyIdentity
from tuner.spec import InstanceTypeSpec, TuningStudySpec, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What was found of a study when it was taken up.

    Attributes:
        resumed: Whether it was begun before.
        changed: Whether its budget or another mutable field has changed since.
    """

    resumed: bool
    changed: bool


def lock_name(study: str) -> str:
    """The file that whoever runs a study holds, in the folder of what is kept."""
    return f".{study}.lock"


def hold(path: Path, *, shared: bool = False) -> TextIO:
    """Locks a file until it is closed or the process ends; the file stays.

    Args:
        path: Made if it is not there.
        shared: Whether other shared holders are let in as well.

    Raises:
        BackendError: Another process holds it, or it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as error:
        raise BackendError(f"{path} cannot be written: {error.strerror}") from None
    os.set_inheritable(file.fileno(), False)
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise BackendError(f"another process runs this study: {path} is locked") from None
    return file


def enter(
    log: StudyLog,
    spec: TuningStudySpec,
    *,
    study: StudyIdentity,
    prices: Mapping[str, float],
    instance_types: Mapping[str, InstanceTypeSpec] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Entry:
    """Writes the study's marker, unless it says the same already.

    Args:
        log: The study's.
        spec: As it is now.
        study: Which study and run.
        prices: USD per hour by instance type.
        instance_types: What the study may use, for those who learn from it later.
        labels: By which later studies may select it.

    Raises:
        BackendError: A field was changed that is fixed while a study lasts; it is named.
    """
    marker = {
        "name": study.name,
        "namespace": study.namespace,
        "uid": study.uid,
        "deletionPolicy": str(spec.deletion_policy),
        "pricesPerHour": dict(prices),
        "labels": dict(labels or {}),
        "instanceTypes": {
            name: one.model_dump(mode="json", by_alias=True, exclude_none=True)
            for name, one in (instance_types or {}).items()
        },
        "spec": spec.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    known = log.get_marker()
    if known is not None:
        _refuse_other(known.get("spec"), spec, study=study)
    if known != marker:
        log.put_marker(marker)
    changed = known is not None and known.get("spec") != marker["spec"]
    return Entry(resumed=known is not None, changed=changed)


def _refuse_other(known: object, spec: TuningStudySpec, *, study: StudyIdentity) -> None:
    words = f"{study.name} was changed since its run {study.uid} began"
    try:
        old = TuningStudySpec.model_validate(known)
    except ValidationError as error:
        raise BackendError(f"{words}: it is of another version") from error
    problems = check(spec, old=old)
    if problems:
        raise BackendError(f"{words}: {'; '.join(map(str, problems))}")
