from pathlib import Path

import pytest

from tuner.cache import CheckpointStore
from tuner.errors import ArtifactError, StoreUnreachable

PREFIX = "studies/ns/s.uid"
FOLDER = f"{PREFIX}/checkpoints/s-0-0/train/"


@pytest.fixture
def checkpoints(store) -> CheckpointStore:
    return CheckpointStore(store, PREFIX)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "checkpoint").mkdir()
    return tmp_path / "checkpoint"


def save(checkpoints: CheckpointStore, state: Path, attempt: int, sequence: int) -> None:
    (state / "step").write_text(f"{attempt}-{sequence}")
    checkpoints.save(
        "s-0-0",
        "train",
        attempt=attempt,
        sequence=sequence,
        folder=state,
        fidelity=float(sequence),
        facts={"step": sequence},
    )


def restored(checkpoints: CheckpointStore, folder: Path) -> str | None:
    found = checkpoints.restore("s-0-0", "train", folder=folder)
    return None if found is None else (folder / "step").read_text()


def keys(store) -> list[str]:
    return [info.key.removeprefix(FOLDER) for info in store.list(FOLDER)]


def test_none_at_first(checkpoints, tmp_path: Path) -> None:
    assert checkpoints.latest("s-0-0", "train") is None
    assert restored(checkpoints, tmp_path / "out") is None


def test_the_latest_comes_back(checkpoints, state, tmp_path: Path) -> None:
    for sequence in range(3):
        save(checkpoints, state, 1, sequence)
    latest = checkpoints.latest("s-0-0", "train")
    assert latest is not None
    assert (latest.attempt, latest.sequence, latest.fidelity) == (1, 2, 2.0)
    assert latest.facts == {"step": 2}
    assert restored(checkpoints, tmp_path / "out") == "1-2"


def test_the_last_two_are_kept(checkpoints, store, state) -> None:
    for sequence in range(12):
        save(checkpoints, state, 1, sequence)
    assert keys(store) == [
        f"000001-{sequence:09d}{end}" for sequence in (10, 11) for end in (".json", ".tar")
    ]


def test_a_later_attempt_counts_more(checkpoints, store, state, tmp_path: Path) -> None:
    save(checkpoints, state, 1, 7)
    save(checkpoints, state, 2, 0)
    save(checkpoints, state, 1, 8)  # of a pod that was taken for dead
    save(checkpoints, state, 10, 0)
    assert restored(checkpoints, tmp_path / "out") == "10-0"


def test_other_stages_and_trials_are_left_alone(checkpoints, store, state) -> None:
    for trial, stage in (("s-0-0", "other"), ("s-0-1", "train")):
        checkpoints.save(trial, stage, attempt=1, sequence=0, folder=state, fidelity=0.0)
    for sequence in range(4):
        save(checkpoints, state, 1, sequence)
    assert checkpoints.latest("s-0-0", "other") is not None
    assert checkpoints.latest("s-0-1", "train") is not None
    checkpoints.delete("s-0-0", "train")
    assert keys(store) == []
    assert checkpoints.latest("s-0-0", "other") is not None
    checkpoints.delete("s-0-0")
    assert checkpoints.latest("s-0-0", "other") is None
    assert checkpoints.latest("s-0-1", "train") is not None


@pytest.mark.parametrize("damage", ["corrupt", "truncated", "missing", "facts"])
def test_a_damaged_checkpoint_is_passed_over(
    checkpoints, store, state, tmp_path: Path, damage: str
) -> None:
    save(checkpoints, state, 1, 0)
    save(checkpoints, state, 1, 1)
    tar, facts = (f"{FOLDER}000001-000000001{end}" for end in (".tar", ".json"))
    data = store.get(tar, max_bytes=1 << 20)
    match damage:
        case "corrupt":
            store.put(tar, b"?" + data[1:])
        case "truncated":
            store.put(tar, data[:600])
        case "missing":
            store.delete([tar])
        case "facts":
            store.put(facts, b"{")
    assert restored(checkpoints, tmp_path / "out") == "1-0"


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("crash_at", range(1, 5))
def test_a_writer_that_dies_loses_no_earlier_checkpoint(
    make_store, checkpoints, state, tmp_path: Path, crash_at: int, after: bool
) -> None:
    for sequence in range(2):
        save(checkpoints, state, 1, sequence)
    dying = CheckpointStore(make_store(crash_at=crash_at, after=after), PREFIX)
    with pytest.raises(StoreUnreachable):
        save(dying, state, 1, 2)
    done = crash_at > 2 or (crash_at == 2 and after)
    assert restored(checkpoints, tmp_path / "out") == ("1-2" if done else "1-1")
    for sequence in range(3, 5):
        save(checkpoints, state, 1, sequence)
    assert len(list(make_store().list(FOLDER))) == 4


def test_facts_are_small(checkpoints, state) -> None:
    with pytest.raises(ArtifactError, match="bytes"):
        checkpoints.save(
            "s-0-0", "train", attempt=1, sequence=0, folder=state, fidelity=0.0,
            facts={"x": "y" * 100_000},
        )  # fmt: skip
    assert checkpoints.latest("s-0-0", "train") is None


@pytest.mark.parametrize(
    ("trial", "stage", "attempt", "sequence"),
    [("../x", "train", 1, 0), ("s", "a.b", 1, 0), ("s", "train", -1, 0), ("s", "train", 1, 10**9)],
)
def test_identifiers_are_checked(
    checkpoints, store, state, trial: str, stage: str, attempt: int, sequence: int
) -> None:
    with pytest.raises(ArtifactError):
        checkpoints.save(
            trial, stage, attempt=attempt, sequence=sequence, folder=state, fidelity=0.0
        )
    assert list(store.list("")) == []
