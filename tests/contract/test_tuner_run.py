"""`tuner run` as a process: to its end, again, interrupted, and killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tuner.artifacts import FolderStore
from tuner.backends.local.reaper import processes_with
from tuner.log import Kind, StudyLog

DEADLINE_SECONDS = 60.0
MANIFEST = """
apiVersion: tuner.dev/v1alpha1
kind: InstanceType
metadata: {name: small}
spec: {pricePerHour: 1.0, resources: {cpu: 1}}
---
apiVersion: tuner.dev/v1alpha1
kind: TuningStudy
metadata: {name: slow}
spec:
  objectives: [{metric: loss, direction: Minimize}]
  parameters: [{name: weight, float: {min: 0, max: 1}}]
  hardware: {instanceTypes: [small]}
  pipeline:
    image: example/image:1
    stages:
    - {name: prepare, command: [sh, -c, 'echo prepared >"$TUNER_OUTPUT_DIR/data"'], parameters: []}
    - {name: train, command: [sh, train.sh]}
  fidelity: {name: unit, stage: train, min: 1, max: 4}
  scheduler: {type: None}
  searcher: {type: Sobol, seed: 4}
  parallelTrials: 2
  budget: {maxTrials: 4}
  trialLimits: {maxAttempts: 20}
"""
SCRIPT = """
unit=$(cat "$TUNER_CHECKPOINT_DIR/unit" 2>/dev/null || echo 0)
while [ "$unit" -lt "${TUNER_FIDELITY%.*}" ]; do
  sleep "$(cat ../pause 2>/dev/null || echo 0.3)"
  unit=$((unit + 1))
  echo "$unit" >"$TUNER_CHECKPOINT_DIR/unit"
  echo "{\\"unit\\": $unit, \\"loss\\": $TUNER_PARAM_WEIGHT}" >>"$TUNER_REPORTS"
done
"""


class Here:
    """A folder with the study in it, and `tuner run` on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code = folder / "code"
        self.code.mkdir()
        (self.code / "study.yaml").write_text(MANIFEST)
        (self.code / "train.sh").write_text(SCRIPT)

    def start(self, *options):
        argv = [sys.executable, "-c", "from tuner.cli import main; main()", "run", "code"]
        # A session of its own, as a terminal's: what is killed is this process alone.
        return subprocess.Popen(
            [*argv, *options],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *options):
        process = self.start(*options)
        output, errors = process.communicate(timeout=DEADLINE_SECONDS)
        return process.returncode, output, errors

    def tuner(self, *arguments):
        argv = [sys.executable, "-c", "from tuner.cli import main; main()", *arguments]
        done = subprocess.run(
            argv, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )
        return done.returncode, done.stdout, done.stderr

    def records(self, run=1):
        store = FolderStore(self.folder / ".tuner")
        return StudyLog(store, f"studies/local/slow.local-{run}").read_all()

    def wait_for_records(self, kind, count, *, process):
        deadline = time.monotonic() + DEADLINE_SECONDS
        while sum(kind in (None, one.kind) for one in self.records()) < count:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, f"never saw {count} of {kind or 'all'}"
            time.sleep(0.05)

    def wait_until_nothing_runs(self):
        deadline = time.monotonic() + DEADLINE_SECONDS
        while left := self.processes():
            assert time.monotonic() < deadline, f"still there: {left}"
            time.sleep(0.05)

    def processes(self):
        """Processes whose environment or command names this folder's attempts."""
        mark = str(self.folder / ".tuner" / "attempts").encode()
        found = []
        for process in processes_with(""):
            try:
                if mark in Path(f"/proc/{process}/cmdline").read_bytes():
                    found.append(process)
            except OSError:
                continue
        return found


@pytest.fixture
def here(tmp_path):
    return Here(tmp_path)


def check_once(records):
    """Each trial has one accepted result and each attempt one verdict."""
    results = Counter(one.trial for one in records if one.kind is Kind.RESULT)
    completed = Counter(
        one.trial
        for one in records
        if one.kind is Kind.RESULT and one.body["outcome"] == "Completed"
    )
    assert completed == dict.fromkeys([f"slow-0-{number}" for number in range(4)], 1)
    assert set(results) == set(completed)
    verdicts = Counter((one.trial, one.attempt) for one in records if one.kind is Kind.VERDICT)
    assert set(verdicts.values()) == {1}


