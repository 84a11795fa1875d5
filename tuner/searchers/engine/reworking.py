"""Metrics that a stage after the training one reports anew, such as a loss after compression.

What a trial shows of them at a rung is not what it comes to, at whatever fidelity: the parameters
of the later stage have no part in it. As values of one function of all parameters both together
say that these hardly matter, by the number of rungs to one end, and the model is sure of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tuner.spec import TuningStudySpec
from tuner.trial import StageResult


def stages_after_training(spec: TuningStudySpec) -> frozenset[str]:
    """Names of the stages after the one that trains to a fidelity; none without such a stage."""
    names = [stage.name for stage in spec.pipeline.stages]
    if spec.fidelity is None:
        return frozenset()
    return frozenset(names[names.index(spec.fidelity.stage) + 1 :])


def metrics_of_training(spec: TuningStudySpec) -> frozenset[str]:
    """Objectives that the manifest takes from the training stage, whatever is reported later."""
    if spec.fidelity is None:
        return frozenset()
    return frozenset(one.metric for one in spec.objectives if one.stage == spec.fidelity.stage)


def reported_by(results: Iterable[StageResult], *, stages: Collection[str]) -> set[str]:
    """The metrics that some stages reported."""
    return {name for one in results if one.stage in stages for name in one.metrics}
