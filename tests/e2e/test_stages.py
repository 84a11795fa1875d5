"""What a stage can do wrong."""

from kube import wait_for
from scenarios import REPORT, stage, study

# `tail` keeps what it has read until the end of the input, which never comes.
EAT_MEMORY = "tail /dev/zero"

MALFORMED = """
echo 'no JSON at all' >> "$TUNER_REPORTS"
echo '[1, 2]' >> "$TUNER_REPORTS"
echo '{"loss": NaN}' >> "$TUNER_REPORTS"
echo '{"loss": "low"}' >> "$TUNER_REPORTS"
head -c 100000 /dev/zero | tr '\\0' 'x' >> "$TUNER_REPORTS"
echo >> "$TUNER_REPORTS"
echo '{"loss": 0.25}' >> "$TUNER_REPORTS"
printf '{"loss": 0.5' >> "$TUNER_REPORTS"
"""

LINK_CREDENTIALS = """
seen=0
for folder in /etc/tuner/store /proc/1/root/etc/tuner/store; do
    if [ -r "$folder/secretKey" ]; then seen=1; fi
    ln -s "$folder" "$TUNER_OUTPUT_DIR/folder$seen$$" 2>/dev/null || true
    ln -sf "$folder/secretKey" "$TUNER_OUTPUT_DIR/key"
    ln -sf "$folder/secretKey" "$TUNER_CHECKPOINT_DIR/key"
done
ln -sf /etc/tuner/store/secretKey "$TUNER_REPORTS.other"
mkdir "$TUNER_OUTPUT_DIR/real" && echo kept > "$TUNER_OUTPUT_DIR/real/file"
echo "{\\"loss\\": $seen, \\"step\\": 1}" >> "$TUNER_REPORTS"
"""


def only(trials):
    assert len(trials) == 1
    return trials[0]["status"]


def test_exit_1_fails_the_trial_with_its_last_words_and_then_the_study(studies, instance_type):
    name = studies.apply(
        study(
            "exit", stage("echo no such table >&2; exit 1"), types=[instance_type()],
            budget={"maxTrials": 20},
        )
    )  # fmt: skip
    status = studies.end(name, seconds=150)
    assert status["state"] == "Failed"
    assert studies.condition(name, "Succeeded")["reason"] == "TooManyFailures"
    assert 3 <= status["trials"]["failed"] <= 5, "three that fail alike are enough"
    trial = next(one for one in studies.trials(name) if one["status"]["state"] == "Failed")
    assert "no such table" in trial["status"]["message"]
    assert "1" in trial["status"]["message"]
    assert trial["status"]["attempts"] == 1


def test_out_of_memory_is_a_result_of_the_instance_type(studies, instance_type):
    small = instance_type(memory="32Mi")
    name = studies.apply(study("memory", stage(EAT_MEMORY), types=[small], budget={"maxTrials": 1}))
    studies.end(name, seconds=120)
    status = only(studies.trials(name))
    assert (status["state"], status["reason"]) == ("Failed", "OutOfMemory")
    assert status["attempts"] == 1, "it would fail again"


def test_a_child_out_of_memory_whose_parent_recovers_is_no_failure(studies, instance_type):
    script = f"{EAT_MEMORY} || echo the child died\n{REPORT}"
    name = studies.apply(
        study("child", stage(script), types=[instance_type(memory="32Mi")], budget={"maxTrials": 1})
    )
    assert studies.end(name, seconds=120)["state"] == "Succeeded"
    assert only(studies.trials(name))["state"] == "Completed"


def test_malformed_reports_are_warnings_and_the_last_good_value_counts(studies, instance_type):
    name = studies.apply(
        study("malformed", stage(MALFORMED), types=[instance_type()], budget={"maxTrials": 1})
    )
    assert studies.end(name, seconds=120)["state"] == "Succeeded", studies.describe()
    status = only(studies.trials(name))
    assert status["state"] == "Completed"
    assert status["metrics"]["loss"] == 0.25


def test_a_value_that_is_never_finite_fails_the_trial(studies, instance_type):
    script = 'echo \'{"loss": NaN}\' >> "$TUNER_REPORTS"'
    name = studies.apply(
        study("nan", stage(script), types=[instance_type()], budget={"maxTrials": 1})
    )
    studies.end(name, seconds=120)
    status = only(studies.trials(name))
    assert status["state"] == "Failed"
    assert "loss" in status["message"]


def test_an_image_that_cannot_be_pulled_is_told_to_the_user(studies, instance_type):
    manifest = study(
        "image", stage(REPORT), types=[instance_type()], budget={"maxTrials": 9},
        trialLimits={"pendingTimeout": "25s"},
    )  # fmt: skip
    manifest["spec"]["pipeline"]["image"] = "registry.invalid/no/such:image"
    name = studies.apply(manifest)
    wait_for(
        "a failed trial",
        lambda: [
            one for one in studies.trials(name) if one.get("status", {}).get("state") == "Failed"
        ],
        seconds=90,
        show=studies.describe,
    )
    status = studies.trials(name)[0]["status"]
    assert status["reason"] == "ImagePull"
    assert "registry.invalid" in status["message"] or "mage" in status["message"]
    wait_for(
        "a condition that speaks of the image",
        lambda: any("mage" in one.get("message", "") for one in studies.status(name)["conditions"]),
        seconds=30,
        show=studies.describe,
    )


def test_links_to_the_credentials_do_not_reach_the_bucket(
    studies, bucket, namespace, instance_type
):
    name = studies.apply(
        study(
            "links", stage(LINK_CREDENTIALS), stage(REPORT, name="next"), types=[instance_type()],
            steps=1, budget={"maxTrials": 1},
        )
    )  # fmt: skip
    assert studies.end(name, seconds=120)["state"] == "Succeeded", studies.describe()
    assert studies.reports(name)[0][3]["loss"] == 0, "the stage could read the credentials"
    secret = bucket.secret_key.encode()
    stored = {
        key: secret in data
        for prefix in (f"studies/{namespace}/", f"cache/{namespace}/")
        for key, data in bucket.contents(prefix)
    }
    assert any(key.endswith(".tar") for key in stored), sorted(stored)
    assert not any(stored.values()), [key for key, found in stored.items() if found]
