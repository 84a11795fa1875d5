"""The inputs of the engine's models, which a prior must share to be of use."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.hardware import StageChoices, instance_features
from tuner.searchers.engine.facts import Facts
from tuner.space import SearchSpace
from tuner.spec import InstanceTypeSpec
from tuner.surrogates.features import LEAST_FIDELITY, FeatureMap


def features_of(
    facts: Facts,
    *,
    space: SearchSpace,
    choices: StageChoices,
    instance_types: Mapping[str, InstanceTypeSpec],
) -> FeatureMap:
    """How configurations of a study become inputs; the first rung is the least fidelity.

    Args:
        facts: The study.
        space: Its search space.
        choices: The instance types that its stages may use.
        instance_types: Those, by name.
    """
    return FeatureMap(
        space=space,
        groups=choices.groups,
        type_features={
            name: instance_features(one)
            for name, one in instance_types.items()
            if name in choices.types
        },
        least_fidelity=facts.rungs[0] if facts.rungs else LEAST_FIDELITY,
    )
