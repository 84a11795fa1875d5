"""The process: becomes leader, lists, watches, reconciles; ends when any of it is lost."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from tuner.errors import TunerError
from tuner_operator.bucket import Bucket
from tuner_operator.client import Api, ApiError
from tuner_operator.client.announce import Announcer
from tuner_operator.client.apply import Applier
from tuner_operator.controller import Controller
from tuner_operator.events import event_of
from tuner_operator.facts import Facts
from tuner_operator.handlers import watch
from tuner_operator.health import Health, Pulse, serve
from tuner_operator.lease import Lease
from tuner_operator.leaving import LeavingLoop
from tuner_operator.memory import Memory, StudyKey, version_of
from tuner_operator.metrics import Metrics
from tuner_operator.names import STUDY_LABEL, Object
from tuner_operator.passes import StudyQueue
from tuner_operator.rounds import Rounds
from tuner_operator.settings import Settings
from tuner_operator.summary import SummaryLoop
from tuner_operator.sweep import Sweep
from tuner_operator.type_controller import TypeController
from tuner_operator.views import Views

LATE_SECONDS = 60.0
_NAMESPACED = (("TuningStudy", ""), ("TuningTrial", ""), ("Pod", STUDY_LABEL))

_logger = logging.getLogger(__name__)


class LeaseLost(TunerError):
    """This process must not act any more."""


class App:
    """One operator process.

    Args:
        api: The API server.
        lease_api: The same, for the Lease alone.
        settings: Of the installation.
        login: Gives kopf its credentials.
    """

    def __init__(
        self,
        api: Api,
        *,
        lease_api: Api,
        settings: Settings,
        login: Callable[..., Awaitable[object]],
    ) -> None:
        self._api = api
        self._settings = settings
        self._login = login
        self._metrics = Metrics()
        self._pulse = Pulse(clock=time.monotonic, late_seconds=LATE_SECONDS)
        self._facts = Facts(clock=time.time)
        self._memory = Memory(changed=self._changed, types_changed=self._types_changed)
        self._views = Views(self._memory)
        self._lease = Lease(
            lease_api,
            namespace=settings.own_namespace,
            name=settings.lease_name,
            identity=settings.identity,
            seconds=settings.lease_seconds,
        )
        self._bucket = Bucket(
            api,
            settings=settings,
            facts=self._facts,
            uid_of=self._uid_of,
            changed=self._changed,
        )
        self._applier = Applier(
            api,
            memory=self._memory,
            book=self._bucket,
            refuse=self._facts.refuse,
            tell=Announcer(api, build=event_of, clock=time.time).tell,
            wrote=self._wrote,
        )
        self._controller = Controller(
            memory=self._memory,
            views=self._views,
            facts=self._facts,
            applier=self._applier,
            settings=settings,
            metrics=self._metrics,
            clock=time.time,
        )
        self._types = TypeController(
            memory=self._memory,
            views=self._views,
            facts=self._facts,
            applier=self._applier,
            clock=time.time,
        )
        self._queue = StudyQueue(self._controller.work)
        rounds = Rounds(
            bucket=self._bucket,
            memory=self._memory,
            views=self._views,
            facts=self._facts,
            changed=self._changed,
        )
        self._summary = SummaryLoop(rounds, seconds=settings.summary_seconds, clock=time.time)
        self._leaving = LeavingLoop(rounds, clock=time.monotonic)
        self._sweep = Sweep(
            bucket=self._bucket,
            memory=self._memory,
            own_namespace=settings.own_namespace,
            watched=settings.namespaces,
            after_seconds=settings.sweep_after_seconds,
            clock=time.monotonic,
        )
        self._leads = False
        self._serving = False

    async def run(self) -> None:
        """Runs until it is told to end. Raises once something that it rests on is lost."""
        health = Health(
            alive=lambda: not self._leads or self._pulse.is_alive,
            ready=lambda: not self._leads or self._serving,
            metrics=self._metrics.render,
        )
        ports = (self._settings.health_port, self._settings.metrics_port)
        servers = await serve(health, ports=ports)
        try:
            await self._lease.acquire()
            _logger.info("leading as %s", self._settings.identity)
            self._leads = True
            self._metrics.lead(True)
            await self._lead()
        finally:
            self._leads = False
            await asyncio.shield(self._queue.close())
            await asyncio.shield(self._lease.release())
            for server in servers:
                server.close()

    async def _lead(self) -> None:
        holding = asyncio.create_task(self._hold(), name="lease")
        try:
            await self._relist()
            self._serving = True
            await self._until_first(
                holding,
                self._watch(),
                self._resync(),
                self._summary.run(),
                self._leaving.run(),
                self._sweep.run(),
                self._types.run(),
            )
        finally:
            holding.cancel()

    async def _until_first(self, holding: asyncio.Task[None], *others: Awaitable[None]) -> None:
        """Whichever ends first ends all: a restart is a tested path, half an operator is not."""
        tasks = [holding, *(asyncio.ensure_future(one) for one in others)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _hold(self) -> None:
        await self._lease.hold()
        raise LeaseLost("another process may lead now")

    async def _watch(self) -> None:
        await watch(
            self._memory,
            self._pulse,
            namespaces=self._settings.namespaces,
            login=self._login,
            identity=self._settings.identity,
        )

    async def _resync(self) -> None:
        """Looks at everything now and then, though nothing was heard of."""
        listed = time.monotonic()
        while True:
            for key in self._memory.studies():
                self._queue.mark(key)
            self._types.mark()
            await asyncio.sleep(self._settings.resync_seconds)
            if time.monotonic() - listed < self._settings.relist_seconds:
                continue
            listed = time.monotonic()
            try:
                await self._relist()
            except ApiError as error:
                _logger.warning("listing failed: %s", error)

    async def _relist(self) -> None:
        self._memory.doubt_children()
        self._facts.doubt_accounts()
        for kind in ("Node", "InstanceType"):
            items, version = await self._api.list(kind)
            self._memory.relist(kind, items, version=version)
        for kind, selector in _NAMESPACED:
            items, version = await self._list(kind, selector)
            self._memory.relist(kind, items, version=version)
            if kind == "TuningStudy" and items:
                self._pulse.sent(max(version_of(one) for one in items))
        self._views.prune()
        self._metrics.keep_only(set(self._memory.studies()))

    async def _list(self, kind: str, selector: str) -> tuple[list[Object], int]:
        if not self._settings.namespaces:
            return await self._api.list(kind, selector=selector)
        items: list[Object] = []
        versions = []
        for namespace in self._settings.namespaces:
            found, version = await self._api.list(kind, namespace=namespace, selector=selector)
            items += found
            versions.append(version)
        return items, min(versions)

    def _changed(self, key: StudyKey) -> None:
        if not self._serving:
            return
        self._views.touch(key)
        study = self._memory.get("TuningStudy", *key)
        if study is None:
            self._metrics.forget(*key)
        elif self._facts.log_of(key, uid=study["metadata"]["uid"]) is None:
            self._summary.hurry(key)
        self._queue.mark(key)

    def _types_changed(self) -> None:
        if not self._serving:
            return
        self._types.mark()
        for key in self._memory.studies():
            self._queue.mark(key)

    def _wrote(self, obj: Object) -> None:
        if obj["kind"] == "TuningStudy":
            self._pulse.sent(version_of(obj))
        if obj["kind"] == "TuningTrial":
            self._types.mark()
            if (obj.get("status") or {}).get("completionTime"):
                self._summary.hurry((obj["metadata"]["namespace"], obj["spec"]["study"]))

    def _uid_of(self, key: StudyKey) -> str | None:
        study = self._memory.get("TuningStudy", *key)
        return None if study is None else str(study["metadata"]["uid"])
