"""Which instance types a study and its stages may use."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.spec.pipeline import Hardware
from tuner.spec.study import TuningStudySpec
from tuner_operator.observed import Observed


def offered(observed: Observed, hardware: Hardware) -> tuple[str, ...]:
    """The types that are asked for, exist and are allowed in the study's namespace."""
    namespace = observed.study.ref.namespace
    allowed = [name for name, spec in observed.instance_types.items() if spec.allows(namespace)]
    if hardware.selector is not None:
        labels = observed.instance_labels
        return tuple(
            sorted(name for name in allowed if hardware.selector.matches(labels.get(name, {})))
        )
    return tuple(name for name in hardware.instance_types or () if name in allowed)


def missing(observed: Observed, hardware: Hardware) -> tuple[str, ...]:
    """The types that are named, but do not exist or are not allowed here."""
    there = offered(observed, hardware)
    return tuple(name for name in hardware.instance_types or () if name not in there)


def types_by_stage(observed: Observed, spec: TuningStudySpec) -> Mapping[str, tuple[str, ...]]:
    """For each stage the types among which a trial may choose."""
    return {
        stage.name: offered(observed, stage.hardware or spec.hardware)
        for stage in spec.pipeline.stages
    }
