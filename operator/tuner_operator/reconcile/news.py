"""Events about a study's conditions that changed."""

from __future__ import annotations

from collections.abc import Iterator

from tuner.spec import conditions as words
from tuner.spec.conditions import Condition, ConditionStatus
from tuner.spec.status import TuningStudyStatus
from tuner_operator.actions import Action, Tell
from tuner_operator.conditions import find
from tuner_operator.observed import Observed


def news(observed: Observed, status: TuningStudyStatus) -> Iterator[Action]:
    """What people should hear of once, when it happens."""
    ref, old = observed.study.ref, observed.study.status
    for type_ in (words.ACCEPTED, words.STORE_REACHABLE, words.TRANSFER_READY):
        was, now = find(old.conditions, type_), find(status.conditions, type_)
        if now is None or not _changed(was, now):
            continue
        if now.status is ConditionStatus.FALSE:
            yield Tell(ref, reason=now.reason, message=now.message, warning=True)
        elif now.status is ConditionStatus.TRUE and type_ == words.ACCEPTED:
            yield Tell(ref, reason="Accepted", message="trials may start")
            yield from _without_digest(observed)
    yield from _newly_scarce(observed, status)
    end = find(status.conditions, words.SUCCEEDED)
    if end is not None and status.completion_time is not None and old.completion_time is None:
        failed = end.status is ConditionStatus.FALSE
        yield Tell(ref, reason=end.reason, message=end.message, warning=failed)


def _newly_scarce(observed: Observed, status: TuningStudyStatus) -> Iterator[Action]:
    """Instance types that have run out; not those that only have a limit."""
    known = {one.instance_type for one in observed.study.status.scarce or () if not one.room}
    for one in status.scarce or ():
        if not one.room and one.instance_type not in known:
            message = f"InstanceType {one.instance_type}: {one.message}"
            yield Tell(observed.study.ref, reason=one.reason, message=message, warning=True)


def _changed(was: Condition | None, now: Condition) -> bool:
    return was is None or (was.status, was.reason) != (now.status, now.reason)


def _without_digest(observed: Observed) -> Iterator[Action]:
    spec = observed.study.spec
    if spec is None:
        return
    images = {stage.image or spec.pipeline.image or "" for stage in spec.pipeline.stages}
    tags = sorted(image for image in images if "@sha256:" not in image)
    if tags:
        yield Tell(
            observed.study.ref,
            reason="ImageWithoutDigest",
            message=f"{', '.join(tags)}: named without a digest, so its artifacts serve this "
            "study alone",
        )
