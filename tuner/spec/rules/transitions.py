"""Rules of changes: what is fixed once a study or a trial is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tuner.spec.rule import Finding, TransitionRule
from tuner.spec.study import TuningStudySpec
from tuner.spec.trial import TuningTrialSpec

MUTABLE = frozenset(
    {
        "budget",
        "deletionPolicy",
        "hardware",
        "maxFailedTrials",
        "parallelTrials",
        "suspend",
        "trialLimits",
        "ttlSecondsAfterFinished",
        "workers",
    }
)
"""The fields of a study's spec that may change while it runs."""


def _fixed(name: str, key: str, *, required: bool) -> TransitionRule[TuningStudySpec]:
    def changed(old: TuningStudySpec, new: TuningStudySpec) -> Iterator[Finding]:
        if getattr(old, name) != getattr(new, name):
            yield Finding(where=(key,))

    equal = f"self.{key} == oldSelf.{key}"
    optional = f"has(self.{key}) == has(oldSelf.{key}) && (!has(self.{key}) || {equal})"
    return TransitionRule(
        on=TuningStudySpec,
        field=f".{key}",
        message=f"{key} cannot be changed; make another study",
        cel=equal if required else optional,
        check=changed,
    )


def _changed_trial(old: TuningTrialSpec, new: TuningTrialSpec) -> Iterator[Finding]:
    if old != new:
        yield Finding()


RULES: tuple[TransitionRule[Any], ...] = (
    *(
        _fixed(name, key, required=field.is_required())
        for name, field in TuningStudySpec.model_fields.items()
        if (key := str(field.alias)) not in MUTABLE
    ),
    TransitionRule(
        on=TuningTrialSpec,
        message="a trial's spec cannot be changed",
        cel="self == oldSelf",
        check=_changed_trial,
    ),
)
