"""A store in memory that fails as told, on a clock that stands still."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pytest

from tuner.artifacts import ObjectInfo, validate_key
from tuner.errors import ObjectMissing, ObjectTooLarge, StoreUnreachable


@dataclass
class FakeTime:
    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class FaultyStore:
    """An ArtifactStore in memory.

    `faults` is asked before every put with its number, from 1, and says what becomes of it:
    `ok`, `refuse` (not done, an error), `drop` (done, but the answer is lost).
    """

    time: FakeTime
    skew: float = 0.0
    faults: Callable[[int], str] = lambda number: "ok"
    before_put: Callable[[], None] = lambda: None
    objects: dict[str, bytes] = field(default_factory=dict)
    puts: int = 0
    gets: int = 0
    lists: int = 0

    def put(self, key: str, data: bytes | BinaryIO, *, size_bytes: int | None = None) -> None:
        self.puts += 1
        fault = self.faults(self.puts)
        self.before_put()
        if fault != "refuse":
            self.objects[validate_key(key)] = data if isinstance(data, bytes) else data.read()
        if fault != "ok":
            raise StoreUnreachable(f"{fault} put {self.puts}")

    def get(self, key: str, *, max_bytes: int) -> bytes:
        self.gets += 1
        if key not in self.objects:
            raise ObjectMissing(key)
        if len(self.objects[key]) > max_bytes:
            raise ObjectTooLarge(key)
        return self.objects[key]

    def download(self, key: str, path: Path, *, max_bytes: int) -> None:
        path.write_bytes(self.get(key, max_bytes=max_bytes))

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ObjectInfo]:
        self.lists += 1
        for key in sorted(self.objects):
            if key.startswith(prefix) and key > start_after:
                yield ObjectInfo(key, len(self.objects[key]), self.time.now)

    def folders(self, prefix: str) -> Iterator[str]:
        below = (key.removeprefix(prefix) for key in self.objects if key.startswith(prefix))
        yield from sorted({name.partition("/")[0] for name in below if "/" in name})

    def stat(self, key: str) -> ObjectInfo | None:
        if key not in self.objects:
            return None
        return ObjectInfo(key, len(self.objects[key]), self.time.now)

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)

    def now(self) -> float:
        return self.time.now + self.skew


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def store(fake_time: FakeTime) -> FaultyStore:
    return FaultyStore(fake_time)


@pytest.fixture
def make_store() -> Callable[..., FaultyStore]:
    """For tests that need several views of one store: give them one `objects`."""
    return FaultyStore


@pytest.fixture
def make_time() -> type[FakeTime]:
    return FakeTime
