"""What the API has and this version does not do yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tuner.spec.instance_type import InstanceTypeSpec
from tuner.spec.loading import Manifest, validate
from tuner.spec.problems import Problem
from tuner.spec.study import TuningStudySpec
from tuner.spec.trial import TuningTrial


def problems_of(manifest: Manifest) -> list[Problem]:
    """What is wrong with a manifest, and what it asks for that this version does not do."""
    problems = validate(manifest)
    if problems or not manifest.is_ours:
        return problems
    parsed = manifest.parse()
    if isinstance(parsed, TuningTrial):
        return []
    return [
        replace(problem, file=manifest.file, line=manifest.line(problem.location))
        for problem in unsupported(parsed.spec)
    ]


def unsupported(spec: TuningStudySpec | InstanceTypeSpec) -> list[Problem]:
    """What this spec asks for beyond what this version does, and what to use instead.

    A study with any of it is not accepted, with the reason NotSupported.
    """
    if isinstance(spec, InstanceTypeSpec):
        return list(_in_instance_type(spec))
    return []


def _in_instance_type(spec: InstanceTypeSpec) -> Iterator[Problem]:
    if spec.nodes != 1:
        yield _problem("nodes", "several nodes are not supported yet", "use 1")


def _problem(field: str, message: str, suggestion: str) -> Problem:
    return Problem(
        path=f"spec.{field}",
        message=message,
        suggestion=suggestion,
        location=("spec", *field.split(".")),
    )
