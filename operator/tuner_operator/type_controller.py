"""InstanceTypes: their status follows nodes and trials, looked at now and then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from tuner.spec.instance_type import InstanceTypeStatus
from tuner.study.wear import preempted_seconds_per_hour
from tuner_operator.actions import Chain, WriteStatus
from tuner_operator.client import ApiError
from tuner_operator.client.apply import Applier
from tuner_operator.facts import Facts
from tuner_operator.memory import Memory, ref_of
from tuner_operator.reconcile.instance_types import instance_type_status
from tuner_operator.views import Views

PAUSE_SECONDS = 2.0

_logger = logging.getLogger(__name__)


class TypeController:
    """Keeps the status of every InstanceType.

    Args:
        memory: Types and nodes.
        views: Their specs, and how many trials run on each.
        facts: What the logs say of preemptions.
        applier: Writes the status.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        *,
        memory: Memory,
        views: Views,
        facts: Facts,
        applier: Applier,
        clock: Callable[[], float],
    ) -> None:
        self._memory = memory
        self._views = views
        self._facts = facts
        self._applier = applier
        self._clock = clock
        self._due = asyncio.Event()

    def mark(self) -> None:
        """Says that types, nodes or running trials changed."""
        self._due.set()

    async def run(self) -> None:
        """Writes what changed, until it is cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            await self.once()
            await asyncio.sleep(PAUSE_SECONDS)

    async def once(self) -> None:
        """One look at every type."""
        usage = self._views.type_usage()
        specs = self._views.instance_types()
        nodes = self._views.nodes()
        wear = self._facts.wear()
        for obj in tuple(self._memory.all("InstanceType")):
            name = obj["metadata"]["name"]
            if name not in specs:
                continue
            old = InstanceTypeStatus.model_validate(obj.get("status") or {})
            status = instance_type_status(
                specs[name],
                old=old,
                nodes=nodes,
                running=usage[name],
                preempted_seconds_per_hour=preempted_seconds_per_hour(
                    wear.get(name), expected=specs[name].preempted_seconds_per_hour
                ),
                generation=int(obj["metadata"].get("generation", 0)),
                now=self._clock(),
            )
            if status == old:
                continue
            try:
                await self._applier.run(("", ""), Chain(name, (WriteStatus(ref_of(obj), status),)))
            except ApiError as error:
                _logger.warning("InstanceType %s: %s", name, error)
