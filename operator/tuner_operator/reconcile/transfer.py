"""What the workers of a study learned from earlier ones: the condition TransferReady."""

from __future__ import annotations

from collections.abc import Iterator

from tuner.spec import conditions as words
from tuner.spec.conditions import ConditionStatus
from tuner_operator.conditions import Finding
from tuner_operator.observed import Observed


def transfer_ready(observed: Observed) -> Iterator[Finding]:
    """The condition of a study with `transfer`; it goes on whatever the condition says."""
    spec = observed.study.spec
    if spec is None or spec.transfer is None:
        return
    record = None if observed.log is None else observed.log.transfer
    if record is None:
        yield Finding(
            words.TRANSFER_READY, ConditionStatus.UNKNOWN, words.IN_PROGRESS, "no worker said yet"
        )
        return
    if record.missing:
        status, reason = ConditionStatus.FALSE, words.STUDY_NOT_FOUND
        message = (
            f"no study named {', '.join(record.missing)} has a log in the bucket for this "
            "namespace; the study goes on without it: correct spec.transfer in a new study"
        )
    elif record.problem:
        status, reason = ConditionStatus.FALSE, words.NOTHING_LEARNED
        message = f"{record.problem}; the study goes on without"
    else:
        names = ", ".join(sorted({one.study for one in record.sources}))
        status, reason, message = ConditionStatus.TRUE, words.LEARNED, f"learned from {names}"
    yield Finding(words.TRANSFER_READY, status, reason, message)
