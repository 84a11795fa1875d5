from __future__ import annotations

import threading

import pytest

from tuner.agent.hands import Hands
from tuner.agent.jobs import Answer, Done, Job, Lookup
from tuner.errors import ArtifactError, LogError, StoreUnreachable

JOB = Lookup(index=0)


class Failing:
    """Fails with these errors, one after the other, then does what it is told."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def do(self, job: Job) -> Answer:
        if self.errors:
            raise self.errors.pop(0)
        return Done(key="done")

    def heartbeat(self) -> None:
        """Nothing."""


def outcome_of(doer: Failing, *, away_seconds: float):
    done = threading.Event()
    hands = Hands(doer, wake=done.set, away_seconds=away_seconds)
    try:
        hands.start(JOB)
        assert hands.busy
        assert done.wait(10)
        return hands.fetch()
    finally:
        hands.close()


def test_a_job_is_done_again_until_it_succeeds() -> None:
    outcome = outcome_of(Failing(StoreUnreachable("away"), OSError("full")), away_seconds=60)
    assert outcome.answer == Done(key="done")


@pytest.mark.parametrize(
    "error", [StoreUnreachable("away"), ArtifactError("no room"), LogError("no such body")]
)
def test_what_goes_on_failing_is_given_up_and_never_breaks_the_agent(error: Exception) -> None:
    outcome = outcome_of(Failing(error), away_seconds=0)
    assert (outcome.answer, outcome.given_up) == (None, str(error))


def test_a_fault_of_our_own_reaches_the_main_thread() -> None:
    with pytest.raises(ZeroDivisionError):
        outcome_of(Failing(ZeroDivisionError()), away_seconds=60)
