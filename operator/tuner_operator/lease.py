"""Who leads: one Lease, held by writing to it in time.

Times are measured on this process's monotonic clock, never compared with another machine's: a
standby takes over once it has seen the Lease unchanged for its whole duration, and a leader that
could not renew in two thirds of it says so before anybody can have taken over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from tuner_operator.client.errors import ApiError, Conflict, NotFound
from tuner_operator.names import Object

SHARE_TO_RENEW = 1 / 5
SHARE_TO_GIVE_UP = 2 / 3


class LeaseApi(Protocol):
    """What a lease needs of the API server."""

    async def get(self, kind: str, *, name: str, namespace: str = "") -> Object:
        """An object."""

    async def create(self, manifest: Mapping[str, Any], *, timeout: float | None = None) -> Object:
        """Creates an object."""

    async def replace(self, obj: Mapping[str, Any], *, timeout: float | None = None) -> Object:
        """Replaces an object of this very version."""


class Lease:
    """A claim to lead.

    Args:
        api: The API server.
        namespace: Where the Lease is.
        name: Its name.
        identity: Of this process; two processes never share one.
        seconds: How long a holder is believed without a sign of life.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        api: LeaseApi,
        *,
        namespace: str,
        name: str,
        identity: str,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._seconds = seconds
        self._clock = clock
        self._seen: tuple[str, float] = ("", clock())
        self._renewed = float("-inf")

    @property
    def is_held(self) -> bool:
        """Whether nobody else can have taken over."""
        return self._clock() - self._renewed < self._seconds * SHARE_TO_GIVE_UP

    @property
    def renew_seconds(self) -> float:
        """How often to try."""
        return self._seconds * SHARE_TO_RENEW

    async def acquire(self) -> None:
        """Waits until this process leads."""
        while not await self.try_once():
            await asyncio.sleep(self.renew_seconds)

    async def hold(self) -> None:
        """Renews; returns once the lease is lost."""
        while self.is_held:
            await asyncio.sleep(self.renew_seconds)
            await self.try_once()

    async def try_once(self) -> bool:
        """One attempt to take or renew; whether it succeeded."""
        asked = self._clock()
        try:
            held = await asyncio.wait_for(self._take(), timeout=self.renew_seconds * 2)
        except (ApiError, TimeoutError):
            return False
        if held:
            # From before the request: its answer may have been long on the way.
            self._renewed = asked
        return held

    async def release(self) -> None:
        """Lets go, so that a standby need not wait."""
        if not self.is_held:
            return
        self._renewed = float("-inf")
        try:
            lease = await self._api.get("Lease", name=self._name, namespace=self._namespace)
            if lease["spec"].get("holderIdentity") == self._identity:
                await self._write(lease, holder="")
        except ApiError:
            return

    async def _take(self) -> bool:
        try:
            lease = await self._api.get("Lease", name=self._name, namespace=self._namespace)
        except NotFound:
            await self._api.create(self._manifest(), timeout=self.renew_seconds)
            return True
        holder = (lease.get("spec") or {}).get("holderIdentity") or ""
        if holder not in ("", self._identity) and not self._is_stale(lease):
            return False
        try:
            await self._write(lease, holder=self._identity)
        except Conflict:
            return False
        return True

    def _is_stale(self, lease: Object) -> bool:
        version = str(lease["metadata"]["resourceVersion"])
        if version != self._seen[0]:
            self._seen = (version, self._clock())
        return self._clock() - self._seen[1] >= self._seconds

    async def _write(self, lease: Object, *, holder: str) -> None:
        spec = dict(lease.get("spec") or {})
        if spec.get("holderIdentity") != holder:
            spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + 1
            spec["acquireTime"] = _now()
        spec |= {
            "holderIdentity": holder,
            "renewTime": _now(),
            "leaseDurationSeconds": max(1, int(self._seconds)),
        }
        await self._api.replace({**lease, "spec": spec}, timeout=self.renew_seconds)

    def _manifest(self) -> dict[str, Any]:
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": {
                "holderIdentity": self._identity,
                "acquireTime": _now(),
                "renewTime": _now(),
                "leaseDurationSeconds": max(1, int(self._seconds)),
                "leaseTransitions": 0,
            },
        }


def _now() -> str:
    # For people; no decision rests on it.
    return datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