def test_a_study_to_its_end_and_again(here):
    code, output, errors = here.run()
    assert code == 0, errors
    _, front, _ = here.tuner("front", "slow", "-o", "json")
    assert output.endswith(front)
    summary = json.loads(front)
    assert summary["trials"]["completed"] == 4
    assert len(summary["paretoFront"]) == 1
    check_once(here.records())
    code, explained, errors = here.tuner("explain", summary["best"]["trial"], "-o", "json")
    assert code == 0, errors
    told = json.loads(explained)
    assert told["objectives"]["loss"]["measured"] == summary["best"]["objectives"]["loss"]
    assert [stage["outcome"] for stage in told["stages"]][1:] == ["Run"]
    assert told["attempts"] == 1

    code, output, errors = here.run()
    assert code == 0
    assert "has ended (MaxTrialsReached)" in errors
    assert output.endswith(front)

    code, output, errors = here.run("--again")
    assert code == 0
    _, front, _ = here.tuner("front", "slow", "-o", "json")
    assert output.endswith(front)
    summary = json.loads(front)
    assert summary["cache"] == {"hits": 8, "lookups": 8}
    assert summary["cost"]["savedByCache"] > 0
    check_once(here.records(run=2))


def test_interrupted_it_checkpoints_and_goes_on(here):
    # Long enough for a busy machine to be interrupted in mid-stage.
    pause = here.folder / "pause"
    pause.write_text("1.5")
    process = here.start()
    here.wait_for_records(Kind.REPORTS, 2, process=process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 130
    assert "saving checkpoints" in errors
    assert here.processes() == []
    states = [one.body["state"] for one in here.records() if one.kind is Kind.VERDICT]
    assert "Paused" in states
    pause.unlink()
    code, _, errors = here.run()
    assert code == 0, errors
    check_once([one for one in here.records() if one.body.get("outcome") != "Paused"])


def test_killed_ten_times_it_loses_nothing(here):
    before = set()
    for _ in range(10):
        process = here.start()
        here.wait_for_records(None, len(before) + 1, process=process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=DEADLINE_SECONDS)
        after = {one.logical_id for one in here.records()}
        assert before <= after
        before = after
        here.wait_until_nothing_runs()
    code, _, errors = here.run()
    assert code == 0, errors
    assert before <= {one.logical_id for one in here.records()}
    check_once(here.records())
    attempts = here.folder / ".tuner" / "attempts"
    assert {path.name for path in attempts.rglob("*") if path.is_file()} == {"output.log"}


def test_two_at_once_are_refused(here):
    # Longer than the other one takes to start, however busy the machine is.
    (here.folder / "pause").write_text("10")
    process = here.start()
    here.wait_for_records(Kind.PROPOSED, 1, process=process)
    code, _, errors = here.run()
    assert code == 1
    assert "another process runs this study" in errors
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 130


def test_a_changed_manifest_starts_no_mixture(here):
    shutil.copy(here.code / "study.yaml", here.folder / "before.yaml")
    process = here.start()
    here.wait_for_records(Kind.PROPOSED, 1, process=process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=DEADLINE_SECONDS)
    changed = MANIFEST.replace("max: 1}", "max: 2}")
    (here.code / "study.yaml").write_text(changed)
    code, _, errors = here.run()
    assert code == 1
    assert "--again" in errors


def test_raising_the_budget_goes_on(here):
    (here.code / "study.yaml").write_text(MANIFEST.replace("maxTrials: 4", "maxTrials: 1"))
    assert here.run()[0] == 0
    (here.code / "study.yaml").write_text(MANIFEST.replace("maxTrials: 4", "maxTrials: 2"))
    code, output, errors = here.run()
    assert code == 0, errors
    summary = json.loads(output[output.index("{") :])
    assert summary["trials"]["completed"] == 2


def test_a_bad_manifest_is_told_as_by_validate(here):
    (here.code / "study.yaml").write_text(MANIFEST.replace("min: 0, max: 1", "min: 2, max: 1"))
    code, _, errors = here.run()
    assert code == 2
    expected = here.tuner("validate", "code")[1].strip()
    assert "study.yaml:" in expected
    assert expected in errors


def test_an_unknown_instance_type_is_told(here):
    text = MANIFEST.replace("instanceTypes: [small]", "instanceTypes: [small, huge]")
    (here.code / "study.yaml").write_text(text)
    code, _, errors = here.run()
    assert code == 2
    assert "`huge` does not exist" in errors
