"""Parameters as a manifest writes them, in a word each."""

from __future__ import annotations


def real(name: str, low: float, high: float) -> dict[str, object]:
    """A real number, linear."""
    return {"name": name, "float": {"min": low, "max": high}}


def log_real(name: str, low: float, high: float) -> dict[str, object]:
    """A real number, searched by orders of magnitude."""
    return {"name": name, "float": {"min": low, "max": high, "scale": "Log"}}


def whole(name: str, low: int, high: int) -> dict[str, object]:
    """A whole number, linear."""
    return {"name": name, "integer": {"min": low, "max": high}}


def log_whole(name: str, low: int, high: int) -> dict[str, object]:
    """A whole number, searched by orders of magnitude."""
    return {"name": name, "integer": {"min": low, "max": high, "scale": "Log"}}
