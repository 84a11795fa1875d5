"""The operator dies after every single request of a study that makes pods ahead."""

from __future__ import annotations

import copy
import math

import pytest
from cluster_model import KEY, Cluster, Crash, is_held, is_live, said, started
from operator_model import LOOP, Operator, drain

from tuner.pipeline import AgentResult
from tuner.spec.trial import TrialState
from tuner.trial import Outcome
from tuner_operator import moments
from tuner_operator.names import TRIAL_LABEL
from tuner_operator.reconcile import ahead

TRIALS = 4
SPEC = {
    "objectives": [{"metric": "loss", "direction": "Minimize"}],
    "parameters": [{"name": "x", "float": {"min": 0, "max": 1}}],
    "hardware": {"instanceTypes": ["small"]},
    "pipeline": {"image": "busybox:1", "stages": [{"name": "train", "command": ["true"]}]},
    "parallelTrials": 2,
    "workers": {"lookAhead": "Pod"},
    "budget": {"maxTrials": TRIALS, "maxCost": 1.0},
    "trialLimits": {"maxDuration": "100s"},
}


class Scene:
    """Trials of which one after the other ends, while an operator may die."""

    def __init__(self, *, crash_after):
        self.cluster = cluster = Cluster()
        cluster.new(
            {"kind": "InstanceType", "metadata": {"name": "small"}, "spec": {"pricePerHour": 3.6}}
        )
        study = cluster.new(
            {
                "kind": "TuningStudy",
                "metadata": {"name": KEY[1], "namespace": KEY[0]},
                "spec": copy.deepcopy(SPEC),
            }
        )
        for number in range(TRIALS):
            cluster.new(_trial(number, study))
        self.operator = Operator(cluster)
        self.waited = 0
        cluster.crash_after = crash_after

    @property
    def has_crashed(self):
        return self.cluster.crash_after is None

    def work(self):
        """Passes until nothing is left to do; a process that dies is followed by another."""
        for _ in range(12):
            try:
                while self.cluster.news:
                    self.operator.hear(*self.cluster.news.pop(0))
                self.operator.work()
            except Crash:
                LOOP.run_until_complete(drain())
                self.cluster.crash_after, self.cluster.crashed = None, False
                self.cluster.news.clear()
                self.operator = Operator(self.cluster)
            self.check()
            if self.operator.is_content():
                return
        pytest.fail("reconciliation does not become stable")

    def check(self):
        live = [one for one in self.cluster.pods() if is_live(one)]
        running = [one for one in live if not is_held(one) and not self.cluster.said(one)]
        assert len(running) <= 2
        assert len(live) - len(running) <= 1 + sum(map(self.cluster.said, live))
        names = [one["metadata"]["labels"][TRIAL_LABEL] for one in live]
        assert len(set(names)) == len(names)
        for trial in self.cluster.trials():
            for segment in trial.get("status", {}).get("segments", ()):
                pod = self.cluster.objects.get(("Pod", "ns", segment.get("pod")))
                if pod is not None and segment.get("held"):
                    assert is_held(pod), "it may run, and its status says that it waits"

    def start(self):
        """Kubelets start what was made."""
        self.cluster.now += 2
        for pod in self.cluster.pods():
            if is_live(pod) and started(pod) is None:
                pod = copy.deepcopy(pod)
                pod["spec"]["nodeName"] = "node"
                at = {"type": "PodScheduled", "status": "True"}
                at["lastTransitionTime"] = moments.render(self.cluster.now)
                pod["status"] |= {
                    "phase": "Running",
                    "conditions": [at],
                    "containerStatuses": [{"name": "stage", "state": {"running": {}}}],
                }
                self.cluster.put(pod)
        self.waited += sum(is_live(one) and is_held(one) for one in self.cluster.pods())

    def end_one(self):
        """A result is written; a second later the kubelet tells of its pod's end."""
        running = [one for one in self.cluster.pods() if is_live(one) and not is_held(one)]
        for pod in running[:1]:
            labels = pod["metadata"]["labels"]
            word = said(Outcome.COMPLETED)
            place = labels[TRIAL_LABEL], int(labels["tuner.dev/attempt"])
            self.cluster.results[place] = AgentResult.from_json(word)
            self.cluster.now += 5
            self.work()
            self.cluster.end(pod, phase="Succeeded", message=word)


def _trial(number, study):
    owner = {"kind": "TuningStudy", "name": KEY[1], "uid": study["metadata"]["uid"]}
    return {
        "kind": "TuningTrial",
        "metadata": {
            "name": f"s-0-{number}",
            "namespace": "ns",
            "ownerReferences": [{**owner, "controller": True}],
        },
        "spec": {
            "study": KEY[1],
            "worker": 0,
            "number": number,
            "parameters": {"x": 0.5},
            "instanceTypes": {"train": "small"},
        },
    }


def play(*, crash_after):
    scene = Scene(crash_after=crash_after)
    for _ in range(TRIALS + 1):
        scene.work()
        scene.start()
        scene.work()
        scene.start()
        scene.end_one()
    scene.work()
    return scene


def test_a_crash_after_any_request_changes_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ahead, "PATIENT_SECONDS", math.inf)
    undisturbed = play(crash_after=None)
    assert undisturbed.waited >= TRIALS - 2, "nothing was made ahead"
    requests, crashed = 0, True
    while crashed:
        scene = play(crash_after=requests)
        states = {TrialState(one["status"]["state"]) for one in scene.cluster.trials()}
        assert states == {TrialState.COMPLETED}, requests
        assert len(scene.cluster.verdicts) == TRIALS
        attempts = [one["status"]["attempts"] for one in scene.cluster.trials()]
        assert attempts == [1] * TRIALS
        crashed = scene.has_crashed
        requests += 1
    assert requests > 20
