"""Ranges of real and of whole numbers: linear, logarithmic, stepped."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tuner.errors import SpaceError
from tuner.space.rounding import decimals_for, round_absolute, round_significant
from tuner.space.values import ParameterValue

_STEP_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatDomain:
    """Real numbers from `low` to `high`, kept to twelve significant digits.

    Attributes:
        low: Least value.
        high: Greatest value.
        log: Uniform in the logarithm; `low` is above zero.
        step: Only low, low + step, ... up to high; None for a continuum.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    @property
    def cardinality(self) -> int | None:
        """How many values there are; None for a continuum."""
        if self.step is None:
            return 1 if self.low == self.high else None
        return math.floor((self.high - self.low) / self.step + _STEP_TOLERANCE) + 1

    def members(self) -> Iterator[ParameterValue]:
        """The values of a stepped range, rising. Raises SpaceError for a continuum."""
        if self.cardinality is None:
            raise SpaceError("a range without step has no list of values")
        return (self._at(index) for index in range(self.cardinality))

    def decode(self, unit: float) -> ParameterValue:
        """The value at a point of the unit interval."""
        if self.step is not None:
            count = self.cardinality or 1
            return self._at(min(int(unit * count), count - 1))
        if self.log:
            start = math.log(self.low)
            return self._round(math.exp(start + unit * (math.log(self.high) - start)))
        return self._round(self.low + unit * (self.high - self.low))

    def encode(self, value: ParameterValue) -> float:
        """Where a typed value lies; the middle of its cell if stepped."""
        number = float(value)
        if self.step is not None:
            return (round((number - self.low) / self.step) + 0.5) / (self.cardinality or 1)
        if self.low == self.high:
            return 0.5
        if self.log:
            start = math.log(self.low)
            return _unit((math.log(number) - start) / (math.log(self.high) - start))
        return _unit((number - self.low) / (self.high - self.low))

    def cast(self, raw: object) -> ParameterValue:
        """The number as a float of the range. Raises SpaceError."""
        if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
            raise SpaceError(f"{raw!r} is not a number")
        _check_bounds(raw, low=self.low, high=self.high)
        if self.step is None:
            return self._round(float(raw))
        ratio = (raw - self.low) / self.step
        if abs(ratio - round(ratio)) > _STEP_TOLERANCE:
            raise SpaceError(f"{raw!r} is not {self.low:g} plus a multiple of {self.step:g}")
        return self._at(round(ratio))

    def _at(self, index: int) -> float:
        return self._round(self.low + index * (self.step or 0.0))

    def _round(self, value: float) -> float:
        if self.log:
            rounded = round_significant(value)
        else:
            magnitude = max(abs(self.low), abs(self.high))
            rounded = round_absolute(value, decimals=decimals_for(magnitude))
        return min(max(rounded, self.low), self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerDomain:
    """Whole numbers from `low` to `high`; on a log scale kept to twelve significant digits.

    Attributes:
        low: Least value.
        high: Greatest value.
        log: Uniform in the logarithm; `low` is above zero.
        step: Only low, low + step, ... up to high; None for every number.
    """

    low: int
    high: int
    log: bool = False
    step: int | None = None

    @property
    def cardinality(self) -> int:
        """How many values there are."""
        return (self.high - self.low) // (self.step or 1) + 1

    def members(self) -> Iterator[ParameterValue]:
        """The numbers, rising."""
        return iter(range(self.low, self.high + 1, self.step or 1))

    def decode(self, unit: float) -> ParameterValue:
        """The value at a point of the unit interval."""
        if self.log:
            start, width = self._logs()
            return self._round(math.exp(start + unit * width))
        index = min(int(unit * self.cardinality), self.cardinality - 1)
        return self.low + index * (self.step or 1)

    def encode(self, value: ParameterValue) -> float:
        """The middle of the value's cell; on a log scale its logarithm."""
        number = int(value)
        if self.log:
            start, width = self._logs()
            return _unit((math.log(number) - start) / width)
        return ((number - self.low) // (self.step or 1) + 0.5) / self.cardinality

    def cast(self, raw: object) -> ParameterValue:
        """The number as an int of the range. Raises SpaceError."""
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            raise SpaceError(f"{raw!r} is not a whole number")
        if not math.isfinite(raw) or raw != int(raw):
            raise SpaceError(f"{raw!r} is not a whole number")
        number = int(raw)
        _check_bounds(number, low=self.low, high=self.high)
        if (number - self.low) % (self.step or 1):
            raise SpaceError(f"{number} is not {self.low} plus a multiple of {self.step}")
        return self._round(number) if self.log else number

    def _logs(self) -> tuple[float, float]:
        """Start and width of the logarithms, half a unit beyond both ends."""
        start = math.log(self.low - 0.5)
        return start, math.log(self.high + 0.5) - start

    def _round(self, value: float) -> int:
        return min(max(round(round_significant(value)), self.low), self.high)


def _check_bounds(value: float, *, low: float, high: float) -> None:
    if value < low:
        raise SpaceError(f"{value!r} is below the minimum {low!r}")
    if value > high:
        raise SpaceError(f"{value!r} is above the maximum {high!r}")


def _unit(value: float) -> float:
    return min(max(value, 0.0), 1.0)
