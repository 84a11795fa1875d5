"""Budgets, suspension and what a study waits for."""

import time

from kube import wait_for
from scenarios import REPORT, STEPS, stage, study

STUBBORN = """
trap '' TERM
echo '{"loss": 1}' >> "$TUNER_REPORTS"
while :; do sleep 1; done
"""


# The first trial completes, so that the study has something to show when its money is gone.
ONE_IS_QUICK = f"""
case "$TUNER_TRIAL" in *-0) ;; *) sleep 600 ;; esac
{REPORT}
"""


def test_a_dollar_budget_ends_the_study_and_its_running_pods(studies, instance_type):
    # Ten cents a second: the budget lasts for 30 seconds of one trial.
    costly = instance_type(price=360)
    name = studies.apply(
        study("budget", stage(ONE_IS_QUICK), types=[costly], budget={"maxCost": 3}, trialLimits={})
    )
    studies.running_pod()
    status = studies.end(name, seconds=150)
    assert studies.condition(name, "Succeeded")["reason"] == "BudgetExhausted"
    wait_for("no running pod", lambda: not studies.pods(), seconds=60, show=studies.describe)
    assert status["cost"]["spent"] > 1, "the study ended long before its budget"


def test_suspend_and_resume_goes_on_from_the_checkpoint(kube, studies, namespace, instance_type):
    name = studies.apply(
        study("pause", stage(STEPS), types=[instance_type()], steps=45, budget={"maxTrials": 2})
    )
    wait_for(
        "two trials at step 3",
        lambda: len({trial for trial, _, step, _ in studies.reports(name) if step >= 3}) == 2,
        seconds=120,
        show=studies.describe,
    )
    kube.patch("tuningstudies", name, namespace, {"spec": {"suspend": True}})
    wait_for("no running pod", lambda: not studies.pods(), seconds=60, show=studies.describe)
    wait_for(
        "the state Suspended",
        lambda: studies.status(name)["state"] == "Suspended",
        seconds=20,
        show=studies.describe,
    )
    wait_for(
        "both trials to be Paused",
        lambda: {trial["status"]["state"] for trial in studies.trials(name)} == {"Paused"},
        seconds=60,
        show=studies.describe,
    )
    before = len(studies.reports(name))
    time.sleep(3)
    assert len(studies.reports(name)) == before, "a suspended study reports"

    kube.patch("tuningstudies", name, namespace, {"spec": {"suspend": False}})
    status = studies.end(name, seconds=150)
    assert status["trials"]["completed"] == 2
    for trial in studies.trials(name):
        mine = [one for one in studies.reports(name) if one[0] == trial["metadata"]["name"]]
        assert {step for _, _, step, _ in mine} == set(range(1, 46))
        later = [step for _, attempt, step, _ in mine if attempt > 1]
        assert min(later) >= 3, "it began again"


def test_a_study_waits_for_its_instance_type_and_goes_on_by_itself(studies, instance_type):
    missing = f"{studies.namespace}-later"
    name = studies.apply(study("early", stage(REPORT), types=[missing], budget={"maxTrials": 1}))
    told = wait_for(
        "a condition that names the instance type",
        lambda: [
            one
            for one in studies.status(name).get("conditions", [])
            if one["status"] == "False" and missing in one.get("message", "")
        ],
        seconds=30,
        show=studies.describe,
    )
    assert told[0]["reason"]
    assert not studies.pods()
    instance_type(missing)
    assert studies.end(name, seconds=90)["state"] == "Succeeded"


def test_a_stage_that_ignores_sigterm_is_killed_after_the_grace(
    kube, studies, namespace, instance_type
):
    grace = {"spec": {"terminationGracePeriodSeconds": 35}}
    manifest = study("stubborn", stage(STUBBORN), types=[instance_type()], budget={"maxTrials": 1})
    manifest["spec"]["pipeline"]["podTemplate"] = grace
    name = studies.apply(manifest)
    wait_for("a report", lambda: studies.reports(name), seconds=90, show=studies.describe)
    kube.patch("tuningstudies", name, namespace, {"spec": {"suspend": True}})
    wait_for("no running pod", lambda: not studies.pods(), seconds=60, show=studies.describe)
    wait_for(
        "the trial to be Paused",
        lambda: [one["status"]["state"] for one in studies.trials(name)] == ["Paused"],
        seconds=20,
        show=studies.describe,
    )
