"""Binds everything: memory and facts -> reconcile -> actions carried out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence

from tuner.errors import NotSupported, StoreError
from tuner_operator.actions import Action, Chain, Create, WriteStatus
from tuner_operator.client import ApiError, Conflict, Forbidden, NotFound
from tuner_operator.client.apply import Applier
from tuner_operator.facts import Facts
from tuner_operator.memory import Memory, StudyKey
from tuner_operator.metrics import Metrics
from tuner_operator.names import Object
from tuner_operator.node_facts import is_ready
from tuner_operator.observed import Observed, StoreView, StudyView
from tuner_operator.reconcile import reconcile
from tuner_operator.settings import Settings
from tuner_operator.views import Views

AT_ONCE = 16
"""Chains of one study that are carried out side by side."""

_logger = logging.getLogger(__name__)


class Controller:
    """One pass over a study at a time.

    Args:
        memory: What the API server said.
        views: Its views.
        facts: What else is known.
        applier: Carries actions out.
        settings: Of the installation.
        metrics: Takes over the statuses.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        *,
        memory: Memory,
        views: Views,
        facts: Facts,
        applier: Applier,
        settings: Settings,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._memory = memory
        self._views = views
        self._facts = facts
        self._applier = applier
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._reserved: dict[StudyKey, Counter[str]] = {}
        self._turn = asyncio.Lock()

    def observe(self, key: StudyKey) -> Observed | None:
        """All that concerns a study, now; None if there is no such study."""
        study = self._views.study(key)
        if study is None:
            return None
        trials = self._views.trials(key)
        pods = self._views.pods(key, trials=trials)
        for name in pods:
            self._facts.allowed(key[0], name)
        usage = self._views.type_usage(but=key)
        for other, reserved in self._reserved.items():
            if other != key:
                usage += reserved
        nodes = {one["metadata"]["name"]: one for one in self._memory.all("Node")}
        return Observed(
            now=self._clock(),
            study=study,
            settings=self._settings,
            trials=trials,
            pods=pods,
            children=_workers_of(self._views, key, study),
            instance_types=self._views.instance_types(),
            instance_labels={
                one["metadata"]["name"]: one["metadata"].get("labels") or {}
                for one in self._memory.all("InstanceType")
            },
            type_usage=usage,
            type_use=self._views.type_use(),
            type_status=self._views.type_status(),
            nodes={name: one["metadata"].get("labels") or {} for name, one in nodes.items()},
            nodes_ready=frozenset(name for name, one in nodes.items() if is_ready(one)),
            store=self._facts.stores.get(key[0], StoreView()),
            log=self._facts.log_of(key, uid=study.ref.uid),
            answers=self._facts.answers[key],
            refused=self._facts.refused_in(key[0]),
        )

    async def work(self, key: StudyKey) -> bool:
        """One pass; whether everything succeeded."""
        started = time.monotonic()
        async with self._turn:
            # However many studies are due: between two of them lease and watches have their turn.
            await asyncio.sleep(0)
            observed = self.observe(key)
            if observed is None:
                self._metrics.forget(*key)
                return True
            chains = reconcile(observed)
            # Until the watch shows them, types taken here count for the passes of other studies.
            self._reserved[key] = _types_taken(chains)
        try:
            fine = await self._carry_out(key, chains)
        finally:
            self._reserved.pop(key, None)
        study = self._views.study(key)
        if study is not None:
            self._metrics.observe(*key, status=study.status)
        self._metrics.reconcile_seconds.observe(time.monotonic() - started)
        if not fine:
            self._metrics.reconcile_failures.inc()
        return fine

    async def _carry_out(self, key: StudyKey, chains: Sequence[Chain]) -> bool:
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(chain: Chain) -> bool:
            async with slots:
                return await self._run(key, chain)

        return all(await asyncio.gather(*(one(chain) for chain in chains)))

    async def _run(self, key: StudyKey, chain: Chain) -> bool:
        try:
            await self._applier.run(key, chain)
        except (Conflict, NotFound) as error:
            # Memory has been put right; the next pass decides anew.
            _logger.debug("%s/%s %s: %s", *key, chain.subject, error)
            return False
        except Forbidden as error:
            _logger.warning("%s/%s %s: %s", *key, chain.subject, error)
            return not isinstance(chain.actions[0], Create)
        except (ApiError, StoreError, NotSupported) as error:
            _logger.warning("%s/%s %s: %s", *key, chain.subject, error)
            return False
        return True


def _workers_of(views: Views, key: StudyKey, study: StudyView) -> dict[tuple[str, str], Object]:
    """The study's direct children; trial pods belong to their trials."""
    return views.children(key, uid=study.ref.uid)


def _types_taken(chains: Sequence[Chain]) -> Counter[str]:
    taken: Counter[str] = Counter()
    for chain in chains:
        for action in chain.actions:
            taken.update(_type_of(action))
    return taken


def _type_of(action: Action) -> list[str]:
    if not isinstance(action, WriteStatus) or action.ref.kind != "TuningTrial":
        return []
    status = action.status
    segments = getattr(status, "segments", None) or ()
    return [
        one.instance_type
        for one in segments
        if one.attempt == getattr(status, "attempts", 0)
        and one.end_time is None
        and one.pod is None
    ]
