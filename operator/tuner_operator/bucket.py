"""The edge to the object store: a store for each namespace, a book for each study's log."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass

from tuner.artifacts import (
    ArtifactStore,
    Credentials,
    FolderSettings,
    decode_settings,
    open_store,
)
from tuner.errors import BucketMissing, StoreDenied, StoreError, StoreUnreachable
from tuner.spec import conditions as words
from tuner_operator.actions import AccountOf, Ask, LastSign, WriteVerdict
from tuner_operator.book import StudyBook
from tuner_operator.client import Api, ApiError, NotFound
from tuner_operator.facts import Facts
from tuner_operator.memory import StudyKey
from tuner_operator.names import ALLOW_TRIALS, cache_prefix, labels_of
from tuner_operator.observed import StoreView
from tuner_operator.settings import Settings


class SecretMissing(StoreError):
    """The Secret with the credentials does not exist, or lacks a key."""


@dataclass(frozen=True, slots=True)
class _Fixed:
    """Credentials as they were when the Secret was read."""

    value: Credentials

    def credentials(self) -> Credentials:
        """Gives them."""
        return self.value


class Bucket:
    """Opens stores and books, and says how the stores answer.

    Args:
        api: Where the Secrets are read.
        settings: Of the installation.
        facts: Takes in what is found out.
        uid_of: The uid of a study that exists.
        changed: Called with a study about which something was found out.
    """

    def __init__(
        self,
        api: Api,
        *,
        settings: Settings,
        facts: Facts,
        uid_of: Callable[[StudyKey], str | None],
        changed: Callable[[StudyKey], None],
    ) -> None:
        self._api = api
        self._settings = settings
        self._store_settings = decode_settings(settings.store)
        self._facts = facts
        self._uid_of = uid_of
        self._changed = changed
        self._stores: dict[str, tuple[Credentials | None, ArtifactStore]] = {}
        self._books: dict[StudyKey, StudyBook] = {}

    async def store(self, namespace: str) -> ArtifactStore:
        """The store with a namespace's credentials. Raises StoreError."""
        if isinstance(self._store_settings, FolderSettings):
            credentials = None
        else:
            credentials = await self._credentials(namespace)
        known = self._stores.get(namespace)
        if known is None or known[0] != credentials:
            provider = None if credentials is None else _Fixed(credentials)
            known = (credentials, open_store(self._store_settings, credentials=provider))
            self._stores[namespace] = known
        return known[1]

    async def check(self, namespace: str) -> StoreView:
        """Asks the store, and keeps how it answered."""
        try:
            store = await self.store(namespace)
            await asyncio.to_thread(store.stat, f"{cache_prefix(namespace)}/none")
            await asyncio.to_thread(lambda: next(iter(store.list("studies/none/")), None))
            view = StoreView(reachable=True)
        except StoreError as error:
            view = self.failed(error)
        self._facts.stores[namespace] = view
        return view

    def failed(self, error: StoreError) -> StoreView:
        """What an error of the store says, and what to do about it."""
        secret = self._settings.store_secret
        if isinstance(error, SecretMissing):
            reason, todo = words.STORE_SECRET_MISSING, f"create the Secret {secret} in it"
        elif isinstance(error, BucketMissing):
            reason, todo = words.BUCKET_MISSING, "create the bucket"
        elif isinstance(error, StoreDenied):
            reason, todo = words.STORE_DENIED, f"mend the Secret {secret} or its permissions"
        else:
            reason, todo = words.STORE_UNREACHABLE, "it is tried again by itself"
        return StoreView(reachable=False, reason=reason, message=f"{error}; {todo}")

    async def book(self, key: StudyKey) -> StudyBook | None:
        """The book of a study that exists. Raises StoreError."""
        uid = self._uid_of(key)
        if uid is None:
            self._books.pop(key, None)
            return None
        store = await self.store(key[0])
        known = self._books.get(key)
        if known is None or known.uid != uid:
            known = StudyBook(store, key=key, uid=uid)
            self._books[key] = known
        known.use(store)
        return known

    def opened(self, key: StudyKey, *, uid: str) -> StudyBook | None:
        """The book of a study if it is open already: nothing is asked for it."""
        known = self._books.get(key)
        return known if known is not None and known.uid == uid else None

    async def write_verdict(self, key: StudyKey, action: WriteVerdict) -> None:
        """Writes a verdict; a store that fails is told in the study's conditions."""
        try:
            book = await self.book(key)
            if book is not None:
                await book.write_verdict(action)
        except StoreError as error:
            self._facts.stores[key[0]] = self.failed(error)
            self._changed(key)
            raise

    async def answer(self, key: StudyKey, action: Ask) -> None:
        """Looks something up and keeps the answer."""
        question = action.question
        if isinstance(question, AccountOf):
            self._facts.answers[key][question] = await self._may_be_used(key[0], question.name)
            self._changed(key)
            return
        book = await self.book(key)
        if book is None:
            return
        if isinstance(question, LastSign):
            answer: object = await book.last_sign(question)
        else:
            answer = await book.artifacts(question)
        self._facts.answers[key][question] = answer
        self._changed(key)

    async def _may_be_used(self, namespace: str, name: str) -> bool:
        try:
            account = await self._api.get("ServiceAccount", name=name, namespace=namespace)
        except NotFound:
            return False
        return labels_of(account).get(ALLOW_TRIALS) == "true"

    async def _credentials(self, namespace: str) -> Credentials:
        name = self._settings.store_secret
        try:
            secret = await self._api.get("Secret", name=name, namespace=namespace)
        except NotFound as error:
            raise SecretMissing(f"namespace {namespace} has no Secret {name}") from error
        except ApiError as error:
            raise StoreUnreachable(f"the Secret {name} cannot be read: {error}") from error
        try:
            data = {
                key: base64.b64decode(text).decode().strip()
                for key, text in (secret.get("data") or {}).items()
                if key in ("accessKey", "secretKey", "sessionToken")
            }
            return Credentials(
                data["accessKey"], data["secretKey"], data.get("sessionToken") or None
            )
        except (KeyError, ValueError, binascii.Error) as error:
            raise SecretMissing(
                f"the Secret {name} of namespace {namespace} needs the keys accessKey and secretKey"
            ) from error
