"""The operator's process against a bare API server; the tests stand in for kubelet and agent.

Every crash point of one scenario: the process is killed after its k-th changing request, for every
k, and started again; each time it must end where the undisturbed run ends.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import urllib3
import yaml

from tuner.artifacts import FolderStore
from tuner.log import Kind, StudyLog, study_prefix
from tuner.pipeline import AgentResult
from tuner.trial import Outcome, StageOutcome, StageResult

ROOT = Path(__file__).parents[2]
CRASHED = 86
TOKEN = "operator-test"
PRICE = 3.6
LIMIT_SECONDS = 90
AT_ONCE = 3
LOST = "s-0-1"
"""The trial whose first attempt is lost."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(name):
    found = shutil.which(name)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{name} is not on PATH: run tests/cluster/cluster.py build first")
    if found is None:
        pytest.skip(f"{name} is not on PATH")
    return found


class Server:
    """Requests to the API server, as plain JSON."""

    def __init__(self, port, *, certificate):
        self.url = f"https://127.0.0.1:{port}"
        self.pool = urllib3.PoolManager(
            ca_certs=str(certificate), assert_hostname=False, retries=False, maxsize=8
        )

    def call(self, method, path, body=None, *, content="application/json"):
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": content}
        data = None if body is None else json.dumps(body)
        answer = self.pool.request(method, self.url + path, body=data, headers=headers)
        if answer.status >= 300:
            raise LookupError(f"{method} {path}: {answer.status} {answer.data[:500]}")
        return json.loads(answer.data)

    def is_ready(self):
        try:
            return self.pool.request("GET", f"{self.url}/readyz").status == 200
        except urllib3.exceptions.HTTPError:
            return False


def wait_for(what, condition, *, seconds=LIMIT_SECONDS, pause=0.1):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(pause)
    raise TimeoutError(f"not within {seconds} s: {what}")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """An API server of its own, with nothing around it."""
    folder = tmp_path_factory.mktemp("api")
    etcd, peer, port = free_port(), free_port(), free_port()
    key = folder / "sa.key"
    subprocess.run([program("openssl"), "genrsa", "-out", key, "2048"], check=True, stderr=-3)
    (folder / "tokens.csv").write_text(f"{TOKEN},admin,admin,system:masters\n")
    commands = [
        [
            program("etcd"),
            f"--data-dir={folder}/etcd",
            f"--listen-client-urls=http://127.0.0.1:{etcd}",
            f"--advertise-client-urls=http://127.0.0.1:{etcd}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
            "--unsafe-no-fsync",
        ],
        [
            program("kube-apiserver"),
            f"--etcd-servers=http://127.0.0.1:{etcd}",
            f"--cert-dir={folder}/certificates",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--token-auth-file={folder}/tokens.csv",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://test",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--disable-admission-plugins=ServiceAccount",
        ],
    ]
    log = (folder / "log").open("wb")
    running = [subprocess.Popen(one, stdout=log, stderr=log) for one in commands]
    try:
        certificate = folder / "certificates" / "apiserver.crt"
        wait_for("the certificate", certificate.exists)
        server = Server(port, certificate=certificate)
        wait_for("the API server", server.is_ready)
        prepare(server, folder)
        yield server
    finally:
        for process in reversed(running):
            process.send_signal(signal.SIGKILL)
            process.wait()
        log.close()


def prepare(server, folder):
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [
            {"name": "c", "cluster": {"server": server.url, "insecure-skip-tls-verify": True}}
        ],
        "users": [{"name": "u", "user": {"token": TOKEN}}],
    }
    server.kubeconfig = folder / "kubeconfig"
    server.kubeconfig.write_text(yaml.safe_dump(kubeconfig))
    for file in sorted((ROOT / "crds").glob("*.yaml")):
        server.call(
            "POST",
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            yaml.safe_load(file.read_text()),
        )
    wait_for("the kinds", lambda: _serves(server, "/apis/tuner.dev/v1alpha1/instancetypes"))
    create(server, "instancetypes", instance_type(), group="/apis/tuner.dev/v1alpha1")


def _serves(server, path):
    try:
        return server.call("GET", path)
    except LookupError:
        return None


