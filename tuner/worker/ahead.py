"""The next proposal, made while trials run: the place that is freed then waits for no model."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tuner.searchers import Suggestion

GROWTH = 0.05
"""It is made anew once so much more of the study has ended: as fresh as is worth the computing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A proposal that nobody has started yet.

    Attributes:
        number: Whose number it is made for.
        suggestion: What is proposed.
        ended: How many trials had ended when it was made.
    """

    number: int
    suggestion: Suggestion
    ended: int

    def is_fresh(self, *, number: int, ended: int) -> bool:
        """Whether there is no point in making it anew."""
        return self.number == number and ended <= self.ended + GROWTH * self.ended

    def told(self) -> Suggestion:
        """The suggestion, which says of itself that it was made ahead."""
        return replace(self.suggestion, why={**self.suggestion.why, "ahead": True})
