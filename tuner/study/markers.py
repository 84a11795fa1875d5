"""Small objects beside a study's log: a worker has nothing left to propose; a local study ended."""

from __future__ import annotations

import json
from dataclasses import asdict

from tuner.artifacts import ArtifactStore
from tuner.errors import ObjectCorrupt, ObjectMissing
from tuner.study.ends import End

MAX_BYTES = 65_536


def mark_exhausted(store: ArtifactStore, prefix: str, *, worker: int) -> None:
    """Says that this worker's searcher has nothing left to propose."""
    store.put(f"{prefix}/exhausted/{worker}.json", b'{"v":1}')


def exhausted_workers(store: ArtifactStore, prefix: str) -> frozenset[int]:
    """The workers that said so."""
    folder = f"{prefix}/exhausted/"
    names = (info.key.removeprefix(folder).removesuffix(".json") for info in store.list(folder))
    return frozenset(int(name) for name in names if name.isdigit())


def mark_idle(store: ArtifactStore, prefix: str, *, worker: int, trials: int) -> None:
    """Says that with so many proposed trials this worker finds none to propose or to promote."""
    store.put(f"{prefix}/idle/{worker}.json", json.dumps({"v": 1, "trials": trials}).encode())


def idle_workers(store: ArtifactStore, prefix: str) -> dict[int, int]:
    """The workers that said so, and with how many trials. Raises ObjectCorrupt."""
    folder = f"{prefix}/idle/"
    said: dict[int, int] = {}
    for key in [info.key for info in store.list(folder)]:
        name = key.removeprefix(folder).removesuffix(".json")
        if name.isdigit():
            said[int(name)] = _trials(store, key)
    return said


def _trials(store: ArtifactStore, key: str) -> int:
    try:
        return int(json.loads(store.get(key, max_bytes=MAX_BYTES))["trials"])
    except (ValueError, KeyError, TypeError) as error:
        raise ObjectCorrupt(f"{key}: {error!r}") from error


def put_end(store: ArtifactStore, prefix: str, *, end: End) -> None:
    """Writes down how a study of `tuner run` ended; on a cluster its status says so."""
    store.put(f"{prefix}/end.json", json.dumps({"v": 1, **asdict(end)}).encode())


def clear_end(store: ArtifactStore, prefix: str) -> None:
    """The study goes on after all."""
    store.delete([f"{prefix}/end.json"])


def get_end(store: ArtifactStore, prefix: str) -> End | None:
    """How the study ended, or None while it has not. Raises ObjectCorrupt."""
    key = f"{prefix}/end.json"
    try:
        body = json.loads(store.get(key, max_bytes=MAX_BYTES))
        return End(
            reason=str(body["reason"]),
            message=str(body["message"]),
            succeeded=bool(body["succeeded"]),
            stop=bool(body["stop"]),
        )
    except ObjectMissing:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ObjectCorrupt(f"{key}: {error!r}") from error
