"""The main path: install, apply the digits example, see everything that a user is promised."""

import json
import os
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml
from kube import wait_for

DIGITS = Path(__file__).parents[2] / "examples" / "digits"
MINUTES = 60


@pytest.fixture
def digits(kube, images):
    """The example's study with its image by digest, so that others may use its artifacts."""
    types = yaml.safe_load_all((DIGITS / "instance-types.yaml").read_text())
    kube.apply(*types)
    study = yaml.safe_load((DIGITS / "study.yaml").read_text())
    study["spec"]["pipeline"]["image"] = images["docker.io/tuner/digits:dev"]["reference"]
    return study


def prometheus(query):
    address = os.environ.get("TUNER_PROMETHEUS")
    assert address, "set TUNER_PROMETHEUS to the address of a Prometheus that scrapes the cluster"
    url = f"{address}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)["data"]["result"]


def types_on(front):
    return {name for point in front for name in point["instanceTypes"].values()}


@pytest.mark.timeout(15 * MINUTES)
@pytest.mark.alone
def test_digits_from_apply_to_front(kube, studies, bucket, namespace, digits):
    name = studies.apply(digits)
    wait_for("a worker", lambda: studies.pods(role="worker"), seconds=60, show=studies.describe)
    pod = studies.running_pod(seconds=90)
    assert pod["spec"]["automountServiceAccountToken"] is False

    status = studies.end(name, seconds=10 * MINUTES)
    assert status["state"] == "Succeeded", studies.describe()
    assert studies.condition(name, "Succeeded")["reason"] == "MaxTrialsReached"
    counts = status["trials"]
    assert counts["completed"] >= 2
    assert counts["stopped"] >= 1, "no trial was stopped at a rung"
    assert counts["failed"] == 0, studies.describe()

    front = status["paretoFront"]
    assert len(front) >= 2, front
    assert len(types_on(front)) >= 2, front
    assert all(set(point["objectives"]) == {"error", "cost", "runtime"} for point in front)
    assert status["best"]["objectives"]["error"] < 0.1
    assert 0 < status["cost"]["spent"] < digits["spec"]["budget"]["maxCost"]
    assert status["cost"]["savedByCache"] > 0, "no prepare stage was taken from the cache"
    assert status["cost"]["savedByStopping"] > 0

    keys = bucket.keys(f"cache/{namespace}/")
    assert any("/blobs/" in key for key in keys), keys
    uid = studies.get(name)["metadata"]["uid"]
    assert f"studies/{namespace}/{name}.{uid}/study.json" in bucket.keys("studies/")

    wait_for(
        "the study's metrics in Prometheus",
        lambda: (
            prometheus(f'{{__name__=~"tuner_.+",namespace="{namespace}"}}')
            or prometheus(f'{{__name__=~"tuner_.+",exported_namespace="{namespace}"}}')
        ),
        seconds=30,
        show=lambda: prometheus('{__name__=~"tuner_.+"}'),
    )

    again = {**digits, "metadata": {"name": "digits-again"}}
    # The same proposals, at another time: every stage whose key is equal must come from the cache.
    again["spec"] = {**digits["spec"], "budget": {"maxTrials": 3, "maxCost": 2}}
    second = studies.apply(again)
    ended = studies.end(second, seconds=4 * MINUTES)
    assert ended["state"] == "Succeeded", studies.describe()
    outcomes = {
        (stage["name"], stage["outcome"])
        for trial in studies.trials(second)
        for stage in trial["status"]["stages"]
    }
    assert ("prepare", "Cached") in outcomes
    assert ("prepare", "Run") not in outcomes
    assert ("train", "Cached") in outcomes, "a trained model was not used again"
    assert ended["cost"]["savedByCache"] > 0

    for one in (name, second):
        kube.delete("tuningstudies", one, namespace)
    wait_for(
        "nothing left of the studies but the Secret",
        lambda: not leftovers(kube, namespace),
        seconds=60,
        show=lambda: leftovers(kube, namespace),
    )
    assert bucket.keys(f"studies/{namespace}/{name}.{uid}/log/"), "Retain keeps the log"


def leftovers(kube, namespace):
    kinds = (
        "tuningstudies",
        "tuningtrials",
        "pods",
        "serviceaccounts",
        "configmaps",
        "rolebindings",
    )
    mine = {"default", "kube-root-ca.crt"}
    found = [
        (kind, one["metadata"]["name"]) for kind in kinds for one in kube.list(kind, namespace)
    ]
    return [(kind, name) for kind, name in found if name not in mine]


def test_the_shell_example_ends_with_a_front(kube, studies):
    folder = DIGITS.parent / "shell"
    kube.apply(*yaml.safe_load_all((folder / "instance-types.yaml").read_text()))
    started = time.monotonic()
    name = studies.apply(yaml.safe_load((folder / "study.yaml").read_text()))
    status = studies.end(name, seconds=5 * MINUTES)
    assert status["state"] == "Succeeded", studies.describe()
    assert len(status["paretoFront"]) >= 2
    assert set(status["best"]["objectives"]) == {"bits", "kilobytes", "cost"}
    assert 1 < status["best"]["objectives"]["bits"] < 5
    print(f"{status['trials']} in {time.monotonic() - started:.0f} s")
