"""Small objects beside a study's log: a worker has nothing left to propose; a local study ended."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from tuner.artifacts import ArtifactStore
from tuner.errors import ObjectCorrupt, ObjectMissing
from tuner.study.ends import End

MAX_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What workers have said of having nothing left to do.

    Attributes:
        exhausted: Workers with nothing left to propose.
        idle: (worker, trials): with so many proposed trials it found none to promote either.
    """

    exhausted: frozenset[int] = frozenset()
    idle: frozenset[tuple[int, int]] = frozenset()

    def idle_with(self, trials: int) -> int:
        """How many workers are idle while there are so many trials."""
        return sum(known == trials for _, known in self.idle)


def mark_exhausted(store: ArtifactStore, prefix: str, *, worker: int) -> None:
    """Says that this worker's searcher has nothing left to propose."""
    store.put(f"{prefix}/exhausted/{worker}.json", b'{"v":1}')


def mark_idle(store: ArtifactStore, prefix: str, *, worker: int, trials: int) -> None:
    """Says that with so many proposed trials this worker finds none to propose or to promote."""
    store.put(f"{prefix}/exhausted/{worker}.{trials}.json", b'{"v":1}')


def done_workers(store: ArtifactStore, prefix: str) -> Done:
    """What all of them said; one LIST."""
    folder = f"{prefix}/exhausted/"
    names = (info.key.removeprefix(folder).removesuffix(".json") for info in store.list(folder))
    found = [name.split(".") for name in names]
    said = [tuple(map(int, parts)) for parts in found if all(one.isdigit() for one in parts)]
    return Done(
        exhausted=frozenset(one[0] for one in said if len(one) == 1),
        idle=frozenset((one[0], one[1]) for one in said if len(one) == 2),
    )


def exhausted_workers(store: ArtifactStore, prefix: str) -> frozenset[int]:
    """The workers with nothing left to propose."""
    return done_workers(store, prefix).exhausted


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
