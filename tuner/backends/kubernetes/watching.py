"""One watch over a worker's trials, on a thread; the answers of the API server as a dict."""

from __future__ import annotations

import logging
import threading
from typing import Any

import urllib3
from kubernetes import client, watch
from kubernetes.client.exceptions import ApiException

from tuner.backends.kubernetes.connection import GONE, REQUEST_TIMEOUT
from tuner.backends.kubernetes.objects import Object, owned_by
from tuner.spec.meta import GROUP, VERSION

PLURAL = "tuningtrials"
WATCH_SECONDS = 290
SILENCE_SECONDS = 300.0
LONGEST_PAUSE_SECONDS = 30.0
_PAGE = 500

_logger = logging.getLogger(__name__)


class TrialWatch:
    """Keeps the trials that match a label selector; lists again whenever a watch ends badly.

    Args:
        api: A configured client.
        namespace: Where the trials are.
        selector: Label selector.
        uid: Of the study that owns them; others are passed over.
    """

    def __init__(self, api: client.ApiClient, *, namespace: str, selector: str, uid: str) -> None:
        self._objects = client.CustomObjectsApi(api)
        self._namespace = namespace
        self._selector = selector
        self._uid = uid
        self._changed = threading.Condition()
        self._trials: dict[str, Object] = {}
        self._changes: dict[str, Object | None] = {}
        self._synced = False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trial-watch", daemon=True)

    def start(self) -> None:
        """Starts to watch."""
        self._thread.start()

    def close(self) -> None:
        """Stops at the next event; the thread is a daemon."""
        self._closed.set()

    def trials(self, *, timeout_seconds: float) -> dict[str, Object] | None:
        """All trials; None if the first listing has not come within the time."""
        with self._changed:
            self._changed.wait_for(lambda: self._synced, timeout=timeout_seconds)
            return dict(self._trials) if self._synced else None

    def changes(self, *, timeout_seconds: float) -> dict[str, Object | None]:
        """What changed since the last call, waiting for a first change; None = deleted."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._changes), timeout=timeout_seconds)
            changes, self._changes = self._changes, {}
            return changes

    def put(self, item: Object) -> None:
        """Takes in an answer that came another way; an older one is passed over."""
        name = item["metadata"]["name"]
        with self._changed:
            if name not in self._trials:
                self._set(name, item)

    def _run(self) -> None:
        pause = 1.0
        while not self._closed.is_set():
            try:
                self._follow(self._list())
                pause = 1.0
            except (ApiException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                # ValueError: an event that was cut off in its middle is not JSON.
                if isinstance(error, ApiException) and error.status == GONE:
                    continue
                _logger.warning("watching trials failed, again in %.0f s: %s", pause, error)
                self._closed.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _list(self) -> str:
        found: dict[str, Object] = {}
        token = ""
        while True:
            page: Any = self._objects.list_namespaced_custom_object(
                GROUP,
                VERSION,
                self._namespace,
                PLURAL,
                label_selector=self._selector,
                limit=_PAGE,
                _continue=token,
                _request_timeout=REQUEST_TIMEOUT,
            )
            found.update((item["metadata"]["name"], item) for item in page["items"])
            token = page["metadata"].get("continue") or ""
            if not token:
                break
        self._replace(found)
        return str(page["metadata"]["resourceVersion"])

    def _follow(self, version: str) -> None:
        """Watches until the server ends the watch regularly, then again from where it was."""
        while not self._closed.is_set():
            stream = watch.Watch().stream(
                self._objects.list_namespaced_custom_object,
                GROUP,
                VERSION,
                self._namespace,
                PLURAL,
                label_selector=self._selector,
                resource_version=version,
                allow_watch_bookmarks=True,
                timeout_seconds=WATCH_SECONDS,
                _request_timeout=(REQUEST_TIMEOUT[0], SILENCE_SECONDS),
            )
            for event in stream:
                item: Any = event["object"]
                version = item["metadata"].get("resourceVersion") or version
                self._take(str(event["type"]), item)
                if self._closed.is_set():
                    return

    def _take(self, kind: str, item: Object) -> None:
        if kind == "BOOKMARK":
            return
        name = item["metadata"]["name"]
        with self._changed:
            if kind == "DELETED":
                self._remove(name)
            else:
                self._set(name, item)

    def _replace(self, found: dict[str, Object]) -> None:
        with self._changed:
            for name in self._trials.keys() - found.keys():
                self._remove(name)
            for name, item in found.items():
                known = self._trials.get(name)
                if known is None or _version(known) != _version(item):
                    self._set(name, item)
            self._synced = True
            self._changed.notify_all()

    def _set(self, name: str, item: Object) -> None:
        if owned_by(item, uid=self._uid):
            self._trials[name] = item
            self._changes[name] = item
            self._changed.notify_all()

    def _remove(self, name: str) -> None:
        if self._trials.pop(name, None) is not None:
            self._changes[name] = None
            self._changed.notify_all()


def _version(item: Object) -> str:
    return str(item["metadata"].get("resourceVersion"))
