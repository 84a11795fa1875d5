"""The log of a made-up study of any length, as its workers, agents and operator write it."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.latency.history import MadeUpStudy
from tuner.log.records import Kind, Record
from tuner.searchers.proposed import suggestion
from tuner.spec.trial import TrialState
from tuner.study.bodies import proposed_body
from tuner.study.verdict import Verdict
from tuner.trial import Observation, Outcome, StageResult, Trial, TrialResult

POOL = 20_000
"""So many configurations there are; a longer study tries them again, under other names."""

STUDY = "latency"


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

    def steps(self) -> Iterator[list[Record]]:
        """Without end: what is written from one trial's start to the next one's."""
        waiting: list[tuple[float, int, list[Record]]] = []
        for number, made in enumerate(self._made()):
            start = number * self.evaluation_seconds / self.workers
            end = start + self.evaluation_seconds
            worker, own = number % self.workers, number // self.workers
            name = f"{STUDY}-{worker}-{own}"
            body = {**made.proposed, "name": name, "worker": worker, "number": own}
            written = [_record(Kind.PROPOSED, name, start, body, attempt=0)]
            ended = [
                *(_record(Kind.STAGE, name, end, one, part=part) for part, one in made.stages),
                _record(Kind.RESULT, name, end, {**made.result, "trial": name}),
                _record(Kind.VERDICT, name, end, {**made.verdict, "start": start}),
            ]
            heapq.heappush(waiting, (end, number, ended))
            while waiting[0][0] <= start:
                written += heapq.heappop(waiting)[2]
            yield written

    def _made(self) -> Iterator[_Made]:
        study = MadeUpStudy(seed=self.seed)
        rng = np.random.default_rng(self.seed)
        pool: list[_Made] = []
        while len(pool) < POOL:
            configuration = study.joint.from_unit(rng.random(len(study.joint)))
            study.run(suggestion(study.joint, configuration, why={}))
            trial = study.trials[-1]
            stages = study.stages[trial.name]
            pool.append(
                _Made.of(trial, study.observations[-1], stages, seconds=self.evaluation_seconds)
            )
            yield pool[-1]
        while True:
            yield from pool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """The bodies of one configuration's records, but for names and times."""

    proposed: dict[str, object]
    stages: list[tuple[str, dict[str, object]]]
    result: dict[str, object]
    verdict: dict[str, object]

    @classmethod
    def of(
        cls, trial: Trial, seen: Observation, stages: tuple[StageResult, ...], *, seconds: float
    ) -> _Made:
        result = TrialResult(
            trial=trial.name, attempt=1, outcome=Outcome.COMPLETED, reason="", message="",
            fidelity=seen.fidelity, metrics=seen.metrics, stages=stages,
        )  # fmt: skip
        cost = sum(one.cost_usd for one in stages)
        verdict = Verdict(state=TrialState.COMPLETED, cost_usd=cost, seconds=seconds)
        return cls(
            proposed=proposed_body(trial),
            stages=[(one.stage, {"v": 1, **asdict(one)}) for one in stages],
            result={"v": 1, **asdict(result)},
            verdict=verdict.to_body(),
        )


def _record(
    kind: Kind,
    trial: str,
    seconds: float,
    body: dict[str, object],
    *,
    part: str = "0",
    attempt: int = 1,
) -> Record:
    return Record(
        kind=kind, trial=trial, attempt=attempt, part=part,
        milliseconds=round(1000 * seconds), body=body,
    )  # fmt: skip
