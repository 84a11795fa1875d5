"""The log of a made-up study of any length, as its workers, agents and operator write it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from benchmarks.latency.history import MadeUpStudy
from tuner.log.records import Kind, Record
from tuner.spec.trial import TrialState
from tuner.study.bodies import proposed_body
from tuner.study.verdict import Verdict
from tuner.trial import Observation, Outcome, StageResult, Trial, TrialResult

CHUNK = 5_000
"""So many trials are made at a time; a stage's artifact is shared within a chunk only."""

STUDY = "latency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What is read of one trial: encoded, as it comes from the store.

    Attributes:
        proposed: When it starts.
        ended: When it has ended.
    """

    proposed: tuple[str, bytes]
    ended: tuple[tuple[Kind, str, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Trials that start at even distances, each evaluation as long as the others.

    Attributes:
        workers: How many evaluate at a time.
        evaluation_seconds: How long an evaluation takes.
        seed: Of the configurations.
    """

    workers: int
    evaluation_seconds: float
    seed: int = 0

    def written(self) -> Iterator[Written]:
        """Trials without end."""
        number, chunk = 0, 0
        while True:
            study = MadeUpStudy.of_length(CHUNK, seed=self.seed + chunk)
            for trial, seen in zip(study.trials, study.observations, strict=True):
                yield self._written(trial, seen, study.stages[trial.name], number)
                number += 1
            chunk += 1

    def records(self, written: Written, *, place: int) -> Iterator[tuple[float, list[Record]]]:
        """The records of the trial at a place of the stream, decoded, with their times."""
        start = place * self.evaluation_seconds / self.workers
        name, body = written.proposed
        yield start, [_record(Kind.PROPOSED, name, "0", start, body, attempt=0)]
        end = start + self.evaluation_seconds
        yield end, [_record(kind, name, part, end, body) for kind, part, body in written.ended]

    def _written(
        self, trial: Trial, seen: Observation, stages: tuple[StageResult, ...], number: int
    ) -> Written:
        worker, own = number % self.workers, number // self.workers
        named = replace(trial, name=f"{STUDY}-{worker}-{own}", worker=worker, number=own)
        start = number * self.evaluation_seconds / self.workers
        result = TrialResult(
            trial=named.name, attempt=1, outcome=Outcome.COMPLETED, reason="", message="",
            fidelity=seen.fidelity, metrics=seen.metrics, stages=stages,
        )  # fmt: skip
        verdict = Verdict(
            state=TrialState.COMPLETED, cost_usd=sum(one.cost_usd for one in stages),
            seconds=self.evaluation_seconds, start=start,
        )  # fmt: skip
        return Written(
            proposed=(named.name, _encoded(proposed_body(named))),
            ended=(
                *((Kind.STAGE, one.stage, _encoded({"v": 1, **asdict(one)})) for one in stages),
                (Kind.RESULT, "0", _encoded({"v": 1, **asdict(result)})),
                (Kind.VERDICT, "0", _encoded(verdict.to_body())),
            ),
        )


def _encoded(body: dict[str, object]) -> bytes:
    return json.dumps(body).encode()


def _record(
    kind: Kind, trial: str, part: str, seconds: float, body: bytes, *, attempt: int = 1
) -> Record:
    return Record(
        kind=kind, trial=trial, attempt=attempt, part=part,
        milliseconds=round(1000 * seconds), body=json.loads(body),
    )  # fmt: skip
