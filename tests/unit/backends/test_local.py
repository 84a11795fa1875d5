import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.artifacts import FolderSettings, FolderStore
from tuner.backends.attempts import Cause, Order
from tuner.backends.local import LocalRunner, LocalSettings, reaper
from tuner.backends.local.cpus import Cpus
from tuner.backends.local.folder import MAX_OUTPUT_BYTES, AttemptFolder
from tuner.backends.local.runs import runs, uid_of
from tuner.log import StudyLog
from tuner.pipeline import TrialPlan
from tuner.study.claims import Bound, Grant
from tuner.trial import Command, Outcome


@given(total=st.integers(1, 8), asked=st.lists(st.floats(0.1, 12), max_size=12))
def test_sets_of_cpus_are_disjoint_and_come_back(total, asked):
    cpus = Cpus(range(total))
    taken = []
    for cores in asked:
        count = cpus.wanted(cores)
        assert 1 <= count <= total
        numbers = cpus.take(count)
        if numbers is not None:
            taken.append(numbers)
    flat = [number for numbers in taken for number in numbers]
    assert len(flat) == len(set(flat)) <= total
    for numbers in taken:
        cpus.give_back(numbers)
    assert cpus.take(total) == frozenset(range(total))


def test_a_type_without_cpus_gets_one():
    assert Cpus(range(4)).wanted(None) == 1


def sleeper(token, **options):
    return subprocess.Popen(
        [sys.executable, "-S", "-c", "import time; time.sleep(60)"],
        env={**os.environ, reaper.VARIABLE: token},
        **options,
    )


def test_the_reaper_kills_what_carries_the_token_only():
    mine, other = sleeper("unit-a/1."), sleeper("unit-b/1.", start_new_session=True)
    try:
        wait_for(lambda: reaper.processes_with("unit-a") == [mine.pid])
        assert reaper.kill_all("unit-a") == 1
        assert mine.wait(timeout=10) < 0
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_the_reaper_acts_when_its_parent_is_gone():
    mine = sleeper("unit-c/1.")
    watcher = subprocess.Popen(
        [sys.executable, "-I", "-S", reaper.__file__, "unit-c"], stdin=subprocess.PIPE
    )
    wait_for(lambda: reaper.processes_with("unit-c") == [mine.pid])
    watcher.stdin.close()
    assert mine.wait(timeout=10) < 0
    assert watcher.wait(timeout=10) == 0


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_attempts_folder_keeps_the_end_of_its_output_alone(tmp_path):
    folder = AttemptFolder(tmp_path)
    folder.tell(Command.STOP, reason="Budget")
    assert folder.command.read_text() == "stop Budget"
    (tmp_path / "stages" / "train").mkdir(parents=True)
    (tmp_path / "output.log").write_bytes(b"x" * MAX_OUTPUT_BYTES + b"the end")
    folder.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["output.log"]
    kept = (tmp_path / "output.log").read_bytes()
    assert kept.endswith(b"the end")
    assert len(kept) <= MAX_OUTPUT_BYTES + 10


def test_removal_that_a_crash_cut_off_is_made_up_for(tmp_path, monkeypatch):
    base = tmp_path / "attempts" / "s-0-0" / "1"
    folder = AttemptFolder(base)
    folder.write(order(base))
    (base / "io").mkdir()
    (base / "io" / "events").write_text("ready")
    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", lambda *_, **__: None)
        patch.setattr(Path, "unlink", crash_at(folder.grant))
        with pytest.raises(KeyboardInterrupt):
            folder.clear()
    assert folder.read() is None
    LocalRunner(
        LocalSettings(
            folder=tmp_path / "attempts",
            working_folder=tmp_path,
            store=FolderSettings(folder=str(tmp_path / "store")),
        )
    ).close()
    assert not [path for path in base.rglob("*") if path.is_file()]


def crash_at(chosen):
    unlink = Path.unlink

    def crashing(path, missing_ok=False):
        if path == chosen:
            raise KeyboardInterrupt
        unlink(path, missing_ok=missing_ok)

    return crashing


def test_a_folder_that_was_not_written_whole_holds_no_order(tmp_path):
    assert AttemptFolder(tmp_path).read() is None
    (tmp_path / "grant.json").write_text("{")
    assert AttemptFolder(tmp_path).read() is None


def order(base):
    plan = TrialPlan(
        study_prefix="studies/local/s.local-1",
        cache_prefix="cache/local",
        trial="s-0-0",
        attempt=1,
        segment=0,
        last=True,
        bracket=0,
        stages=(),
        objectives=(),
        fidelity=None,
        grace_seconds=90.0,
        layout=str(base),
    )
    grant = Grant(trial="s-0-0", worst_usd=1.0, deadline_seconds=9.0, bound=Bound.BUDGET)
    return Order(plan=plan, grant=grant)


def test_what_a_crash_left_costs_from_its_start_to_its_last_sign_of_life(tmp_path):
    folder = AttemptFolder(tmp_path)
    folder.write(order(tmp_path))
    assert folder.read() == order(tmp_path)
    folder.mark_started()
    folder.agent_log.write_text("...")
    os.utime(folder.started, (1000, 1000))
    os.utime(folder.agent_log, (1060, 1060))
    left = folder.leftover(order(tmp_path))
    assert (left.start, left.seconds, left.cause, left.result) == (1000, 60, Cause.LOST, None)


def test_what_a_crash_left_waiting_costs_nothing_and_was_not_lost(tmp_path):
    folder = AttemptFolder(tmp_path)
    folder.write(order(tmp_path))
    left = folder.leftover(order(tmp_path))
    assert (left.seconds, left.cause) == (0, Cause.NONE)
    assert left.result.outcome is Outcome.PAUSED


def test_runs_are_counted(tmp_path):
    store = FolderStore(tmp_path)
    assert runs(store, "s") == []
    for number in (1, 2, 10):
        StudyLog(store, f"studies/local/s.{uid_of(number)}").put_marker({})
    StudyLog(store, "studies/local/other.local-7").put_marker({})
    assert runs(store, "s") == [1, 2, 10]
