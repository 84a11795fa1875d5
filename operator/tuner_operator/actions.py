"""What reconciliation asks for, as frozen values; `client` carries them out.

Every action may be carried out any number of times. Actions of one `Chain` follow each other, and
the first one that fails ends its chain: the next reconciliation sees what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.spec.instance_type import InstanceTypeStatus
from tuner.spec.status import TuningStudyStatus
from tuner.spec.trial import TuningTrialStatus
from tuner.study.verdict import Verdict

Status = TuningStudyStatus | TuningTrialStatus | InstanceTypeStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """Names one object of the API; `uid` and `version` make a stale decision fail."""

    kind: str
    name: str
    namespace: str = ""
    uid: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Create:
    """Creates an object; one of that name with the same owner is left as it is."""

    manifest: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Replace:
    """Makes an existing object's data equal to the manifest's (ConfigMaps)."""

    ref: Ref
    manifest: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delete:
    """Deletes an object of that very uid."""

    ref: Ref
    grace_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class ConfirmGone:
    """Fails if the API server still has the object: the memory was stale."""

    ref: Ref


@dataclass(frozen=True, slots=True)
class Annotate:
    """Sets annotations."""

    ref: Ref
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Release:
    """Tells a pod that was made ahead that it has its place.

    Attributes:
        ref: The pod.
        deadline_seconds: Its deadline from now on, counted from its start; never a later one.
    """

    ref: Ref
    deadline_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class WriteStatus:
    """Makes an object's status this one; refused if it changed since it was read."""

    ref: Ref
    status: Status


@dataclass(frozen=True, slots=True)
class WriteVerdict:
    """Writes a verdict to the study's log; idempotent by its logical id."""

    trial: str
    attempt: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Tell:
    """Tells people through an event; the same one again within a while is passed over."""

    ref: Ref
    reason: str
    message: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Looks something up in the store; the answer is among the facts of a later pass."""

    question: Question


@dataclass(frozen=True, slots=True)
class Forget:
    """Drops a deleted object from memory: all is done about it."""

    ref: Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSign:
    """What did an attempt that vanished leave: its result, its last sign of life?"""

    trial: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactsOf:
    """Which of these stage keys have an artifact?"""

    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOf:
    """May pods of studies use this service account of the namespace?"""

    name: str


Question = LastSign | ArtifactsOf | AccountOf

Action = (
    Create
    | Replace
    | Delete
    | ConfirmGone
    | Annotate
    | Release
    | WriteStatus
    | WriteVerdict
    | Tell
    | Ask
    | Forget
)


@dataclass(frozen=True, slots=True)
class Chain:
    """Actions about one subject, in order."""

    subject: str
    actions: tuple[Action, ...]
