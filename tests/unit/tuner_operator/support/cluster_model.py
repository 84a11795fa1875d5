"""An API server, its kubelets and a study's log in memory, with faults at the test's command."""

from __future__ import annotations

import copy
import itertools
import math
from collections import defaultdict

from tuner.pipeline import HOLD_ENDED, AgentResult
from tuner.trial import Outcome
from tuner_operator import moments
from tuner_operator.actions import LastSign
from tuner_operator.client.errors import AlreadyExists, Conflict, NotFound
from tuner_operator.names import ATTEMPT_LABEL, HOLD, PROMOTED, TRIAL_LABEL
from tuner_operator.observed import Sign

KEY = ("ns", "s")
"""The one study."""


class Crash(BaseException):
    """The operator's process ends here."""


class Cluster:
    """An API server, its kubelets and the study's log; the truth that invariants look at."""

    def __init__(self):
        self.now = 1_800_000_000.0
        self.versions = itertools.count(1)
        self.objects = {}
        self.news = []
        self.verdicts = {}
        self.signs = {}
        self.costs = {}
        self.prices = {}
        self.rungs = {}
        self.results = {}
        self.attempts_made = defaultdict(list)
        self.crash_after = None
        self.crashed = False
        self.unseen = 0.0

    # The operator's requests.

    def changed(self):
        """A request was carried out; its sender may not live to hear of it."""
        if self.crash_after is not None:
            self.crash_after -= 1
            self.crashed = self.crash_after < 0
        self.check()

    def check(self):
        if self.crashed:
            raise Crash

    def put(self, obj, *, event="MODIFIED"):
        meta = obj["metadata"]
        meta["resourceVersion"] = str(next(self.versions))
        self.objects[obj["kind"], meta.get("namespace", ""), meta["name"]] = obj
        self.news.append((event, copy.deepcopy(obj)))
        return copy.deepcopy(obj)

    def drop(self, obj):
        meta = obj["metadata"]
        del self.objects[obj["kind"], meta.get("namespace", ""), meta["name"]]
        meta["resourceVersion"] = str(next(self.versions))
        self.news.append(("DELETED", copy.deepcopy(obj)))
        if TRIAL_LABEL in meta.get("labels", {}):
            self.account(obj)
            self.forgive(obj)

    def forgive(self, pod):
        """A pod that vanished before anything told of it is made again, under its number."""
        labels, meta = pod["metadata"]["labels"], pod["metadata"]
        trial = self.objects.get(("TuningTrial", "ns", labels[TRIAL_LABEL]), {})
        told = [one.get("pod") for one in trial.get("status", {}).get("segments", ())]
        if meta["name"] not in told:
            self.attempts_made[labels[TRIAL_LABEL]].remove(labels[ATTEMPT_LABEL])
            self.unseen += self.costs.get(meta["uid"], 0.0)

    def new(self, obj):
        obj = copy.deepcopy(obj)
        obj["metadata"] |= {
            "uid": f"uid-{next(self.versions)}",
            "creationTimestamp": moments.render(self.now),
            "generation": 1,
        }
        return self.put(obj, event="ADDED")

    async def get(self, kind, *, name, namespace=""):
        self.check()
        try:
            return copy.deepcopy(self.objects[kind, namespace, name])
        except KeyError:
            raise NotFound(name, status=404) from None

    async def create(self, manifest, *, timeout=None):
        self.check()
        meta = manifest["metadata"]
        if (manifest["kind"], meta.get("namespace", ""), meta["name"]) in self.objects:
            raise AlreadyExists(meta["name"], status=409)
        pod = {"status": {"phase": "Pending"}} if manifest["kind"] == "Pod" else {}
        made = self.new({**manifest, **pod})
        if TRIAL_LABEL in meta.get("labels", {}):
            self.attempts_made[meta["labels"][TRIAL_LABEL]].append(meta["labels"][ATTEMPT_LABEL])
            self.agree(made)
        self.changed()
        return made

    def agree(self, pod):
        """A trial's price is that of its first attempt, whatever the type costs by then."""
        labels = pod["metadata"]["labels"]
        trial = self.objects["TuningTrial", "ns", labels[TRIAL_LABEL]]
        price = trial["status"]["segments"][0]["pricePerHour"]
        assert self.prices.setdefault(trial["metadata"]["uid"], price) == price

    def price(self, pod):
        return self.prices[pod["metadata"]["ownerReferences"][0]["uid"]]

    async def patch(self, kind, body, *, name, namespace, status=False):
        obj = await self.get(kind, name=name, namespace=namespace)
        meta = body["metadata"]
        if meta.get("uid") != obj["metadata"]["uid"]:
            raise Conflict("another object", status=409)
        if (
            meta.get("resourceVersion", obj["metadata"]["resourceVersion"])
            != obj["metadata"]["resourceVersion"]
        ):
            raise Conflict("changed", status=409)
        if status:
            merge(obj.setdefault("status", {}), body["status"])
        merge(obj["metadata"].setdefault("annotations", {}), meta.get("annotations", {}))
        if "spec" in body:
            self.shorten(obj, body["spec"])
        if "data" in body:
            obj["data"] = body["data"]
        made = self.put(obj)
        self.changed()
        return made

    def shorten(self, pod, change):
        """All that the API server lets anybody change of a pod that is there."""
        assert set(change) == {"activeDeadlineSeconds"}
        assert 0 < change["activeDeadlineSeconds"] <= pod["spec"]["activeDeadlineSeconds"]
        pod["spec"] |= change

    async def delete(self, kind, *, name, namespace, uid, grace_seconds=None):
        obj = await self.get(kind, name=name, namespace=namespace)
        if uid and obj["metadata"]["uid"] != uid:
            raise Conflict("another object", status=409)
        if kind == "Pod" and obj["spec"].get("nodeName") and is_live(obj):
            if "deletionTimestamp" not in obj["metadata"]:
                obj["metadata"]["deletionTimestamp"] = moments.render(self.now + 90)
                obj = self.put(obj)
            self.changed()
            return obj
        self.drop(obj)
        self.changed()
        return None

    # The log.

    async def write_verdict(self, key, action):
        self.check()
        verdict = action.verdict
        alone = not verdict.start and not verdict.cost_usd and not verdict.seconds
        part = "end" if alone and verdict.state.is_final else str(verdict.segment)
        self.verdicts.setdefault((action.trial, action.attempt, part), verdict)
        self.changed()

    async def answer(self, key, action):
        question = action.question
        assert isinstance(question, LastSign)
        self.answers[question] = self.signs.get((question.trial, question.attempt), Sign())

    # What happens by itself.

    def trials(self):
        return [one for (kind, _, _), one in self.objects.items() if kind == "TuningTrial"]

    def promoted(self, name):
        trial = self.objects.get(("TuningTrial", "ns", name))
        known = {} if trial is None else trial["metadata"].get("annotations", {})
        return math.inf if trial is None else float(known.get(PROMOTED, 0.0))

    def pods(self):
        return [
            one
            for (kind, _, _), one in self.objects.items()
            if kind == "Pod" and TRIAL_LABEL in one["metadata"]["labels"]
        ]

    def account(self, pod):
        """What the pod has truly cost, once it has ended."""
        start = started(pod)
        if start is None:
            return
        end = min(self.now, pod.get("finished", self.now))
        self.costs[pod["metadata"]["uid"]] = (end - start) * self.price(pod) / 3600

    def end(self, pod, *, phase, message="", reason="", stage=None):
        pod = copy.deepcopy(pod)
        at = moments.render(self.now)
        ended = {"exitCode": 0 if phase == "Succeeded" else 1, "finishedAt": at}
        pod["status"] |= {
            "phase": phase,
            "reason": reason,
            "initContainerStatuses": [
                {"name": "agent", "state": {"terminated": {**ended, "message": message}}}
            ],
            "containerStatuses": [{"name": "stage", "state": {"terminated": stage or ended}}],
        }
        pod["finished"] = self.now
        self.put(pod)
        self.account(pod)

    def said(self, pod):
        """Whether its agent has written a result that ends the attempt."""
        return place_of(pod) in self.results

    def leaving(self):
        """Attempts with such a result and without a verdict: the log tells of them at once."""
        judged = {(trial, attempt) for trial, attempt, _ in self.verdicts}
        return frozenset(set(self.results) - judged)

    def end_holds(self):
        """Agents wait for a place for a minute."""
        for pod in self.pods():
            start = started(pod)
            waits = is_live(pod) and is_held(pod) and "containerStatuses" in pod["status"]
            if waits and self.now >= start + 60:
                late, self.now = self.now, start + 60
                self.hand_back(pod)
                self.now = late

    def hand_back(self, pod):
        self.end(pod, phase="Succeeded", message=said(Outcome.PAUSED, HOLD_ENDED))

    def enforce_deadlines(self):
        for pod in self.pods():
            limit = pod["spec"].get("activeDeadlineSeconds")
            start = started(pod)
            if not is_live(pod) or start is None or limit is None or self.said(pod):
                continue
            if self.now >= start + limit:
                late, self.now = self.now, start + limit
                self.end(pod, phase="Failed", reason="DeadlineExceeded")
                self.now = late


def merge(target, patch):
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = value


def is_live(pod):
    return pod["status"]["phase"] not in ("Succeeded", "Failed")


def is_held(pod):
    return bool(pod["metadata"]["annotations"].get(HOLD))


def place_of(pod):
    labels = pod["metadata"]["labels"]
    return labels[TRIAL_LABEL], int(labels[ATTEMPT_LABEL])


def started(pod):
    conditions = pod["status"].get("conditions") or ()
    times = [one["lastTransitionTime"] for one in conditions if one["status"] == "True"]
    return moments.parse(times[0]) if times else None


def said(outcome, reason="", *, rung=None):
    return AgentResult(
        outcome=outcome,
        reason=reason,
        message="",
        fidelity=1.0,
        metrics={"loss": 0.5},
        stages=(),
        rung=rung,
    ).to_json()
