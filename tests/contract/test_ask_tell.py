"""Processes that share a folder by ask and tell, one of them killed at any instant."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tuner.ask_tell import Optimizer
from tuner.cli.local import LocalSource
from tuner.log import Kind

TRIALS = 16
DEADLINE_SECONDS = 60
FIELDS = {
    "name": "shared",
    "parameters": {"x": {"float": {"min": -1, "max": 2}}},
    "objectives": {"loss": "Minimize"},
    "budget": {"maxTrials": TRIALS},
    "searcher": "Sobol",
    "workers": 2,
}
PROGRAM = """
import sys, time
from tuner.ask_tell import Optimizer

with Optimizer(**{fields!r}, folder=sys.argv[1], worker=int(sys.argv[2])) as opt:
    for trial in opt:
        print(trial.name, flush=True)
        time.sleep(0.05)
        opt.tell(trial, {{"loss": trial.parameters["x"] ** 2}})
"""


@pytest.fixture
def start(tmp_path):
    """Starts a process that asks and tells until the study ends."""
    started = []

    def run(worker):
        program = PROGRAM.format(fields=FIELDS)
        command = [sys.executable, "-c", program, str(tmp_path), str(worker)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def test_killed_workers_lose_nothing_and_nothing_is_counted_twice(tmp_path, start):
    steady, unlucky = start(0), start(1)
    for _ in range(2):
        unlucky.stdout.readline()
    os.kill(unlucky.pid, signal.SIGKILL)
    unlucky.wait()
    again = start(1)
    deadline = time.monotonic() + DEADLINE_SECONDS
    for process in (steady, again):
        process.communicate(timeout=max(1, deadline - time.monotonic()))
        assert process.returncode == 0
    # Who comes last finds what a process that ended early could not know to be the end.
    with Optimizer(**FIELDS, folder=tmp_path, worker=0) as opt:
        summary = opt.summary()
        assert summary.counts.completed == TRIALS
        results = [one.trial for one in opt._opened.log.read_all() if one.kind is Kind.RESULT]
        assert len(results) == len(set(results)) == TRIALS
        stories = opt._desk.view.chronicle.stories
        points = [one.trial.parameters["x"] for one in stories]
        assert len(set(points)) == len(points)
    report = LocalSource(tmp_path).report("shared")
    assert (report.finished, report.reason) == (True, "MaxTrialsReached")
