"""The plan and the agent's result as JSON, with the standard library alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tuner.errors import PipelineError
from tuner.pipeline.plan import FidelityPlan, ObjectivePlan, StagePlan, TrialPlan

_VERSION = 1


def plan_to_json(plan: TrialPlan) -> str:
    """The plan as one line of JSON with sorted keys; the annotation `tuner.dev/plan`."""
    document = {"v": _VERSION, **asdict(plan)}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)


def plan_from_json(text: str) -> TrialPlan:
    """Reads what `plan_to_json` wrote; fields it does not know are ignored.

    Raises:
        PipelineError: The text is not a plan of a version that is known.
    """
    try:
        return _trial_plan(json.loads(text))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PipelineError(f"The plan cannot be read: {error!r}.") from error


def _trial_plan(data: Mapping[str, Any]) -> TrialPlan:
    if data["v"] != _VERSION:
        raise PipelineError(f"The plan has version {data['v']}; this agent reads {_VERSION}.")
    fidelity = data["fidelity"]
    return TrialPlan(
        study_prefix=str(data["study_prefix"]),
        cache_prefix=str(data["cache_prefix"]),
        trial=str(data["trial"]),
        attempt=int(data["attempt"]),
        segment=int(data["segment"]),
        last=bool(data["last"]),
        bracket=int(data["bracket"]),
        stages=tuple(_stage(item) for item in data["stages"]),
        objectives=tuple(_objective(item) for item in data["objectives"]),
        fidelity=None if fidelity is None else _fidelity(fidelity),
        grace_seconds=float(data["grace_seconds"]),
        layout=str(data["layout"]),
    )


def _stage(data: Mapping[str, Any]) -> StagePlan:
    timeout = data["timeout_seconds"]
    return StagePlan(
        name=str(data["name"]),
        argv=_texts(data["argv"]),
        env={str(name): str(value) for name, value in data["env"].items()},
        parameters=dict(data["parameters"]),
        key=str(data["key"]),
        reuse=bool(data["reuse"]),
        instance_type=str(data["instance_type"]),
        price_per_hour=float(data["price_per_hour"]),
        timeout_seconds=None if timeout is None else float(timeout),
        run=bool(data["run"]),
        components={str(name): str(value) for name, value in data["components"].items()},
    )


def _objective(data: Mapping[str, Any]) -> ObjectivePlan:
    return ObjectivePlan(
        metric=str(data["metric"]),
        minimize=bool(data["minimize"]),
        best=bool(data["best"]),
        stage=None if data["stage"] is None else str(data["stage"]),
    )


def _fidelity(data: Mapping[str, Any]) -> FidelityPlan:
    return FidelityPlan(
        name=str(data["name"]),
        stage=str(data["stage"]),
        maximum=float(data["maximum"]),
        rungs=tuple(float(rung) for rung in data["rungs"]),
        reduction_factor=float(data["reduction_factor"]),
        restart=bool(data["restart"]),
        promotes=bool(data.get("promotes", False)),
        promoted=float(data.get("promoted", 0.0)),
    )


def _texts(items: Sequence[object]) -> tuple[str, ...]:
    return tuple(str(item) for item in items)
