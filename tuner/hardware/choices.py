"""Which instance types each stage may use, and which choices that leaves to a trial.

Stages that name no hardware of their own share one choice, from the study's hardware: the instance
type of a trial is one dimension of the search. Each stage with hardware of its own is a choice of
its own, or a pin if it names one type.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tuner.errors import SpaceError
from tuner.spec import COST, Hardware, InstanceType, TuningStudySpec


class ProblemReason(StrEnum):
    """Why a study's hardware cannot be used; reasons of the condition Accepted."""

    UNKNOWN_INSTANCE_TYPE = "UnknownInstanceType"
    PRICE_MISSING = "PriceMissing"


@dataclass(frozen=True, slots=True)
class HardwareProblem:
    """Why a study's hardware cannot be used, and in its message what to do."""

    reason: ProblemReason
    message: str

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class Group:
    """Stages that run on one instance type, chosen together.

    Attributes:
        stages: Names of the stages, in the pipeline's order.
        types: Names of the instance types to choose from, in order; one = a pin.
    """

    stages: tuple[str, ...]
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StageChoices:
    """The instance types that a study's trials may use.

    Attributes:
        groups: The choices, in the order of their first stages.
        problems: What is wrong; empty if the choices can be used.
    """

    groups: tuple[Group, ...]
    problems: tuple[HardwareProblem, ...] = ()

    @property
    def cardinality(self) -> int:
        """How many ways there are to choose."""
        return math.prod(len(group.types) for group in self.groups)

    @property
    def types(self) -> tuple[str, ...]:
        """Every type that a trial may use, each once."""
        return tuple(dict.fromkeys(name for group in self.groups for name in group.types))

    def allowed(self, stage: str) -> tuple[str, ...]:
        """The types that a stage may run on; none for a stage that does not exist."""
        return next((group.types for group in self.groups if stage in group.stages), ())

    def open_types(self, closed: Collection[str]) -> tuple[tuple[str, ...], ...]:
        """Of every group the types that are not closed; all of them where none is left."""
        return tuple(
            tuple(name for name in group.types if name not in closed) or group.types
            for group in self.groups
        )

    def assign(self, chosen: Sequence[str]) -> dict[str, str]:
        """The instance type of every stage, given that of every group."""
        return {
            stage: name
            for group, name in zip(self.groups, chosen, strict=True)
            for stage in group.stages
        }

    def partial(self, instance_types: Mapping[str, str]) -> tuple[str | None, ...]:
        """The type of every group as far as some of its stages say; None where none does.

        Raises:
            SpaceError: An unknown stage, a type that is not allowed, or stages that share a
                choice and name different types.
        """
        for stage in instance_types:
            if not any(stage in group.stages for group in self.groups):
                raise SpaceError(f'instanceTypes: there is no stage "{stage}"')
        return tuple(_choice(group, instance_types) for group in self.groups)

    def check(self, instance_types: Mapping[str, str]) -> None:
        """Checks a trial's instance types: every stage has one, and it is allowed.

        Raises:
            SpaceError: Names the stage and the rule.
        """
        self.partial(instance_types)
        for group in self.groups:
            for stage in group.stages:
                if stage not in instance_types:
                    raise SpaceError(f'instanceTypes: stage "{stage}" has none')


def resolve(
    spec: TuningStudySpec, *, catalogue: Iterable[InstanceType], namespace: str
) -> StageChoices:
    """The choices that a study's hardware leaves, given the instance types that exist.

    Types keep the order in which a study names them; those found by a selector are in order of
    name. A selector passes over types that the namespace may not use; naming one is a problem.

    Args:
        spec: The study.
        catalogue: Every InstanceType that exists.
        namespace: The study's namespace.
    """
    known = {each.metadata.name: each for each in catalogue}
    problems: list[HardwareProblem] = []
    groups: list[Group] = []
    shared = tuple(stage.name for stage in spec.pipeline.stages if stage.hardware is None)
    for stage in spec.pipeline.stages:
        if stage.hardware is not None:
            where = f"spec.pipeline.stages[{stage.name}].hardware"
            types = _types(stage.hardware, known, namespace, where=where, problems=problems)
            groups.append(Group((stage.name,), types))
        elif stage.name == shared[0]:
            types = _types(
                spec.hardware, known, namespace, where="spec.hardware", problems=problems
            )
            groups.append(Group(shared, types))
    choices = StageChoices(tuple(groups))
    if _needs_prices(spec):
        problems.extend(
            _unpriced(known[name]) for name in choices.types if not _priced(known[name])
        )
    return StageChoices(choices.groups, tuple(dict.fromkeys(problems)))


def _types(
    hardware: Hardware,
    known: Mapping[str, InstanceType],
    namespace: str,
    *,
    where: str,
    problems: list[HardwareProblem],
) -> tuple[str, ...]:
    if hardware.instance_types is None:
        found = _selected(hardware, known, namespace)
        if not found:
            problems.append(
                _unknown(
                    f"no instance type allowed in namespace `{namespace}` matches "
                    f"{where}.selector; apply one or change the selector"
                )
            )
        return found
    for name in hardware.instance_types:
        if name not in known:
            problems.append(
                _unknown(
                    f"instance type `{name}` does not exist; "
                    f"apply it or remove it from {where}.instanceTypes"
                )
            )
        elif not known[name].spec.allows(namespace):
            problems.append(
                _unknown(
                    f"instance type `{name}` is not allowed in namespace `{namespace}`; "
                    f"ask for it or remove it from {where}.instanceTypes"
                )
            )
    return tuple(
        name
        for name in hardware.instance_types
        if name in known and known[name].spec.allows(namespace)
    )


def _selected(
    hardware: Hardware, known: Mapping[str, InstanceType], namespace: str
) -> tuple[str, ...]:
    return tuple(
        name
        for name, each in sorted(known.items())
        if each.spec.allows(namespace)
        and (hardware.selector is None or hardware.selector.matches(each.metadata.labels))
    )


def _choice(group: Group, instance_types: Mapping[str, str]) -> str | None:
    named = {stage: instance_types[stage] for stage in group.stages if stage in instance_types}
    for stage, name in named.items():
        if name not in group.types:
            raise SpaceError(
                f'instanceTypes: stage "{stage}" may not run on {name}, '
                f"only on {', '.join(group.types) or 'nothing'}"
            )
    if len(set(named.values())) > 1:
        raise SpaceError(
            f"instanceTypes: the stages {', '.join(named)} run on one type; give them "
            "hardware of their own to choose it for each"
        )
    return next(iter(named.values()), None)


def _needs_prices(spec: TuningStudySpec) -> bool:
    """Whether dollars are an objective, a constraint, a budget or a limit."""
    metrics = {objective.metric for objective in spec.objectives}
    metrics |= {constraint.metric for constraint in spec.constraints or ()}
    limits = (spec.budget.max_cost, spec.trial_limits.max_cost)
    return COST in metrics or any(limit is not None for limit in limits)


def _priced(instance_type: InstanceType) -> bool:
    return instance_type.spec.price_per_hour is not None


def _unpriced(instance_type: InstanceType) -> HardwareProblem:
    return HardwareProblem(
        ProblemReason.PRICE_MISSING,
        f"instance type `{instance_type.metadata.name}` has no spec.pricePerHour, and the study "
        "counts dollars; add the price",
    )


def _unknown(message: str) -> HardwareProblem:
    return HardwareProblem(ProblemReason.UNKNOWN_INSTANCE_TYPE, message)
