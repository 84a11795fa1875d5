"""A made-up study of one stage and eight parameters: what its trials leave in the log."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import blake2b

from tuner.log import Entry, Kind
from tuner.log.bodies import BUNDLE, encode_body, encode_bundle
from tuner.log.keys import LogKey, log_name
from tuner.log.segments import line_of
from tuner.spec.trial import TrialState
from tuner.study.bodies import proposed_body
from tuner.study.verdict import Verdict
from tuner.trial import Outcome, StageOutcome, StageResult, Trial, TrialResult, trial_name

STUDY = "deep"
STAGE = "train"
POOL = 4000
"""So many trials have values of their own; a longer study repeats them."""

PARAMETERS = tuple(f"parameter{index}" for index in range(8))


def proposed(worker: int, number: int, rng: random.Random) -> Entry:
    """A proposal with the words that the engine gives for it."""
    trial = Trial(
        name=trial_name(STUDY, worker=worker, number=number),
        worker=worker,
        number=number,
        parameters={name: rng.random() for name in PARAMETERS},
        instance_types={STAGE: rng.choice(("small", "large", "gpu"))},
        why={
            "searcher": "Auto",
            "gain": rng.random(),
            "spendUsd": rng.random(),
            "predicted": {"error": rng.random(), "runtime": rng.random(), "cost": rng.random()},
        },
    )
    return Entry(kind=Kind.PROPOSED, trial=trial.name, attempt=0, body=proposed_body(trial))


def ended(trial: str, rng: random.Random) -> list[Entry]:
    """What an agent says when the only stage of a trial has ended."""
    metrics = {"error": rng.random(), "accuracy": rng.random()}
    stage = StageResult(
        stage=STAGE,
        outcome=StageOutcome.RUN,
        seconds=60 * rng.uniform(0.7, 1.3),
        cost_usd=rng.random(),
        first_run_seconds=60 * rng.uniform(0.7, 1.3),
        instance_type="small",
        metrics=metrics,
        exit_code=0,
    )
    result = TrialResult(
        trial=trial,
        attempt=1,
        outcome=Outcome.COMPLETED,
        reason="Completed",
        message="",
        fidelity=1.0,
        metrics={**metrics, "cost": rng.random(), "runtime": rng.random()},
        stages=(stage,),
    )
    reports = {"segment": 0, "stage": STAGE, "seen": 1, "reports": [{"metrics": metrics}]}
    return [
        Entry(kind=Kind.REPORTS, trial=trial, attempt=1, body=reports),
        Entry(kind=Kind.STAGE, trial=trial, attempt=1, part=STAGE, body=asdict(stage)),
        Entry(kind=Kind.RESULT, trial=trial, attempt=1, body=asdict(result)),
    ]


def judged(trial: str, rng: random.Random) -> Entry:
    """The operator's verdict on it."""
    verdict = Verdict(
        state=TrialState.COMPLETED,
        reason="Completed",
        cost_usd=rng.random(),
        seconds=rng.uniform(40, 80),
        price_per_hour=0.5,
        instance_type="small",
        start=1.7e9 + rng.random(),
    )
    return Entry(kind=Kind.VERDICT, trial=trial, attempt=1, body=verdict.to_body())


def stored(entries: list[Entry], *, milliseconds: int) -> tuple[str, bytes]:
    """Name and content of the object that `append_all` would write then."""
    last = entries[-1]
    if len(entries) == 1:
        key = LogKey(milliseconds, last.kind, last.trial, last.attempt, last.part)
        return log_name(key), encode_body(last.body)
    part, data = encode_bundle(
        ((str(one.kind), one.trial, one.attempt, one.part), one.body) for one in entries
    )
    return log_name(LogKey(milliseconds, "bundle", last.trial, last.attempt, part)), data


def history(
    trials: int, *, workers: int, rate: float, end: float, verdicts: int, seed: int = 0
) -> Iterator[tuple[float, str, bytes]]:
    """Time, name and content of every object of a steady study up to `end`, in no strict order.

    Args:
        trials: That have ended.
        workers: Which take turns.
        rate: Trials a second.
        end: Seconds since the epoch.
        verdicts: In one object.
        seed: Of all values.
    """
    rng = random.Random(seed)
    pool = [_Written.of(rng) for _ in range(min(trials, POOL))]
    waiting: list[Entry] = []
    for index in range(trials):
        at = end - (trials - index) / rate
        worker, number = index % workers, index // workers
        trial = trial_name(STUDY, worker=worker, number=number)
        written = pool[index % len(pool)].as_if_of(trial, worker=worker, number=number)
        before = round((at - 60) * 1000)
        yield at - 60, log_name(LogKey(before, Kind.PROPOSED, trial, 0, "0")), written.proposal
        part = blake2b(written.end, digest_size=10).hexdigest()
        yield at, log_name(LogKey(round(at * 1000), BUNDLE, trial, 1, part)), written.end
        waiting.append(judged(trial, rng))
        if len(waiting) == verdicts or index == trials - 1:
            name, data = stored(waiting, milliseconds=round(at * 1000))
            yield at, name, data
            waiting = []


@dataclass(frozen=True, slots=True)
class _Written:
    """What one trial's proposal and end are in the store."""

    proposal: bytes
    end: bytes

    @classmethod
    def of(cls, rng: random.Random) -> _Written:
        entry = proposed(0, 0, rng)
        said = stored(ended(entry.trial, rng), milliseconds=0)[1]
        return cls(encode_body(entry.body), said)

    def as_if_of(self, trial: str, *, worker: int, number: int) -> _Written:
        """The same values under another name: writing all anew would take minutes."""
        first, name = trial_name(STUDY, worker=0, number=0).encode(), trial.encode()
        proposal = self.proposal.replace(first, name)
        proposal = proposal.replace(b'"number":0,', b'"number":%d,' % number)
        proposal = proposal.replace(b'"worker":0}', b'"worker":%d}' % worker)
        return _Written(proposal, self.end.replace(first, name))


def line(name: str, data: bytes) -> bytes:
    """As a line of a segment."""
    return line_of(name.removesuffix(".json"), data)
