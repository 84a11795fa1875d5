from dataclasses import replace

import pytest

from tuner.cli.exits import ExitCode
from tuner.cli.follow import exit_code, wait_for_end
from tuner.cli.local import LocalSource


class Clock:
    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds


@pytest.fixture
def report(local):
    return LocalSource(local.folder).report("ranker")


def test_waiting_ends_with_the_study(report):
    clock = Clock()
    states = iter([report, report, replace(report, finished=True)])
    ended = wait_for_end(lambda: next(states), timeout_seconds=None, clock=clock, sleep=clock.sleep)
    assert (ended.finished, clock.time) == (True, 4.0)


def test_waiting_ends_with_the_time(report):
    clock = Clock()
    ended = wait_for_end(lambda: report, timeout_seconds=5.0, clock=clock, sleep=clock.sleep)
    assert (ended.finished, clock.time) == (False, 5.0)
    assert exit_code(ended) is ExitCode.FAILED


@pytest.mark.parametrize(("succeeded", "code"), [(True, ExitCode.OK), (False, ExitCode.FAILED)])
def test_the_exit_code_says_how_it_ended(invoke, local, succeeded, code):
    local.end(succeeded=succeeded)
    result = invoke("wait", "ranker")
    assert result.exit_code == code
    assert "MaxTrialsReached" in result.stdout


def test_a_front_that_comes_after_the_last_state_is_waited_for(report):
    clock = Clock()
    ended = replace(report, finished=True)
    assert ended.summary.front
    without = replace(ended, summary=replace(ended.summary, front=()))
    states = iter([report, without, ended])
    last = wait_for_end(lambda: next(states), timeout_seconds=None, clock=clock, sleep=clock.sleep)
    assert (last, clock.time) == (ended, 4.0)


def test_a_study_whose_trials_break_the_constraints_ends_with_nothing_feasible(
    invoke, empty, monkeypatch
):
    clock = Clock()
    monkeypatch.setattr(wait_for_end, "__kwdefaults__", {"clock": clock, "sleep": clock.sleep})
    empty.trial("ranker-0-3", "", "small", 0.10, 1.0, 99.0, "Completed", 9.0)
    empty.end()
    assert invoke("wait", "ranker").exit_code == ExitCode.NOTHING_FEASIBLE
    assert clock.time == 10.0


def test_a_time_that_is_over_is_said_to_be(invoke, local, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(wait_for_end, "__kwdefaults__", {"clock": clock, "sleep": clock.sleep})
    result = invoke("wait", "ranker", "--timeout", "90s")
    assert (result.exit_code, clock.time) == (1, 90.0)
    assert "has not ended within 90s" in result.stderr


def test_a_timeout_that_is_no_duration_is_refused_by_name(invoke, local):
    result = invoke("wait", "ranker", "--timeout", "soon")
    assert result.exit_code == ExitCode.BAD_MANIFEST
    assert "--timeout" in result.stderr
    assert '"soon" is not a duration' in result.stderr
