"""The log of a made-up study of any length, as its workers, agents and operator write it."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

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
        for number, (trial, seen, stages) in enumerate(self._trials()):
            start = number * self.evaluation_seconds / self.workers
            end = start + self.evaluation_seconds
            named = replace(
                trial,
                name=f"{STUDY}-{number % self.workers}-{number // self.workers}",
                worker=number % self.workers,
                number=number // self.workers,
            )
            written = [_record(Kind.PROPOSED, named.name, start, proposed_body(named), attempt=0)]
            heapq.heappush(waiting, (end, number, self._ended(named, seen, stages, start)))
            while waiting[0][0] <= start:
                written += heapq.heappop(waiting)[2]
            yield written

    def _trials(self) -> Iterator[tuple[Trial, Observation, tuple[StageResult, ...]]]:
        study = MadeUpStudy(seed=self.seed)
        made = []
        rng = np.random.default_rng(self.seed)
        while len(made) < POOL:
            unit = rng.random(len(study.joint))
            configuration = study.joint.from_unit(unit)
            study.run(suggestion(study.joint, configuration, why={}))
            trial = study.trials[-1]
            made.append((trial, study.observations[-1], study.stages[trial.name]))
            yield made[-1]
        while True:
            yield from made

    def _ended(
        self, trial: Trial, seen: Observation, stages: tuple[StageResult, ...], start: float
    ) -> list[Record]:
        end = start + self.evaluation_seconds
        result = TrialResult(
            trial=trial.name, attempt=1, outcome=Outcome.COMPLETED, reason="", message="",
            fidelity=seen.fidelity, metrics=seen.metrics, stages=stages,
        )  # fmt: skip
        verdict = Verdict(
            state=TrialState.COMPLETED, cost_usd=sum(one.cost_usd for one in stages),
            seconds=self.evaluation_seconds, start=start,
        )  # fmt: skip
        return [
            *(
                _record(Kind.STAGE, trial.name, end, {"v": 1, **asdict(one)}, part=one.stage)
                for one in stages
            ),
            _record(Kind.RESULT, trial.name, end, {"v": 1, **asdict(result)}),
            _record(Kind.VERDICT, trial.name, end, verdict.to_body()),
        ]


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
