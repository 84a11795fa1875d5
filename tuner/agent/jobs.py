"""What the agent does with store and disk: one job after the other, each harmless when repeated.

Jobs are part of the persisted state. One that was under way when the agent died is done again, so
its effect must depend on nothing but its fields and the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from tuner.agent.progress import Progress, Values, values_from_dict, values_to_dict


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Looks a stage up in the cache; answered by Hit or Miss."""

    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Restores a stage's output from the cache; answered by Restored, or Miss if it is gone."""

    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """Makes a stage's files, with its checkpoint if there is one; answered by Prepared."""

    index: int
    fresh: bool
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """Writes a record of the log; answered by Done with its key."""

    kind: str
    part: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WriteAll:
    """Several records that are due one after the other, written at once: answered as each by Done.

    Never part of the state: it stands for the jobs that it is made of.
    """

    writes: tuple[Write, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """Writes a rung record and decides, or reads the decision back; answered by Decided."""

    level: float
    vector: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """Saves a stage's checkpoint; answered by Saved. `final` says that the stage has ended."""

    index: int
    sequence: int
    progress: Progress
    final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Stores a stage's output as its artifact; answered by Done, or Refused if it cannot be one."""

    index: int
    facts: Mapping[str, Any]


Job: TypeAlias = Lookup | Restore | Prepare | Write | Decide | Save | Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a cached artifact says of the run that made it.

    Attributes:
        trial: Which trial ran it.
        instance_type: Where.
        seconds: For how long.
        values: What it reported.
    """

    trial: str = ""
    instance_type: str = ""
    seconds: float = 0.0
    values: Mapping[str, Values] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; stored with the artifact."""
        return {
            "trial": self.trial,
            "instance_type": self.instance_type,
            "seconds": self.seconds,
            "values": values_to_dict(self.values),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Facts:
        """Reads what `to_dict` gave; of other writers, what there is."""
        return cls(
            trial=str(data.get("trial", "")),
            instance_type=str(data.get("instance_type", "")),
            seconds=float(data.get("seconds", 0.0)),
            values=values_from_dict(data.get("values", {})),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """The artifact is there."""

    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """It is not, and why."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The output is on disk; `seconds` is what that took, from the look-up to the last file."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The stage can start; `progress` is that of the checkpoint, if one was restored.

    Attributes:
        progress: Of the checkpoint.
        held: Why it must not start after all: a rung that it has passed stopped or paused it.
    """

    progress: Progress | None = None
    held: Decided | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What becomes of the trial.

    Attributes:
        stop: Whether this attempt ends here.
        reason: One sentence for people.
        paused_at: The rung from which the trial may be promoted; None where it is stopped.
    """

    stop: bool
    reason: str
    paused_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """Whether there was something to save."""

    saved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Nothing more to tell than a key."""

    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """It cannot be done, however often it is tried."""

    why: str


Answer: TypeAlias = Hit | Miss | Restored | Prepared | Decided | Saved | Done | Refused


def next_job(waiting: tuple[Job, ...]) -> Job | WriteAll:
    """What to do first: a job, or all records that nothing else comes before."""
    writes: list[Write] = []
    for job in waiting:
        if not isinstance(job, Write):
            break
        writes.append(job)
    return WriteAll(tuple(writes)) if len(writes) > 1 else waiting[0]


_TYPES: Mapping[str, type[Any]] = {
    kind.__name__: kind for kind in (Lookup, Restore, Prepare, Write, Decide, Save, Store)
}


def job_to_dict(job: Job) -> dict[str, Any]:
    """As JSON values, with the type's name."""
    document = {"job": type(job).__name__, **asdict(job)}
    if isinstance(job, Save):
        document["progress"] = job.progress.to_dict()
    return document


def job_from_dict(data: Mapping[str, Any]) -> Job:
    """Reads what `job_to_dict` gave."""
    fields = {name: value for name, value in data.items() if name != "job"}
    if "progress" in fields:
        fields["progress"] = Progress.from_dict(fields["progress"])
    if "vector" in fields:
        fields["vector"] = tuple(fields["vector"])
    job: Job = _TYPES[data["job"]](**fields)
    return job
