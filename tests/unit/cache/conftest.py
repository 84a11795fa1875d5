"""A store in a folder that can be told to fail, and facts of a stage."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tuner.artifacts import FolderStore
from tuner.cache import StageFacts
from tuner.errors import StoreUnreachable


class CrashingStore(FolderStore):
    """Fails its n-th mutating request and all after it, as for a process that was killed."""

    def __init__(self, root: Path, *, crash_at: int = 0, after: bool = False) -> None:
        super().__init__(root)
        self.mutations = 0
        self.crash_at = crash_at
        self.after = after

    def put(self, key: str, data: Any, *, size_bytes: int | None = None) -> None:
        self._mutate(lambda: FolderStore.put(self, key, data, size_bytes=size_bytes))

    def delete(self, keys: Any) -> None:
        self._mutate(lambda: FolderStore.delete(self, keys))

    def _mutate(self, action: Callable[[], None]) -> None:
        self.mutations += 1
        if not self.crash_at or self.mutations < self.crash_at:
            action()
            return
        if self.after and self.mutations == self.crash_at:
            action()
        raise StoreUnreachable(f"crash at mutation {self.mutations}")


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[..., CrashingStore]:
    return lambda **options: CrashingStore(tmp_path / "store", **options)


@pytest.fixture
def store(make_store: Callable[..., CrashingStore]) -> CrashingStore:
    return make_store()


@pytest.fixture
def make_facts() -> Callable[..., StageFacts]:
    def make(**changes: Any) -> StageFacts:
        facts: dict[str, Any] = {
            "stage": "train",
            "study": "digits",
            "trial": "digits-0-1",
            "first_run_seconds": 12.5,
            "instance_type": "cpu-small",
            "price_per_hour": 0.25,
        }
        return StageFacts(**(facts | changes))

    return make


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "output"
    (folder / "sub").mkdir(parents=True)
    (folder / "model.bin").write_bytes(bytes(range(256)) * 40)
    (folder / "sub" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "sub" / "run.sh").chmod(0o755)
    (folder / "sub" / "best").symlink_to("../model.bin")
    return folder
