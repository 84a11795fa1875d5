"""Durations and resource quantities: one pattern each, shared by the CRD and by Python."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from tuner.errors import ManifestError

DURATION_PATTERN = (
    r"^([1-9][0-9]{0,5}h([0-9]{1,6}m)?([0-9]{1,8}s)?"
    r"|[1-9][0-9]{0,5}m([0-9]{1,8}s)?"
    r"|[1-9][0-9]{0,7}s)$"
)
QUANTITY_PATTERN = r"^([0-9]{1,15}([.][0-9]{0,9})?|[.][0-9]{1,9})(m|k|[MGTPE]|[KMGTPE]i)?$"

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(.*)")
_FACTORS = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    "k": Decimal(10) ** 3,
    **{unit: Decimal(10) ** (3 * power) for power, unit in enumerate("MGTPE", start=2)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)},
}


def _check_duration(text: str) -> str:
    if not re.match(DURATION_PATTERN, text):
        raise PydanticCustomError(
            "duration",
            '"{text}" is not a duration such as 90s, 20m or 4h30m',
            {"text": text},
        )
    return text


def _check_quantity(value: object) -> object:
    if isinstance(value, float):
        raise PydanticCustomError(
            "quantity", 'write {value} as text: "{value}"', {"value": str(value)}
        )
    if (
        isinstance(value, bool)
        or not isinstance(value, int | str)
        or not re.match(QUANTITY_PATTERN, str(value))
    ):
        raise PydanticCustomError(
            "quantity",
            '"{value}" is not a quantity such as 2, 500m or 64Gi',
            {"value": str(value)},
        )
    return value


Duration = Annotated[
    str,
    AfterValidator(_check_duration),
    WithJsonSchema(
        {"type": "string", "minLength": 2, "maxLength": 24, "pattern": DURATION_PATTERN}
    ),
]
"""Hours, minutes and seconds as whole numbers, such as `4h30m`; never zero.

`format: duration` is not used: the API server takes `2 weeks` and `-6h` for durations.
"""

Quantity = Annotated[
    int | str,
    BeforeValidator(_check_quantity),
    WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "pattern": QUANTITY_PATTERN,
            "maxLength": 32,
        }
    ),
]
"""A resource quantity, such as `2`, `500m` or `64Gi`; never negative."""


def duration_seconds(text: str) -> float:
    """The length of a duration such as `4h30m`, in seconds.

    Raises:
        ManifestError: The text is not a duration.
    """
    match = _DURATION.fullmatch(text) if re.match(DURATION_PATTERN, text) else None
    if match is None:
        raise ManifestError(f'"{text}" is not a duration such as 90s, 20m or 4h30m')
    hours, minutes, seconds = (int(group or 0) for group in match.groups())
    return float(hours * 3600 + minutes * 60 + seconds)


def format_duration(seconds: float) -> str:
    """The duration of that many whole seconds (at least one), hours and minutes first."""
    whole = max(1, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (left, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count)


def quantity_value(quantity: int | str) -> float:
    """The number that a quantity stands for: cores, bytes or a count.

    Raises:
        ManifestError: The value is not a quantity.
    """
    text = str(quantity)
    match = _QUANTITY.fullmatch(text) if re.match(QUANTITY_PATTERN, text) else None
    if match is None:
        raise ManifestError(f'"{text}" is not a quantity such as 2, 500m or 64Gi')
    return float(Decimal(match[1]) * _FACTORS[match[2]])
