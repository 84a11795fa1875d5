"""The study log, the stage cache and the checkpoints over every store."""

import hashlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tuner.artifacts import ArtifactStore, FolderSettings, encode_settings, open_store
from tuner.cache import CheckpointStore, Hit, Miss, MissReason, StageCache, StageFacts
from tuner.log import (
    Kind,
    RungEntry,
    StoredDecision,
    StudyLog,
    namespaces,
    studies,
    study_prefix,
)

PREFIX = study_prefix("ns", "digits", uid="0b5e")
KEY = hashlib.sha256(b"stage").hexdigest()
FACTS = StageFacts(
    stage="train",
    study="digits",
    trial="digits-0-1",
    first_run_seconds=2.5,
    instance_type="cpu",
    price_per_hour=0.1,
    components={"image": "x", "parameter lr": "0.1"},
)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    folder = tmp_path / "output"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "model.bin").write_bytes(bytes(range(256)) * (40 << 10))
    (folder / "deep" / "er" / "note").write_text("kept")
    (folder / "best").symlink_to("deep/er/note")
    return folder


def test_a_study_from_beginning_to_end(store: ArtifactStore) -> None:
    log = StudyLog(store, PREFIX)
    log.put_marker({"uid": "0b5e"})
    reader = log.reader()
    for number in range(12):
        trial = f"digits-0-{number}"
        log.append(Kind.PROPOSED, trial=trial, attempt=0, body={"parameters": {"lr": 0.1}})
        log.put_heartbeat(trial, attempt=1)
        log.put_rung(0, 9.0, trial=trial, attempt=1, vector=(0.5 + number, -1.0))
        decision = StoredDecision(verb="Continue", rank=1, of=number + 1, reason="best")
        log.put_decision(0, 9.0, trial=trial, decision=decision)
        log.append(Kind.RESULT, trial=trial, attempt=1, body={"outcome": "Completed"})
        assert [record.kind for record in reader.read()] == [Kind.PROPOSED, Kind.RESULT]
        assert log.get_decision(0, 9.0, trial=trial) == decision
    assert reader.read() == []
    assert len(log.read_all()) == 24
    assert RungEntry("digits-0-3", 1, (3.5, -1.0)) in log.list_rung(0, 9.0)
    assert len(log.list_rung(0, 9.0)) == 12
    assert log.list_rung(0, 27.0) == []
    assert log.get_heartbeat("digits-0-3") is not None
    assert namespaces(store) == ["ns"]
    assert [entry.prefix for entry in studies(store, "ns")] == [PREFIX]


def test_of_simultaneous_arrivals_at_a_rung_the_last_sees_all(store: ArtifactStore) -> None:
    seen: dict[int, set[str]] = {}
    barrier = threading.Barrier(5)

    def arrive(number: int) -> None:
        log = StudyLog(store, PREFIX)
        barrier.wait()
        log.put_rung(0, 3.0, trial=f"digits-{number}-0", attempt=1, vector=(float(number),))
        seen[number] = {entry.trial for entry in log.list_rung(0, 3.0)}

    threads = [threading.Thread(target=arrive, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) == set(range(5))
    for one in seen:
        assert f"digits-{one}-0" in seen[one]
        for other in seen:
            assert f"digits-{other}-0" in seen[one] or f"digits-{one}-0" in seen[other]


def test_an_artifact_comes_back(store: ArtifactStore, output: Path, tmp_path: Path) -> None:
    cache = StageCache(store, "cache/ns", scratch=tmp_path)
    assert cache.lookup(KEY) == Miss(reason=MissReason.NEVER_STORED)
    manifest = cache.store(KEY, output, facts=FACTS)
    found = cache.lookup(KEY)
    assert found == Hit(manifest=manifest)
    assert cache.restore(found, tmp_path / "restored") is None
    for name in ("model.bin", "deep/er/note", "best"):
        assert (tmp_path / "restored" / name).read_bytes() == (output / name).read_bytes()
    store.put(f"cache/ns/blobs/{manifest.digest}.tar", b"\0" * manifest.size_bytes)
    missed = cache.restore(found, tmp_path / "again")
    assert missed == Miss(reason=MissReason.CHECKSUM_DIFFERS)
    assert cache.lookup(KEY) == Miss(reason=MissReason.OBJECT_MISSING)
    other = hashlib.sha256(b"other").hexdigest()
    components = {**FACTS.components, "parameter lr": "0.2"}
    assert "parameter lr" in str(cache.lookup(other, stage="train", components=components))


def test_concurrent_writers_of_one_key(store: ArtifactStore, tmp_path: Path) -> None:
    def write(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "out").write_bytes(str(number % 2).encode() * 1000)
        StageCache(store, "cache/ns", scratch=tmp_path).store(KEY, folder, facts=FACTS)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cache = StageCache(store, "cache/ns", scratch=tmp_path)
    found = cache.lookup(KEY)
    assert isinstance(found, Hit)
    assert cache.restore(found, tmp_path / "restored") is None
    assert len(list(store.list("cache/ns/blobs/"))) == 2


def test_checkpoints(store: ArtifactStore, output: Path, tmp_path: Path) -> None:
    checkpoints = CheckpointStore(store, PREFIX, scratch=tmp_path)
    for sequence in range(4):
        (output / "step").write_text(str(sequence))
        checkpoints.save(
            "digits-0-1", "train", attempt=1, sequence=sequence, folder=output, fidelity=1.0
        )
    restored = checkpoints.restore("digits-0-1", "train", folder=tmp_path / "restored")
    assert restored == checkpoints.latest("digits-0-1", "train")
    assert (tmp_path / "restored" / "step").read_text() == "3"
    assert len(list(store.list(f"{PREFIX}/checkpoints/"))) == 4


MEMORY = """
import os, sys
from pathlib import Path
from tuner.artifacts import decode_settings, open_store
from tuner.cache import StageCache, StageFacts
from tuner.log import StudyLog
settings, folder = sys.argv[1:]
cache = StageCache(open_store(decode_settings(settings)), "cache/ns", scratch=Path(folder).parent)
facts = StageFacts(stage="s", study="s", trial="t", first_run_seconds=1.0, instance_type="i",
                   price_per_hour=1.0)
cache.store("0" * 64, Path(folder), facts=facts)
assert cache.restore(cache.lookup("0" * 64), Path(folder + "-restored")) is None
loaded = {"numpy", "pydantic", "torch"} & set(sys.modules)
assert not loaded, loaded
status = Path("/proc/self/status").read_text()
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_an_agent_with_a_large_artifact_stays_small(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, credentials
) -> None:
    settings = FolderSettings(folder=str(tmp_path / "store"))
    if kind == "s3":
        settings = request.getfixturevalue("minio_server").new_bucket()
    open_store(settings, credentials=credentials())
    (tmp_path / "output").mkdir()
    with (tmp_path / "output" / "model").open("wb") as file:
        file.truncate(80 << 20)
    for number in range(3000):
        (tmp_path / "output" / f"{number}").write_bytes(b"x")
    keys = credentials()
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, encode_settings(settings), str(tmp_path / "output")],
        env={
            "PYTHONPATH": ":".join(sys.path),
            "TUNER_STORE_ACCESS_KEY": keys.access_key,
            "TUNER_STORE_SECRET_KEY": keys.secret_key,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 64 << 10
