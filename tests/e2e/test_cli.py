"""The command line against the cluster: the words that a user sees of a study."""

import json
import subprocess
import sys

from scenarios import stage, study

SAY_AND_REPORT = """
echo "trying $TUNER_PARAM_X"
echo "{\\"loss\\": $TUNER_PARAM_X}" >> "$TUNER_REPORTS"
"""


def tuner(*words):
    done = subprocess.run(
        [sys.executable, "-m", "tuner", *words], capture_output=True, text=True, timeout=240
    )
    return done.returncode, done.stdout, done.stderr


def test_wait_status_front_trials_and_logs_of_a_study(studies, namespace, instance_type):
    machine = instance_type()
    name = studies.apply(
        study(
            "seen",
            stage(SAY_AND_REPORT),
            types=[machine],
            budget={"maxTrials": 2},
            initialTrials=[{"name": "production", "parameters": {"x": 1}}],
        )
    )
    code, out, _ = tuner("wait", name, "-n", namespace, "--timeout", "3m", "-o", "json")
    assert code == 0, studies.describe()
    assert json.loads(out)["reason"] == "MaxTrialsReached"

    code, out, _ = tuner("status", "-n", namespace)
    assert code == 0
    assert out.splitlines()[1].split()[:3] == [name, "Succeeded", "2"]

    code, out, _ = tuner("front", name, "-n", namespace, "-o", "json")
    (best,) = json.loads(out)["paretoFront"]
    assert best["objectives"]["loss"] < 1
    assert best["instanceTypes"] == {"train": machine}
    _, text, _ = tuner("front", name, "-n", namespace)
    assert "vs production" in text.splitlines()[0]

    _, out, _ = tuner("trials", name, "-n", namespace, "-o", "json")
    rows = json.loads(out)
    assert {row["state"] for row in rows} == {"Completed"}
    assert [row["label"] for row in rows].count("production") == 1


def test_logs_of_a_failed_trial_and_names_that_do_not_exist(studies, namespace, instance_type):
    name = studies.apply(
        study(
            "loud",
            stage("echo no such table >&2; exit 1"),
            types=[instance_type()],
            budget={"maxTrials": 20},
        )
    )
    code, out, _ = tuner("wait", name, "-n", namespace, "--timeout", "3m")
    assert code == 1, studies.describe()
    assert "TooManyFailures" in out
    assert tuner("front", name, "-n", namespace)[0] == 3

    code, _, err = tuner("front", "nobody", "-n", namespace)
    assert (code, err) == (1, f"error: namespace {namespace} has no study nobody\n")
    code, _, err = tuner("logs", "nobody-0-0", "-n", namespace)
    assert (code, err) == (1, f"error: namespace {namespace} has no trial nobody-0-0\n")
