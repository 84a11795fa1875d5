"""Random interleavings of writers and readers: nothing hidden, nothing twice."""

import threading
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuner.artifacts import FolderStore, Patience
from tuner.log import Kind, StudyLog

PREFIX = "studies/ns/s.uid"
FAULTS = ("ok", "refuse", "drop")

writes = st.fixed_dictionaries(
    {
        "pause": st.floats(0, 200),
        "skew": st.floats(-40, 40),
        # Of one put; with the skews of writer and reader below the margin of 120 s.
        "slow": st.floats(0, 40),
        "faults": st.lists(st.sampled_from(FAULTS), max_size=4),
        "read_before_visible": st.booleans(),
        "twice": st.booleans(),
        "trial": st.integers(0, 5),
    }
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(plan=st.lists(writes, max_size=25), reader_skew=st.floats(-1, 1))
def test_every_record_is_read_exactly_once(make_store, make_time, plan, reader_skew) -> None:
    time = make_time()
    reader_store = make_store(time, skew=reader_skew)
    reader = StudyLog(reader_store, PREFIX).reader()
    read: list[tuple[str, str, int, str]] = []

    def poll() -> None:
        read.extend(record.logical_id for record in reader.read())

    written = set()
    for number, write in enumerate(plan):
        time.now += write["pause"]

        def slow_put(write=write) -> None:
            time.now += write["slow"]
            if write["read_before_visible"]:
                poll()

        store = make_store(
            time,
            skew=write["skew"],
            objects=reader_store.objects,
            faults=lambda put, faults=tuple(write["faults"]): (*faults, *["ok"] * put)[put - 1],
            before_put=slow_put,
        )
        patience = Patience(seconds=10_000, clock=time, sleep=time.sleep)
        log = StudyLog(store, PREFIX, patience=patience, clock=time)
        for _ in range(1 + write["twice"]):
            # Also two appends of one logical id by different writers.
            part = str(number if number % 3 else 0)
            trial = f"s-0-{write['trial']}"
            log.append(Kind.REPORTS, trial=trial, attempt=1, part=part, body={"n": number})
            written.add((Kind.REPORTS, trial, 1, part))
    poll()
    assert len(read) == len(set(read))
    assert set(read) == written
    everything = [record.logical_id for record in StudyLog(reader_store, PREFIX).read_all()]
    assert len(everything) == len(set(everything))
    assert set(everything) == written


def test_threads_on_one_folder(tmp_path: Path) -> None:
    count, writers = 30, 4
    done = threading.Event()
    read: list[tuple[str, str, int, str]] = []

    def write(worker: int) -> None:
        log = StudyLog(FolderStore(tmp_path), PREFIX)
        for number in range(count):
            log.append(Kind.RESULT, trial=f"s-{worker}-{number}", attempt=1, body={"n": number})

    def follow() -> None:
        reader, last = StudyLog(FolderStore(tmp_path), PREFIX).reader(), False
        while not last:
            last = done.is_set()
            read.extend(record.logical_id for record in reader.read())

    follower = threading.Thread(target=follow)
    follower.start()
    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    follower.join()
    assert len(read) == len(set(read)) == count * writers
