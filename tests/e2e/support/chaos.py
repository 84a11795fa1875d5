"""Kills at random, by a seed: what is killed and when is drawn once, whom it meets is seen then."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from typing import TypeVar

import node
from kube import Kube, Object

T = TypeVar("T")

PAUSE_SECONDS = 2.5
"""Between two blows, on average."""


class Kind(StrEnum):
    """What a blow does."""

    AGENT = "agent"
    """SIGKILL of a trial pod's agent, which the kubelet starts again in the same pod."""
    RUNNER = "runner"
    """SIGKILL of the stage container's first process: the attempt is over."""
    STAGE = "stage"
    """SIGKILL of a process of the user's: the trial fails of it."""
    POD = "trial pod"
    """Deleted, with its grace period."""
    POD_AT_ONCE = "trial pod at once"
    """Deleted without grace: the API forgets it while its processes still run."""
    WORKER = "worker"
    WORKER_POD = "worker pod"
    OPERATOR = "operator"
    OPERATOR_POD = "operator pod"
    """Deleted without grace, so that two may be there at once."""
    STORE = "store"
    """SIGKILL of MinIO, which the kubelet starts again on the same volume."""
    STALL = "store stalls"
    """SIGSTOP: connections stay open, and nobody answers."""
    WAKE = "store wakes"


