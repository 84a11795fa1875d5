"""What the agent has done so far: one frozen value, written to disk before it is acted on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from tuner.agent.jobs import Facts, Job, job_from_dict, job_to_dict
from tuner.agent.progress import Progress
from tuner.pipeline.result import stage_from_dict
from tuner.trial import Outcome, StageResult

FORMAT = 1


class Phase(StrEnum):
    """What the agent is at; every phase but HOLD, RUN and QUIT waits for the jobs to be done."""

    LOOKUP = "Lookup"
    RESTORE = "Restore"
    PREPARE = "Prepare"
    HOLD = "Hold"
    RUN = "Run"
    SETTLE = "Settle"
    STORE = "Store"
    END = "End"
    QUIT = "Quit"
    DONE = "Done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the attempt is going to end. No outcome: it was interrupted, and has no verdict.

    With a rung: it is paused there.
    """

    outcome: Outcome | None
    reason: str
    message: str
    rung: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One run of a stage's command.

    Attributes:
        number: Ordinal of the run in this pod, from 1; 0 before the first.
        started: When it started, seconds since the epoch.
        ended: When it ended.
        exit_code: Of its process.
        told: Whether it was told to stop.
        output: The last lines that it printed, where the agent can see them.
    """

    number: int = 0
    started: float | None = None
    ended: float | None = None
    exit_code: int | None = None
    told: bool = False
    output: str = ""

    @property
    def over(self) -> bool:
        """Whether its process has ended."""
        return self.exit_code is not None

    def seconds(self, now: float) -> float:
        """How long it has run; the clock may have been set back."""
        if self.started is None:
            return 0.0
        return max(0.0, (now if self.ended is None else self.ended) - self.started)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything a restarted agent must know.

    Attributes:
        phase: What it is at.
        index: Which stage of the plan.
        execution: The run under way, or the last one.
        progress: Of the stage under way.
        offset: How many bytes of its reports have been taken in.
        batch: Part of the next `reports` record.
        sequence: Of the next checkpoint.
        saved_at: When a checkpoint was last saved or found unchanged.
        rungs: How many rungs were put up for decision.
        ending: Why it is going to end, once it is.
        halt: How to end before the next stage, asked for while this one was being stored.
        gone: Whether the runner is dead.
        hold_until: Until when it may wait for a place before anything runs; None once it has one.
        jobs: To do, in order; the first is under way.
        facts: Of the artifact of each stage found in the cache, by name.
        results: Of each stage looked at, by name, in order.
        restored: Stages whose output is on disk.
        refused: Stages whose artifact turned out to be gone: they run.
        misses: Why each stage that ran was not found, by name.
        recorded: Stages whose `stage` record was handed out.
        warnings: How often something odd was seen in reports.
        checkpoint: Whether a checkpoint is in the store.
        key: Key of the `result` record.
    """

    phase: Phase = Phase.LOOKUP
    index: int = 0
    execution: Execution = field(default_factory=Execution)
    progress: Progress = field(default_factory=Progress)
    offset: int = 0
    batch: int = 0
    sequence: int = 0
    saved_at: float = 0.0
    rungs: int = 0
    ending: Ending | None = None
    halt: Ending | None = None
    gone: bool = False
    hold_until: float | None = None
    jobs: tuple[Job, ...] = ()
    facts: Mapping[str, Facts] = field(default_factory=dict)
    results: Mapping[str, StageResult] = field(default_factory=dict)
    restored: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    misses: Mapping[str, str] = field(default_factory=dict)
    recorded: tuple[str, ...] = ()
    warnings: Mapping[str, int] = field(default_factory=dict)
    checkpoint: bool = False
    key: str = ""

    def with_jobs(self, *jobs: Job) -> State:
        """With more to do, after what there is."""
        return replace(self, jobs=(*self.jobs, *jobs))

    def with_result(self, result: StageResult) -> State:
        """With the result of a stage."""
        return replace(self, results={**self.results, result.stage: result})


def state_to_json(state: State) -> str:
    """The state as JSON."""
    document = {
        **asdict(replace(state, jobs=(), progress=Progress(), facts={})),
        "v": FORMAT,
        "jobs": [job_to_dict(job) for job in state.jobs],
        "progress": state.progress.to_dict(),
        "facts": {name: facts.to_dict() for name, facts in state.facts.items()},
    }
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def state_from_json(text: str) -> State:
    """Reads what `state_to_json` wrote.

    Raises:
        ValueError: The text is not a state of this version.
    """
    data = json.loads(text)
    if data.pop("v") != FORMAT:
        raise ValueError("the agent's state was written by another version")
    return State(**{**data, **_nested(data)})


def _nested(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "phase": Phase(data["phase"]),
        "execution": Execution(**data["execution"]),
        "progress": Progress.from_dict(data["progress"]),
        "ending": _ending(data["ending"]),
        "halt": _ending(data["halt"]),
        "jobs": tuple(job_from_dict(job) for job in data["jobs"]),
        "facts": {name: Facts.from_dict(facts) for name, facts in data["facts"].items()},
        "results": {name: stage_from_dict(item) for name, item in data["results"].items()},
        "restored": tuple(data["restored"]),
        "refused": tuple(data["refused"]),
        "recorded": tuple(data["recorded"]),
    }


def _ending(data: Mapping[str, Any] | None) -> Ending | None:
    if data is None:
        return None
    outcome = data["outcome"]
    return Ending(
        outcome=None if outcome is None else Outcome(outcome),
        reason=data["reason"],
        message=data["message"],
        rung=data.get("rung"),
    )
