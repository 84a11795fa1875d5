"""What happens to pods without the operator."""

from __future__ import annotations

import copy
import json

from cluster_model import is_held, is_live, place_of, said, started
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tuner.pipeline import AgentResult
from tuner.trial import Outcome
from tuner_operator import moments
from tuner_operator.names import COMMAND, PLAN
from tuner_operator.observed import Sign

WHAT = ["schedule", "crowd", "start", "complete", "fail", "lose", "oom", "obey", "pause", "say"]


class Kubelets:
    """Rules of a machine with a `cluster`."""

    @precondition(lambda self: hasattr(self, "cluster") and self.cluster.pods())
    @rule(
        data=st.data(),
        what=st.sampled_from(WHAT),
    )
    def kubelet(self, data, what):
        pod = data.draw(st.sampled_from(self.cluster.pods()), label="pod")
        if is_live(pod):
            self._do(what, copy.deepcopy(pod))

    def _do(self, what, pod):
        if is_held(pod) and what not in ("schedule", "crowd", "lose", "obey"):
            # Its agent waits.
            what = "start"
        elif self.cluster.said(pod) and what != "lose":
            what = "complete"
        getattr(self, f"_{what}")(pod)

    def _schedule(self, pod):
        if started(pod) is None:
            pod["spec"]["nodeName"] = "node"
            pod["status"]["conditions"] = [
                {
                    "type": "PodScheduled",
                    "status": "True",
                    "lastTransitionTime": moments.render(self.cluster.now),
                }
            ]
            self.cluster.put(pod)

    def _crowd(self, pod):
        """The scheduler finds no room."""
        if started(pod) is None:
            pod["status"]["conditions"] = [
                {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}
            ]
            self.cluster.put(pod)

    def _start(self, pod):
        self._schedule(pod)
        pod["status"]["phase"] = "Running"
        pod["status"]["containerStatuses"] = [{"name": "stage", "state": {"running": {}}}]
        self.cluster.put(pod)

    def _complete(self, pod):
        self._start(pod)
        self.cluster.end(pod, phase="Succeeded", message=said(Outcome.COMPLETED))

    def _say(self, pod):
        """The result is in the log, and the kubelet does not tell yet."""
        self._start(pod)
        self.cluster.results[place_of(pod)] = AgentResult.from_json(said(Outcome.COMPLETED))

    def _fail(self, pod):
        self._start(pod)
        self.cluster.end(pod, phase="Failed", message=said(Outcome.FAILED, "ExitCode"))

    def _oom(self, pod):
        self._start(pod)
        stage = {"reason": "OOMKilled", "exitCode": 137}
        self.cluster.end(pod, phase="Failed", stage=stage)

    def _lose(self, pod):
        place = place_of(pod)
        result = self.cluster.results.get(place)
        self.cluster.signs[place] = Sign(seen=self.cluster.now, result=result)
        self.cluster.drop(pod)

    def _pause(self, pod):
        """At the next rung from which its plan does not promote it."""
        promoted = json.loads(pod["metadata"]["annotations"][PLAN])["fidelity"]["promoted"]
        rung = next((one for one in (1.0, 3.0) if one > promoted), None)
        if rung is None:
            self._complete(pod)
        else:
            self._start(pod)
            word = said(Outcome.PAUSED, "Rung", rung=rung)
            place = place_of(pod)
            self.cluster.results[place] = AgentResult.from_json(word)
            self.cluster.rungs[place[0]] = rung
            self.cluster.end(pod, phase="Succeeded", message=word)

    def _obey(self, pod):
        command = pod["metadata"]["annotations"].get(COMMAND)
        if not command:
            return
        self._start(pod)
        outcome = Outcome.PAUSED if command == "checkpoint" else Outcome.STOPPED
        self.cluster.end(pod, phase="Succeeded", message=said(outcome, "Command"))

    @rule()
    def collect_garbage(self):
        """Kubernetes removes pods that were asked to go, and those without their owner."""
        trials = {
            one["metadata"]["uid"]
            for (k, _, _), one in self.cluster.objects.items()
            if k == "TuningTrial"
        }
        for pod in self.cluster.pods():
            orphan = pod["metadata"]["ownerReferences"][0]["uid"] not in trials
            if orphan or "deletionTimestamp" in pod["metadata"]:
                self._lose(copy.deepcopy(pod))
