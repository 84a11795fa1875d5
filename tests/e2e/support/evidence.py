"""What is known of a study that has ended: its log as stored, its pods, what the API says."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

Object = dict[str, Any]
Identity = tuple[str, str, int, str]
"""Kind, trial, attempt and part of a record."""

FINAL = ("Completed", "Stopped", "Failed", "Cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A trial pod as the API told of it.

    Attributes:
        word: What the agent left as its last word, or None.
        scheduled: When it was given its node, seconds since the epoch.
        finished: When its last container ended; None if that was never told.
        over: Whether nothing of it runs any more.
    """

    name: str
    uid: str
    study: str
    trial: str
    attempt: int
    word: Object | None
    scheduled: float | None
    finished: float | None
    over: bool

    @classmethod
    def read(cls, pod: Object) -> Pod:
        """From the API's JSON."""
        status, labels = pod["status"], pod["metadata"]["labels"]
        containers = [
            *status.get("containerStatuses", []),
            *status.get("initContainerStatuses", []),
        ]
        ended = [one["state"]["terminated"] for one in containers if "terminated" in one["state"]]
        whole = bool(containers) and len(ended) == len(containers)
        times = [_seconds(one.get("finishedAt")) for one in ended]
        conditions = {one["type"]: one for one in status.get("conditions", [])}
        scheduled = conditions.get("PodScheduled", {})
        return cls(
            name=pod["metadata"]["name"],
            uid=pod["metadata"]["uid"],
            study=labels["tuner.dev/study"],
            trial=labels["tuner.dev/trial"],
            attempt=int(labels["tuner.dev/attempt"]),
            word=_word(status.get("initContainerStatuses", [])),
            scheduled=_seconds(scheduled.get("lastTransitionTime"))
            if scheduled.get("status") == "True"
            else None,
            finished=max((one for one in times if one), default=None) if whole else None,
            over=status.get("phase") in ("Succeeded", "Failed") or whole,
        )


@dataclass(frozen=True, slots=True)
class Life:
    """A pod as it was seen last, and whether it is gone."""

    pod: Pod
    gone: bool

    @property
    def lives(self) -> bool:
        """Whether something of it may run."""
        return not (self.gone or self.pod.over)


@dataclass(frozen=True, slots=True)
class Row:
    """A record of the log, and the time in its key, in milliseconds."""

    identity: Identity
    at: int
    body: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that is known of one study that has ended.

    Attributes:
        study: The object of the API.
        trials: Those of its trials.
        rows: Its log, as its reader gives it.
        stored: Its log as the objects say that are there, or were seen before: copies included.
        lives: Its trial pods.
        wounded: Trials that may have failed, for one of their processes was killed.
        expected: The loss that a trial must report, by parameters and fidelity.
    """

    study: Object
    trials: Sequence[Object]
    rows: Sequence[Row]
    stored: Sequence[Row]
    lives: Sequence[Life]
    wounded: frozenset[str]
    expected: Callable[[Mapping[str, Any], float], float]

    @cached_property
    def by_kind(self) -> Mapping[str, list[Row]]:
        """Rows of each kind."""
        found = defaultdict(list)
        for row in self.rows:
            found[row.identity[0]].append(row)
        return found

    @cached_property
    def proposals(self) -> Mapping[str, Row]:
        """By trial."""
        return {row.identity[1]: row for row in self.by_kind["proposed"]}

    @cached_property
    def verdicts(self) -> Mapping[str, list[Row]]:
        """By trial, in the order of attempts."""
        found = defaultdict(list)
        for row in sorted(self.by_kind["verdict"], key=lambda one: (one.identity[2], one.at)):
            found[row.identity[1]].append(row)
        return found

    @cached_property
    def states(self) -> Mapping[str, str]:
        """How each trial ended: by the final verdict of its lowest attempt."""
        return {
            name: next((row.body["state"] for row in rows if row.body["state"] in FINAL), "open")
            for name, rows in {**{name: [] for name in self.proposals}, **self.verdicts}.items()
        }

    @cached_property
    def results(self) -> Mapping[str, Row]:
        """The result that counts of each trial: of the lowest attempt that ended it."""
        found: dict[str, Row] = {}
        for row in sorted(self.by_kind["result"], key=lambda one: (one.identity[2], one.at)):
            if row.body["outcome"] in ("Completed", "Stopped", "Failed"):
                found.setdefault(row.identity[1], row)
        return found

    @property
    def spec(self) -> Object:
        """Of the study."""
        found: Object = self.study["spec"]
        return found


def rows_of(objects: Mapping[str, bytes]) -> list[Row]:
    """The records in the objects of a log, each as often as it is there."""
    rows: list[Row] = []
    for key, data in objects.items():
        folder, _, name = key.rpartition("/")
        if folder.endswith("/log"):
            rows += _rows(name, json.loads(data))
        elif folder.endswith("/segments"):
            lines = gzip.decompress(data).splitlines()
            found = [one for one in map(json.loads, lines) if isinstance(one, list)]
            rows += [row for name, body in found for row in _rows(name, body)]
    return rows


def _rows(name: str, body: Object) -> Iterator[Row]:
    at, kind, trial, attempt, part, _ = name.split(".")
    if kind == "bundle":
        for one in body["records"]:
            yield Row((one[0], one[1], one[2], one[3]), int(at), _plain(one[4]))
    else:
        yield Row((kind, trial, int(attempt), part), int(at), _plain(body))


def _plain(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in body.items() if name != "v"}


def _word(agents: Iterable[Object]) -> Object | None:
    """The agent's termination message, of its last process or of the one before."""
    for status in agents:
        for when in ("state", "lastState"):
            message = status.get(when, {}).get("terminated", {}).get("message", "")
            try:
                found = json.loads(message)
            except ValueError:
                continue
            if isinstance(found, dict) and "outcome" in found:
                return found
    return None


def _seconds(moment: str | None) -> float | None:
    found = None if moment is None else datetime.fromisoformat(moment).timestamp()
    # A container that never started carries the year 1970.
    return found or None
