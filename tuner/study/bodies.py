"""The bodies of the log's records as values. Fields of later versions are passed over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from math import isfinite
from typing import Any, TypeVar

from tuner.errors import LogError
from tuner.log.records import Record
from tuner.pipeline.result import stage_from_dict
from tuner.trial import Outcome, StageResult, Trial, TrialResult

FORMAT = 1
T = TypeVar("T")


def proposed_body(trial: Trial) -> dict[str, object]:
    """The body of `proposed`: the trial itself."""
    return {"v": FORMAT, **asdict(trial)}


def trial_of(record: Record) -> Trial:
    """Reads `proposed`. Raises LogError."""
    return _reading(record, _trial)


def result_of(record: Record) -> TrialResult:
    """Reads `result`. Raises LogError."""
    return _reading(record, _result)


def stage_of(record: Record) -> StageResult:
    """Reads `stage`. Raises LogError."""
    return _reading(record, lambda record: stage_from_dict(dict(record.body)))


def reports_of(record: Record) -> Iterator[tuple[float, Mapping[str, float]]]:
    """Reads `reports`: fidelity and metrics of each report that names its fidelity."""
    reports = record.body.get("reports")
    for one in reports if isinstance(reports, list) else ():
        fidelity, metrics = one.get("fidelity"), one.get("metrics")
        if isinstance(fidelity, int | float) and isinstance(metrics, Mapping):
            yield float(fidelity), _numbers(metrics)


def _reading(record: Record, read: Callable[[Record], T]) -> T:
    try:
        return read(record)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LogError(
            f"the {record.kind} record of {record.trial}, attempt {record.attempt}, "
            f"cannot be read: {error!r}"
        ) from error


def _trial(record: Record) -> Trial:
    body: Any = record.body
    return Trial(
        name=record.trial,
        worker=int(body["worker"]),
        number=int(body["number"]),
        parameters=dict(body["parameters"]),
        instance_types={str(k): str(v) for k, v in body["instance_types"].items()},
        bracket=int(body.get("bracket", 0)),
        why=dict(body.get("why", {})),
    )


def _result(record: Record) -> TrialResult:
    body: Any = record.body
    return TrialResult(
        trial=record.trial,
        attempt=record.attempt,
        outcome=Outcome(body["outcome"]),
        reason=str(body.get("reason", "")),
        message=str(body.get("message", "")),
        fidelity=float(body["fidelity"]),
        metrics=_numbers(body["metrics"]),
        stages=tuple(stage_from_dict(item) for item in body["stages"]),
    )


def _numbers(values: Mapping[str, object]) -> dict[str, float]:
    return {
        str(name): float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and isfinite(value)
    }
