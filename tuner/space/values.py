"""The type of a parameter's value."""

ParameterValue = float | int | str