def create(server, plural, body, *, namespace="", group="/api/v1"):
    place = f"/namespaces/{namespace}" if namespace else ""
    return server.call("POST", f"{group}{place}/{plural}", body)


def instance_type():
    return {
        "apiVersion": "tuner.dev/v1alpha1",
        "kind": "InstanceType",
        "metadata": {"name": "small"},
        "spec": {"pricePerHour": PRICE},
    }


def study():
    return {
        "apiVersion": "tuner.dev/v1alpha1",
        "kind": "TuningStudy",
        "metadata": {"name": "s"},
        "spec": {
            "objectives": [{"metric": "loss", "direction": "Minimize"}],
            "parameters": [{"name": "x", "float": {"min": 0, "max": 1}}],
            "hardware": {"instanceTypes": ["small"]},
            "pipeline": {
                "image": "busybox:1",
                "stages": [{"name": "train", "command": ["true"]}],
            },
            "searcher": {"type": "Random"},
            "parallelTrials": 2,
            "budget": {"maxTrials": 2, "maxCost": 1},
        },
    }


def trial(number, *, owner):
    return {
        "apiVersion": "tuner.dev/v1alpha1",
        "kind": "TuningTrial",
        "metadata": {
            "name": f"s-0-{number}",
            "ownerReferences": [
                {
                    "apiVersion": "tuner.dev/v1alpha1",
                    "kind": "TuningStudy",
                    "name": "s",
                    "uid": owner,
                    "controller": True,
                }
            ],
        },
        "spec": {
            "study": "s",
            "worker": 0,
            "number": number,
            "parameters": {"x": 0.5},
            "instanceTypes": {"train": "small"},
        },
    }


class Scenario:
    """One study in a namespace of its own, and what the kubelet would do."""

    def __init__(self, server, *, namespace, folder):
        self.server = server
        self.namespace = namespace
        self.folder = folder
        self.pods = f"/api/v1/namespaces/{namespace}/pods"
        self.kinds = f"/apis/tuner.dev/v1alpha1/namespaces/{namespace}"
        self.crashes = 0
        folder.mkdir(parents=True)

    def begin(self):
        create(self.server, "namespaces", {"metadata": {"name": self.namespace}})
        made = create(
            self.server,
            "tuningstudies",
            study(),
            namespace=self.namespace,
            group="/apis/tuner.dev/v1alpha1",
        )
        for number in (0, 1):
            body = trial(number, owner=made["metadata"]["uid"])
            self.server.call("POST", f"{self.kinds}/tuningtrials", body)

    def start(self, *, crash_after=0):
        env = {
            **os.environ,
            "TUNER_WATCH_NAMESPACES": self.namespace,
            "TUNER_STORE": json.dumps({"folder": str(self.folder / "store")}),
            "TUNER_CRASH_AFTER": str(crash_after),
            "TUNER_HEALTH_PORT": "0",
            "TUNER_METRICS_PORT": "0",
            "TUNER_SUMMARY_SECONDS": "1",
            "TUNER_RESYNC_SECONDS": "1",
            "TUNER_LEASE_SECONDS": "3",
            "POD_NAME": "operator",
            "POD_NAMESPACE": self.namespace,
        }
        command = [sys.executable, "-m", "tuner_operator", "--kubeconfig", self.server.kubeconfig]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, env=env, stdout=log, stderr=log)

    def run(self, *, crash_after=0):
        """Until the study has ended, however often the operator dies."""
        self.begin()
        process = self.start(crash_after=crash_after)
        try:
            deadline = time.monotonic() + LIMIT_SECONDS
            while not self.has_ended():
                if time.monotonic() > deadline:
                    raise TimeoutError((self.folder / "log").read_text()[-3000:])
                if process.poll() is not None:
                    assert process.returncode == CRASHED
                    self.crashes += 1
                    process = self.start()
                self.play_kubelet()
                time.sleep(0.1)
            process.terminate()
            assert process.wait(timeout=20) in (0, CRASHED)
        finally:
            process.kill()
            process.wait()
        return self.outcome()

    def has_ended(self):
        status = self.server.call("GET", f"{self.kinds}/tuningstudies/s").get("status") or {}
        return "completionTime" in status

    def play_kubelet(self):
        for pod in self.server.call("GET", self.pods)["items"]:
            name = pod["metadata"]["labels"].get("tuner.dev/trial")
            if name and pod["status"]["phase"] == "Pending":
                attempt = int(pod["metadata"]["labels"]["tuner.dev/attempt"])
                status = ended(pod, lost=name == LOST and attempt == 1)
                self.server.call(
                    "PATCH",
                    f"{self.pods}/{pod['metadata']['name']}/status",
                    {"status": status},
                    content="application/merge-patch+json",
                )

    def outcome(self):
        """All that must not depend on when the operator died."""
        status = self.server.call("GET", f"{self.kinds}/tuningstudies/s")["status"]
        trials = self.server.call("GET", f"{self.kinds}/tuningtrials")["items"]
        pods = self.server.call("GET", self.pods)["items"]
        study = self.server.call("GET", f"{self.kinds}/tuningstudies/s")["metadata"]
        log = study_prefix(self.namespace, "s", uid=study["uid"])
        records = StudyLog(FolderStore(self.folder / "store"), log).read_all()
        facts = ("state", "attempts", "cost", "lostCost", "infrastructureFailures", "metrics")
        return {
            "trials": {
                one["metadata"]["name"]: {key: one["status"].get(key) for key in facts}
                for one in trials
            },
            "pods": sorted(
                one["metadata"]["name"]
                for one in pods
                if "tuner.dev/trial" in one["metadata"]["labels"]
            ),
            "verdicts": sorted(
                (one.trial, one.attempt, one.part) for one in records if one.kind is Kind.VERDICT
            ),
            "counts": status["trials"],
            "cost": status["cost"],
            "state": status["state"],
            "ends": [
                (one["status"], one["reason"])
                for one in status["conditions"]
                if one["type"] == "Succeeded"
            ],
        }


