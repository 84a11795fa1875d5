import pytest

from tuner.study.budget import Ledger
from tuner.study.ends import Tally, end_of
from tuner.study.terms import Budget, ObjectiveTerm, Terms

BUDGET = Budget(max_trials=10, max_cost_usd=5, max_seconds=100, deadline=1000)
TERMS = Terms(
    objectives=(ObjectiveTerm(metric="loss", goal=0.1),), budget=BUDGET, max_failed_trials=4
)


@pytest.mark.parametrize(
    ("tally", "ledger", "reason", "succeeded", "stop"),
    [
        (Tally(completed=3, open=2), Ledger(started=5), None, None, None),
        (Tally(completed=9, open=1), Ledger(started=10), None, None, None),
        (Tally(completed=10), Ledger(started=10), "MaxTrialsReached", True, False),
        (Tally(completed=1, open=2), Ledger(spent_usd=5), "BudgetExhausted", True, True),
        (Tally(completed=1, open=2), Ledger(seconds=100), "BudgetExhausted", True, True),
        (Tally(completed=1, open=2), Ledger(now=1000), "DeadlineReached", True, True),
        (Tally(completed=1, open=2, goals_met=True), Ledger(), "GoalsReached", True, True),
        (Tally(completed=1, exhausted=1), Ledger(), "SpaceExhausted", True, False),
        (Tally(completed=1, queued=1, exhausted=1), Ledger(), None, None, None),
        (Tally(completed=1, failed=4, open=1), Ledger(), "TooManyFailures", False, True),
        (Tally(first_failures=("ExitCode 1",) * 3), Ledger(), "TooManyFailures", False, True),
        (Tally(first_failures=("ExitCode 1", "ExitCode 1", "t")), Ledger(), None, None, None),
        (Tally(stopped=10), Ledger(started=10), "NoTrialCompleted", False, False),
        (Tally(open=2), Ledger(now=1000), "DeadlineReached", True, True),
        (Tally(), Ledger(now=1000), "NoTrialCompleted", False, True),
    ],
)
def test_ends(tally, ledger, reason, succeeded, stop):
    end = end_of(TERMS, tally=tally, ledger=ledger)
    found = (None,) * 3 if end is None else (end.reason, end.succeeded, end.stop)
    assert found == (reason, succeeded, stop)


def test_what_is_left_pays_nothing():
    end = end_of(TERMS, tally=Tally(completed=1), ledger=Ledger(), unaffordable=True)
    assert end is not None
    assert end.reason == "BudgetExhausted"


def test_a_study_without_goals_never_reaches_them():
    terms = Terms(objectives=(ObjectiveTerm(metric="loss"),))
    assert end_of(terms, tally=Tally(completed=1, goals_met=True), ledger=Ledger()) is None
