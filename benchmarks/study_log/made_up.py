"""A made-up study of one stage and eight parameters: what its trials leave in the log."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict

from tuner.log import Entry, Kind
from tuner.log.bodies import encode_body, encode_bundle
from tuner.log.keys import LogKey, log_name
from tuner.log.segments import line_of
from tuner.spec.trial import TrialState
from tuner.study.bodies import proposed_body
from tuner.study.verdict import Verdict
from tuner.trial import Outcome, StageOutcome, StageResult, Trial, TrialResult, trial_name

STUDY = "deep"
STAGE = "train"
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
    waiting: list[Entry] = []
    for index in range(trials):
        at = end - (trials - index) / rate
        proposal = proposed(index % workers, index // workers, rng)
        name, data = stored([proposal], milliseconds=round((at - 60) * 1000))
        yield at - 60, name, data
        name, data = stored(ended(proposal.trial, rng), milliseconds=round(at * 1000))
        yield at, name, data
        waiting.append(judged(proposal.trial, rng))
        if len(waiting) == verdicts or index == trials - 1:
            name, data = stored(waiting, milliseconds=round(at * 1000))
            yield at, name, data
            waiting = []


def line(name: str, data: bytes) -> bytes:
    """As a line of a segment."""
    return line_of(name.removesuffix(".json"), data)
