"""The errors that this project raises on purpose, in one tree.

TunerError
+-- ManifestError            a manifest cannot be read or breaks a rule; carries its problems
+-- NotSupported             asked for something that this version does not do
+-- StoreError               the object store
|   +-- StoreUnreachable     no answer, or a passing failure: worth a retry
|   +-- StoreDenied          credentials are wrong or lack a permission: the user must act
|   +-- BucketMissing        the bucket does not exist: the user must act
|   +-- ObjectMissing        no such object
|   +-- ObjectTooLarge       refused before it was read
|   +-- ObjectCorrupt        the content does not match its digest or its format
+-- ArtifactError            a folder that cannot be made an artifact, or the reverse
+-- LogError                 a record or key of the study log that cannot be
+-- SpaceError               a value outside the search space
+-- SchedulerError           a rung decision asked for a trial that the rung does not hold
+-- SurrogateError           a model given numbers that it cannot learn from
+-- PipelineError            a stage that cannot be rendered
+-- BackendError             trials cannot be started or observed
+-- UnknownObject            no study or trial of that name
+-- StudyEnded               ask: nothing more is to be tried, and why
+-- NotTold                  tell, report, fail: what was told breaks a rule; nothing was taken in
+-- TrialStopped             raised in the stage's own process: it was told to stop

Every error says in one sentence what went wrong, and for the user's errors what to do.
"""

from __future__ import annotations

from collections.abc import Sequence


class TunerError(Exception):
    """The root of the tree."""


class ManifestError(TunerError):
    """A manifest cannot be read or breaks a rule.

    Attributes:
        problems: What is wrong, one entry a problem, printable with `str`.
    """

    def __init__(self, message: str, *, problems: Sequence[object] = ()) -> None:
        super().__init__("\n".join([message, *map(str, problems)]) if problems else message)
        self.problems = tuple(problems)


class NotSupported(TunerError):
    """Asked for something that this version does not do."""


class StoreError(TunerError):
    """The object store failed."""


class StoreUnreachable(StoreError):
    """No answer, or a passing failure: worth a retry."""


class StoreDenied(StoreError):
    """The store refused the credentials, or they lack a permission."""


class BucketMissing(StoreError):
    """The bucket does not exist."""


class ObjectMissing(StoreError):
    """No object under this key."""


class ObjectTooLarge(StoreError):
    """The object is larger than the caller was willing to read."""


class ObjectCorrupt(StoreError):
    """The content does not match its digest or its format."""


class ArtifactError(TunerError):
    """A folder cannot be made an artifact, or an artifact cannot be put into a folder."""


class LogError(TunerError):
    """A record or key of the study log that cannot be."""


class SpaceError(TunerError):
    """A value outside the search space."""


class SchedulerError(TunerError):
    """A rung decision was asked for a trial that the rung does not hold."""


class SurrogateError(TunerError):
    """A model was given numbers that it cannot learn from: not finite, or of the wrong shape."""


class PipelineError(TunerError):
    """A stage that cannot be rendered."""


class BackendError(TunerError):
    """Trials cannot be started or observed."""


class UnknownObject(TunerError):
    """There is no study or trial of that name."""


class StudyEnded(TunerError):
    """Nothing more is to be tried: the budget is used up, the goals are met, or the space is."""


class NotTold(TunerError):
    """What was told of a trial breaks a rule; nothing of it was taken in."""


class TrialStopped(TunerError):
    """The stage was told to stop and should end now, its checkpoint written."""
