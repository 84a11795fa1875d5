"""One parameter of a search space, and the condition under which it is active."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from tuner.errors import SpaceError
from tuner.space.domains import Domain
from tuner.space.values import ParameterValue

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One parameter of the space.

    Attributes:
        name: The parameter's name.
        domain: Its values.
        parent: The earlier parameter that its activity depends on, if any.
        when: The parent's values with which it is active.
    """

    name: str
    domain: Domain
    parent: str | None = None
    when: frozenset[ParameterValue] = frozenset()

    def is_active(self, active: Mapping[str, ParameterValue]) -> bool:
        """Whether the parameter is active, given the values of the active ones before it."""
        return self.parent is None or active.get(self.parent) in self.when

    def why_inactive(self) -> str:
        """What would make the parameter active, as a sentence."""
        choices = ", ".join(sorted(map(str, self.when)))
        return f'parameter "{self.name}" is not active: it needs "{self.parent}" to be {choices}'

    def value(self, parameters: Mapping[str, T]) -> T:
        """The parameter's value. Raises SpaceError if it has none."""
        try:
            return parameters[self.name]
        except KeyError:
            raise SpaceError(f'parameter "{self.name}" is active and has no value') from None

    def cast(self, raw: Mapping[str, object]) -> ParameterValue:
        """The parameter's value, typed. Raises SpaceError with its name and the rule it breaks."""
        value = self.value(raw)
        try:
            return self.domain.cast(value)
        except SpaceError as error:
            raise SpaceError(f'parameter "{self.name}": {error}') from None