def ended(pod, *, lost):
    """A status as a kubelet writes it: ten seconds on a node, then done or lost."""
    start = datetime.fromisoformat(pod["metadata"]["creationTimestamp"]).astimezone(UTC)
    begin, finish = (
        (start + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ") for seconds in (0, 10)
    )
    message = "" if lost else said()
    code = 137 if lost else 0
    terminated = {"exitCode": code, "startedAt": begin, "finishedAt": finish}
    common = {"image": "i", "imageID": "i", "ready": False, "restartCount": 0}
    return {
        "phase": "Failed" if lost else "Succeeded",
        "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": begin}],
        "initContainerStatuses": [
            {**common, "name": "agent", "state": {"terminated": {**terminated, "message": message}}}
        ],
        "containerStatuses": [{**common, "name": "stage", "state": {"terminated": terminated}}],
    }


def said():
    stage = StageResult(
        stage="train",
        outcome=StageOutcome.RUN,
        seconds=8.0,
        cost_usd=0.008,
        first_run_seconds=8.0,
        instance_type="small",
    )
    return AgentResult(
        outcome=Outcome.COMPLETED,
        reason="Completed",
        message="",
        fidelity=1.0,
        metrics={"loss": 0.25},
        stages=(stage,),
    ).to_json()


def test_every_crash_point_of_a_study_leads_to_the_same_end(server, tmp_path):
    def run(point):
        scenario = Scenario(server, namespace=f"crash-{point}", folder=tmp_path / str(point))
        return scenario.run(crash_after=point), scenario.crashes

    expected, _ = run(0)
    assert expected["state"] == "Succeeded"
    assert expected["ends"] == [("True", "MaxTrialsReached")]
    assert expected["pods"] == ["s-0-0-1", "s-0-1-1", "s-0-1-2"]
    assert expected["trials"][LOST]["attempts"] == 2
    assert expected["cost"]["spent"] == pytest.approx(30 * PRICE / 3600)
    assert expected["cost"]["preempted"] == pytest.approx(10 * PRICE / 3600)
    assert len(expected["verdicts"]) == 3

    point, crashed = 1, True
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while crashed:
            points = range(point, point + AT_ONCE)
            for outcome, crashes in pool.map(run, points):
                assert outcome == expected
                crashed = crashed and crashes > 0
            point += AT_ONCE
    assert point > 10