_DECK = (
    *[Kind.AGENT] * 3,
    *[Kind.RUNNER] * 2,
    *[Kind.POD] * 2,
    *[Kind.POD_AT_ONCE] * 2,
    *[Kind.WORKER] * 2,
    *[Kind.STALL] * 2,
    Kind.STAGE,
    Kind.WORKER_POD,
    Kind.OPERATOR,
)
_RARE = (Kind.STORE, Kind.OPERATOR_POD)
"""What is dealt out before anything comes again, and what is there in every other deal only: the
kubelet lets a container wait ever longer, and the next operator waits until the Lease has run out.
A cluster where nothing ever goes on tests nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """One kill.

    Attributes:
        at: Seconds after the beginning.
        kind: What is done.
        pick: Which of those that are there then: 0 the first by name, just below 1 the last.
    """

    at: float
    kind: Kind
    pick: float


def schedule(seed: int, *, seconds: float) -> list[Blow]:
    """The blows of a seed: the same ones each time, and as many for so many seconds."""
    rng = random.Random(f"chaos {seed}")
    times = sorted(rng.uniform(0, seconds) for _ in range(max(1, round(seconds / PAUSE_SECONDS))))
    kinds: list[Kind] = []
    for rare in cycle((_RARE, ())):
        if len(kinds) >= len(times):
            break
        deal = (*_DECK, *rare)
        kinds += rng.sample(deal, len(deal))
    blows = [
        Blow(at=at, kind=kind, pick=rng.random()) for at, kind in zip(times, kinds, strict=False)
    ]
    wakes = [
        Blow(at=one.at + 1 + 5 * one.pick, kind=Kind.WAKE, pick=0)
        for one in blows
        if one.kind is Kind.STALL
    ]
    return sorted([*blows, *wakes], key=lambda one: one.at)


class Monkey:
    """Carries the blows out on one namespace's studies and on the release.

    Args:
        kube: The cluster, whose node is this machine.
        namespace: Of the studies.
        system: Of the release.
        say: Told of every blow, in one line.

    Attributes:
        wounded: Trials of which a stage's process was killed: these may fail.
        struck: How often each kind met somebody.
    """

    def __init__(
        self, kube: Kube, *, namespace: str, system: str, say: Callable[[str], None]
    ) -> None:
        self._kube, self._namespace, self._system, self._say = kube, namespace, system, say
        self.wounded: set[str] = set()
        self.struck: dict[Kind, int] = {}

    def rage(self, blows: list[Blow]) -> None:
        """Strikes each blow at its time; one whose time has passed at once."""
        began = time.monotonic()
        try:
            for blow in blows:
                time.sleep(max(0.0, began + blow.at - time.monotonic()))
                met = self._strike(blow)
                self._say(f"{time.monotonic() - began:6.1f} s  {blow.kind:<18} {met or 'nobody'}")
                if met:
                    self.struck[blow.kind] = self.struck.get(blow.kind, 0) + 1
        finally:
            self._signal(self._store_pods(), "minio", signal.SIGCONT, pick=0)

    def _strike(self, blow: Blow) -> str | None:
        """Does it; the name of the pod that was met, or None if there was none."""
        match blow.kind:
            case Kind.AGENT:
                return self._signal(self._pods("trial"), "agent", signal.SIGKILL, pick=blow.pick)
            case Kind.RUNNER:
                return self._signal(self._pods("trial"), "stage", signal.SIGKILL, pick=blow.pick)
            case Kind.STAGE:
                return self._kill_stage(blow.pick)
            case Kind.POD | Kind.POD_AT_ONCE:
                at_once = blow.kind is Kind.POD_AT_ONCE
                return self._delete(self._pods("trial"), at_once=at_once, pick=blow.pick)
            case Kind.WORKER:
                return self._signal(self._pods("worker"), "worker", signal.SIGKILL, pick=blow.pick)
            case Kind.WORKER_POD:
                return self._delete(self._pods("worker"), at_once=True, pick=blow.pick)
            case Kind.OPERATOR:
                pods = self._component("operator")
                return self._signal(pods, "operator", signal.SIGKILL, pick=blow.pick)
            case Kind.OPERATOR_POD:
                return self._delete(self._component("operator"), at_once=True, pick=blow.pick)
            case Kind.STORE:
                return self._signal(self._store_pods(), "minio", signal.SIGKILL, pick=blow.pick)
            case Kind.STALL:
                return self._signal(self._store_pods(), "minio", signal.SIGSTOP, pick=blow.pick)
            case Kind.WAKE:
                return self._signal(self._store_pods(), "minio", signal.SIGCONT, pick=blow.pick)

    def _pods(self, role: str) -> list[Object]:
        found = self._kube.list("pods", self._namespace, selector=f"tuner.dev/role={role}")
        return [one for one in found if one["status"].get("phase") in ("Pending", "Running")]

    def _component(self, name: str) -> list[Object]:
        selector = f"app.kubernetes.io/component={name}"
        return self._kube.list("pods", self._system, selector=selector)

    def _store_pods(self) -> list[Object]:
        return self._component("minio")

    def _signal(
        self, pods: list[Object], container: str, number: signal.Signals, *, pick: float
    ) -> str | None:
        """Sends it to the first process of a container that runs."""
        able = [(one, found) for one in pods if (found := node.container_id(one, container))]
        chosen = _chosen(able, pick)
        pid = node.init_pid(chosen[1]) if chosen else None
        return _name(chosen[0]) if chosen and pid and _send(pid, number) else None

    def _kill_stage(self, pick: float) -> str | None:
        """Kills what the runner runs. The first trials of a study are spared: three that fail alike
        at its beginning end it, as they should."""
        spared = {
            one["metadata"]["name"]
            for one in self._kube.list("tuningstudies", self._namespace)
            if not one.get("status", {}).get("trials", {}).get("completed")
        }
        able = [
            (one, found)
            for one in self._pods("trial")
            if (found := node.container_id(one, "stage"))
            and one["metadata"]["labels"]["tuner.dev/study"] not in spared
        ]
        chosen = _chosen(able, pick)
        if chosen is None:
            return None
        pod, container = chosen
        first = node.init_pid(container)
        pid = _chosen(sorted(one for one in node.pids_of(container) if one != first), pick)
        if first is None or pid is None:
            return None
        # Noted first: the trial may be over before this process goes on.
        self.wounded.add(pod["metadata"]["labels"]["tuner.dev/trial"])
        return _name(pod) if _send(pid, signal.SIGKILL) else None

    def _delete(self, pods: list[Object], *, at_once: bool, pick: float) -> str | None:
        able = [one for one in pods if "deletionTimestamp" not in one["metadata"]]
        pod = _chosen(able, pick)
        if pod is None:
            return None
        options = ("--grace-period=0", "--force") if at_once else ()
        self._kube.delete("pods", _name(pod), pod["metadata"]["namespace"], *options)
        return _name(pod)


def _chosen(several: list[T], pick: float) -> T | None:
    return several[int(pick * len(several))] if several else None


def _send(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _name(pod: Object) -> str:
    name: str = pod["metadata"]["name"]
    return name
