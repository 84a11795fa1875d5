"""Conditions, and every type and reason that this project sets, each with what it means."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from tuner.spec.base import Integer, Message, Model, Timestamp

REASON_PATTERN = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Model):
    """One aspect of an object's state, as metav1.Condition."""

    type: Annotated[str, Field(max_length=316)]
    """The aspect, in CamelCase."""
    status: ConditionStatus
    """Whether it holds."""
    reason: Annotated[str, Field(max_length=1024, pattern=REASON_PATTERN)]
    """Why, in one word."""
    message: Message = ""
    """Why, in one sentence, and what to do."""
    last_transition_time: Timestamp
    """When the status last changed."""
    observed_generation: Annotated[Integer | None, Field(ge=0)] = None
    """The generation of the spec that this is about."""


ACCEPTED: Final = "Accepted"
"""TuningStudy: the spec can be carried out as it is written."""
STORE_REACHABLE: Final = "StoreReachable"
"""TuningStudy: the object store answers and lets us write."""
WORKERS_READY: Final = "WorkersReady"
"""TuningStudy: the workers that propose trials are running."""
PROGRESSING: Final = "Progressing"
"""TuningStudy: trials are being started or are running."""
SUSPENDED: Final = "Suspended"
"""TuningStudy: spec.suspend is true and nothing runs any more."""
TRANSFER_READY: Final = "TransferReady"
"""TuningStudy: what spec.transfer names was found and learned from; a study goes on without."""
SUCCEEDED: Final = "Succeeded"
"""TuningStudy, TuningTrial: Unknown until the end, then True or False with a reason."""
READY: Final = "Ready"
"""InstanceType: trials can be placed on it."""

VALID: Final = "Valid"
"""Accepted: every rule is kept."""
INVALID: Final = "Invalid"
"""Not accepted: a rule that the API server cannot check is broken."""
NOT_SUPPORTED: Final = "NotSupported"
"""Not accepted: asks for what this version does not do."""
UNKNOWN_INSTANCE_TYPE: Final = "UnknownInstanceType"
"""Not accepted: names an InstanceType that does not exist or is not allowed in this namespace."""
PRICE_MISSING: Final = "PriceMissing"
"""Not accepted: a cost objective or budget needs a price on every instance type."""
STORE_SECRET_MISSING: Final = "SecretMissing"
"""Store not reachable: the Secret with its credentials does not exist."""
BUCKET_MISSING: Final = "BucketMissing"
"""Store not reachable: the bucket does not exist."""
STORE_DENIED: Final = "Denied"
"""Store not reachable: the credentials are wrong or lack a permission."""
STORE_UNREACHABLE: Final = "Unreachable"
"""Store not reachable: no answer; tried again by itself."""
LEARNED: Final = "Learned"
"""Transfer ready: a prior was trained on every study that is named."""
STUDY_NOT_FOUND: Final = "StudyNotFound"
"""Transfer not ready: no study of a name has a log in this namespace's part of the bucket."""
NOTHING_LEARNED: Final = "NothingLearned"
"""Transfer not ready: the earlier studies have nothing to teach, or none was found."""

MAX_TRIALS_REACHED: Final = "MaxTrialsReached"
"""Ended: budget.maxTrials trials have ended."""
BUDGET_EXHAUSTED: Final = "BudgetExhausted"
"""Ended: budget.maxCost or budget.maxDuration is used up."""
DEADLINE_REACHED: Final = "DeadlineReached"
"""Ended: budget.deadline has passed."""
GOALS_REACHED: Final = "GoalsReached"
"""Ended: one trial meets the goal of every objective that has one."""
SPACE_EXHAUSTED: Final = "SpaceExhausted"
"""Ended: every configuration of a finite space was tried."""
NO_TRIAL_COMPLETED: Final = "NoTrialCompleted"
"""Failed: the study ended without one completed trial."""
TOO_MANY_FAILURES: Final = "TooManyFailures"
"""Failed: maxFailedTrials trials failed, or the first three failed alike."""
UNAFFORDABLE: Final = "Unaffordable"
"""Progressing: nothing runs, and what is left of the money pays no trial that was proposed."""
IN_PROGRESS: Final = "InProgress"
"""Succeeded is Unknown: the end has not come."""
