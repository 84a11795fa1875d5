"""The bodies of the log's records as values. Fields of later versions are passed over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, TypeVar

from tuner.errors import LogError
from tuner.log.records import Record
from tuner.pipeline.result import stage_from_dict
from tuner.trial import Outcome, StageResult, Trial, TrialResult

FORMAT = 1
_OUTCOMES = {str(one): one for one in Outcome}
T = TypeVar("T")


def proposed_body(trial: Trial) -> dict[str, object]:
    """The body of `proposed`: the trial itself."""
    return {"v": FORMAT, **asdict(trial)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A trial that was paused at a rung may go on.

    Attributes:
        trial: Its name.
        bracket: Of the trial.
        level: The rung's fidelity.
        place: Which rung of the bracket, from 0.
        worker: Who promoted it, and keeps a place for it.
        rank: 1-based place among the trials of the rung.
        of: How many they were.
        saw: Names of the rung records that this rests on; of a long rung the first ones.
    """

    trial: str
    bracket: int
    level: float
    place: int
    worker: int
    rank: int
    of: int
    saw: tuple[str, ...] = ()


def promoted_body(promotion: Promotion) -> dict[str, object]:
    """The body of `promoted`."""
    body: dict[str, object] = {"v": FORMAT, **asdict(promotion)}
    del body["trial"]
    return body


def promotion_of(record: Record) -> Promotion:
    """Reads `promoted`. Raises LogError."""
    return _reading(record, _promotion)


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
        outcome=_OUTCOMES[body["outcome"]],
        reason=str(body.get("reason", "")),
        message=str(body.get("message", "")),
        fidelity=float(body["fidelity"]),
        metrics=_numbers(body["metrics"]),
        stages=tuple(stage_from_dict(item) for item in body["stages"]),
        rung=None if body.get("rung") is None else float(body["rung"]),
    )


def _promotion(record: Record) -> Promotion:
    body: Any = record.body
    return Promotion(
        trial=record.trial,
        bracket=int(body["bracket"]),
        level=float(body["level"]),
        place=int(body["place"]),
        worker=int(body["worker"]),
        rank=int(body["rank"]),
        of=int(body["of"]),
        saw=tuple(map(str, body["saw"])),
    )


def _numbers(values: Mapping[str, object]) -> dict[str, float]:
    return {
        str(name): float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and isfinite(value)
    }
