"""Carries actions out, each of them as often as need be, and takes the answers into memory."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from pydantic import ValidationError

from tuner_operator.actions import (
    Action,
    Annotate,
    Ask,
    Chain,
    ConfirmGone,
    Create,
    Delete,
    Forget,
    Ref,
    Release,
    Replace,
    Tell,
    WriteStatus,
    WriteVerdict,
)
from tuner_operator.client.api import Api
from tuner_operator.client.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
)
from tuner_operator.client.patches import merge_patch
from tuner_operator.memory import Memory, StudyKey, same_owner
from tuner_operator.names import HOLD, Object

_logger = logging.getLogger(__name__)


class Book(Protocol):
    """The store, as far as actions need it."""

    async def write_verdict(self, key: StudyKey, action: WriteVerdict) -> None:
        """Writes a verdict to the study's log. Raises StoreError."""

    async def answer(self, key: StudyKey, action: Ask) -> None:
        """Looks something up and keeps the answer. Raises StoreError."""


class Applier:
    """Carries out chains of actions.

    Args:
        api: Where to.
        memory: Takes in every answer.
        book: The store.
        refuse: Told of pods that the API server forbids, and why.
        tell: Publishes events.
        wrote: Told of every status that was written.
    """

    def __init__(
        self,
        api: Api,
        *,
        memory: Memory,
        book: Book,
        refuse: Callable[[str, str, str], None],
        tell: Callable[[Tell], Awaitable[None]],
        wrote: Callable[[Object], None],
    ) -> None:
        self._api = api
        self._memory = memory
        self._book = book
        self._refuse = refuse
        self._tell = tell
        self._wrote = wrote

    async def run(self, key: StudyKey, chain: Chain) -> None:
        """Carries out a chain; the first action that fails raises and ends it."""
        for action in chain.actions:
            await self._do(key, action)

    async def _do(self, key: StudyKey, action: Action) -> None:
        match action:
            case Create(manifest=manifest):
                await self._create(manifest)
            case WriteStatus(ref=ref, status=status):
                await self._write_status(ref, status)
            case Delete(ref=ref, grace_seconds=grace):
                await self._delete(ref, grace)
            case ConfirmGone(ref=ref):
                await self._confirm_gone(ref)
            case Annotate(ref=ref, annotations=annotations):
                await self._patch(ref, {"metadata": {"annotations": dict(annotations)}})
            case Release(ref=ref, deadline_seconds=seconds):
                await self._patch(ref, _released(seconds))
            case Replace(ref=ref, manifest=manifest):
                await self._patch(ref, {"data": manifest["data"]})
            case WriteVerdict():
                await self._book.write_verdict(key, action)
            case Ask():
                await self._book.answer(key, action)
            case Tell():
                await self._tell(action)
            case Forget(ref=ref):
                self._memory.forget(ref)

    async def _create(self, manifest: Any) -> None:
        kind, meta = manifest["kind"], manifest["metadata"]
        name, namespace = meta["name"], meta.get("namespace", "")
        try:
            self._memory.put(await self._api.create(manifest))
            _logger.info("created %s %s/%s", kind, namespace, name)
        except AlreadyExists:
            there = await self._api.get(kind, name=name, namespace=namespace)
            self._memory.put(there)
            if not same_owner(there, manifest):
                raise Conflict(f"{kind} {name} belongs to something else") from None
        except (Forbidden, Invalid) as error:
            if kind != "Pod":
                raise
            self._refuse(namespace, name, str(error))

    async def _write_status(self, ref: Ref, status: Any) -> None:
        try:
            checked = type(status).model_validate(
                status.model_dump(mode="json", by_alias=True, exclude_none=True)
            )
        except ValidationError as error:
            # The API server would refuse it too, again and again.
            raise Invalid(f"status of {ref.kind} {ref.name}: {error}", status=422) from error
        new = checked.model_dump(mode="json", by_alias=True, exclude_none=True)
        known = self._memory.get(ref.kind, ref.namespace, ref.name)
        old = (known or {}).get("status") or {}
        patch = merge_patch(old, new)
        if patch or known is None:
            await self._patch(ref, {"status": patch}, status=True)

    async def _patch(self, ref: Ref, body: dict[str, Any], *, status: bool = False) -> None:
        meta = {**body.get("metadata", {}), "uid": ref.uid}
        if status and ref.version:
            meta["resourceVersion"] = ref.version
        try:
            answer = await self._api.patch(
                ref.kind,
                {**body, "metadata": meta},
                name=ref.name,
                namespace=ref.namespace,
                status=status,
            )
        except Conflict:
            await self._refresh(ref)
            raise
        except NotFound:
            self._lost(ref)
            raise
        self._memory.put(answer)
        self._wrote(answer)

    async def _delete(self, ref: Ref, grace_seconds: int | None) -> None:
        try:
            left = await self._api.delete(
                ref.kind,
                name=ref.name,
                namespace=ref.namespace,
                uid=ref.uid,
                grace_seconds=grace_seconds,
            )
        except NotFound:
            self._lost(ref)
            return
        except Conflict:
            await self._refresh(ref)
            return
        _logger.info("deleted %s %s/%s", ref.kind, ref.namespace, ref.name)
        if left is not None and left["metadata"].get("deletionTimestamp"):
            self._memory.put(left)

    async def _confirm_gone(self, ref: Ref) -> None:
        there = await self._refresh(ref)
        if there is not None and ref.uid in ("", there["metadata"]["uid"]):
            raise Conflict(f"{ref.kind} {ref.name} is still there")

    async def _refresh(self, ref: Ref) -> Object | None:
        try:
            there = await self._api.get(ref.kind, name=ref.name, namespace=ref.namespace)
        except NotFound:
            self._lost(ref)
            return None
        self._memory.put(there)
        return there

    def _lost(self, ref: Ref) -> None:
        known = self._memory.get(ref.kind, ref.namespace, ref.name)
        if known is not None and ref.uid in ("", known["metadata"]["uid"]):
            self._memory.remove(known)


def _released(deadline_seconds: int | None) -> dict[str, Any]:
    body: dict[str, Any] = {"metadata": {"annotations": {HOLD: None}}}
    if deadline_seconds is not None:
        body["spec"] = {"activeDeadlineSeconds": deadline_seconds}
    return body
