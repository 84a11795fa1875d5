"""Instance types that earlier studies used and the new one may not: they count by their features.

A stage's time on a machine of last year tells of the machines of today as far as both are described
alike. So a prior's inputs span the types of all studies: features on one scale, and the identity as
what the features do not explain. A type that nobody has observed yet is predicted from its features
alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set

from tuner.surrogates.features import FeatureMap
from tuner.surrogates.prior.studies import SourceStudy

MOST = 128
"""At most so many types of earlier studies join, those with most trials."""

TypeFeatures = Mapping[str, Mapping[str, float]]


def foreign_types(sources: Sequence[SourceStudy], features: FeatureMap) -> TypeFeatures:
    """Types of the sources that join the new study's, in order of name.

    A type that is described by less than the new study's types are does not join: its trials count
    for the most similar type, and their seconds for nothing.

    Args:
        sources: Earlier studies.
        features: The new study's.
    """
    own = {name for group in features.groups for name in group.types}
    needed = _shared(features, own)
    found: dict[str, Mapping[str, float]] = {}
    trials: Counter[str] = Counter()
    for study in sources:
        for trial in study.trials:
            for name in set(trial.instance_types.values()) - own:
                known = study.type_features.get(name, {})
                if needed <= known.keys():
                    found.setdefault(name, known)
                    trials[name] += 1
    chosen = sorted(found, key=lambda name: (-trials[name], name))[:MOST]
    types = {name: dict(found[name]) for name in sorted(chosen)}
    everything = [*types.values(), *(features.type_features.get(name, {}) for name in own)]
    # Of types that differ in name alone nothing can be said.
    told = any(len({one[feature] for one in everything}) > 1 for feature in needed)
    return types if told else {}


def _shared(features: FeatureMap, names: Set[str]) -> set[str]:
    """What is known of all the new study's types."""
    described = [set(features.type_features.get(name, {})) for name in names]
    return set.intersection(*described) if described else set()
