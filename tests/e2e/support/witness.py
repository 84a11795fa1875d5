"""Who watched: the pods of a namespace as the API told of them, and the objects of its logs."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import Counter
from typing import Self

from bucket import Bucket
from evidence import Life, Pod
from kube import Kube, Object
from kubernetes import client, watch
from minio.error import MinioException
from urllib3.exceptions import HTTPError

_TURN_SECONDS = 5
_LOOK_SECONDS = 2.0


class Watcher(ABC):
    """Looks again and again in a thread of its own, for as long as its context lasts.

    An error of the network ends one look, not the watching: what is watched is being killed.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
            except (client.ApiException, MinioException, HTTPError, OSError):
                self._stop.wait(0.5)

    @abstractmethod
    def look(self) -> None:
        """Sees what there is to be seen, for some seconds."""


class PodDiary(Watcher):
    """Every trial pod of a namespace, the last moment of those included that are gone.

    Args:
        kube: The cluster.
        namespace: Whose pods.
        limits: How many trial pods of each study may live at once.

    Attributes:
        crowded: What was against the rules at some moment, as sentences.
    """

    def __init__(self, kube: Kube, *, namespace: str, limits: dict[str, int]) -> None:
        super().__init__()
        self._api = client.CoreV1Api(kube.client)
        self._namespace, self._limits = namespace, limits
        self._lives: dict[str, Life] = {}
        self._version = "0"
        self.crowded: list[str] = []

    def lives_of(self, study: str) -> list[Life]:
        """The pods of a study so far, in the order in which they came."""
        return [one for one in tuple(self._lives.values()) if one.pod.study == study]

    def look(self) -> None:
        """Reads the watch where it was left."""
        stream = watch.Watch().stream(
            self._api.list_namespaced_pod,
            self._namespace,
            label_selector="tuner.dev/role=trial",
            resource_version=self._version,
            timeout_seconds=_TURN_SECONDS,
        )
        for event in stream:
            pod: Object = event["raw_object"]
            self._version = pod["metadata"]["resourceVersion"]
            self._note(pod, gone=event["type"] == "DELETED")

    def _note(self, pod: Object, *, gone: bool) -> None:
        life = Life(Pod.read(pod), gone=gone)
        self._lives[life.pod.uid] = life
        study = life.pod.study
        live = [one.pod for one in self.lives_of(study) if one.lives]
        if len(live) > self._limits[study]:
            self.crowded.append(f"too many at once: {[one.name for one in live]}")
        several = Counter(one.trial for one in live)
        self.crowded += [f"{name} had {n} live pods" for name, n in several.items() if n > 1]


class LogWitness(Watcher):
    """Every object that was ever seen in the logs of a namespace: acknowledged, so there for ever.

    Args:
        bucket: Where the logs are.
        namespace: Whose studies.

    Attributes:
        seen: The objects by key, as they were when they were new.
    """

    def __init__(self, bucket: Bucket, *, namespace: str) -> None:
        super().__init__()
        self._bucket, self._prefix = bucket, f"studies/{namespace}/"
        self.seen: dict[str, bytes] = {}

    def look(self) -> None:
        """Reads what is new, and waits a while."""
        for key in self._bucket.keys(self._prefix):
            if "/log/" in key and key not in self.seen:
                self.seen[key] = self._bucket.read(key)
        self._stop.wait(_LOOK_SECONDS)
