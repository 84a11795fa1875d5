"""The whole control loop against a cluster that loses, repeats, delays and crashes."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import itertools
import json
import math
from collections import defaultdict

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tuner.pipeline import HOLD_ENDED, AgentResult
from tuner.spec.trial import TrialState
from tuner.trial import Outcome
from tuner_operator import moments
from tuner_operator.actions import LastSign
from tuner_operator.client.apply import Applier
from tuner_operator.client.errors import AlreadyExists, Conflict, NotFound
from tuner_operator.controller import Controller
from tuner_operator.facts import Facts
from tuner_operator.memory import Memory
from tuner_operator.metrics import Metrics
from tuner_operator.names import ATTEMPT_LABEL, COMMAND, HOLD, PLAN, PROMOTED, TRIAL_LABEL
from tuner_operator.observed import LogView, Sign, StoreView
from tuner_operator.reconcile import ahead, reconcile
from tuner_operator.settings import Settings
from tuner_operator.views import Views

KEY = ("ns", "s")
LOOP = asyncio.new_event_loop()
PRICE = 3.6
SPEC = {
    "objectives": [{"metric": "loss", "direction": "Minimize"}],
    "parameters": [{"name": "x", "float": {"min": 0, "max": 1}}],
    "hardware": {"instanceTypes": ["small"]},
    "pipeline": {
        "image": "busybox:1",
        "stages": [{"name": "train", "command": ["true"]}],
    },
    "fidelity": {"name": "epoch", "stage": "train", "max": 9},
    "scheduler": {"variant": "Promotion"},
    "searcher": {"type": "Random"},
    "parallelTrials": 2,
    "budget": {"maxTrials": 4, "maxCost": 1.0},
    "trialLimits": {"maxDuration": "5m", "pendingTimeout": "10m", "maxAttempts": 3},
}


WHAT = ["schedule", "crowd", "start", "complete", "fail", "lose", "oom", "obey", "pause", "say"]


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


async def drain():
    """Lets what a crashed process left in the loop fail."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*left, return_exceptions=True)


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


class Operator:
    """One process: it forgets everything when it crashes."""

    def __init__(self, cluster):
        self.cluster = cluster

        def clock():
            return cluster.now

        self.facts = Facts(clock=clock)
        self.facts.stores["ns"] = StoreView(reachable=True)
        cluster.answers = self.facts.answers[KEY]
        self.memory = Memory(changed=lambda key: self.views.touch(key), types_changed=lambda: None)
        self.views = Views(self.memory)

        async def tell(action):
            return None

        applier = Applier(
            cluster,
            memory=self.memory,
            book=cluster,
            refuse=self.facts.refuse,
            tell=tell,
            wrote=lambda obj: None,
        )
        self.controller = Controller(
            memory=self.memory,
            views=self.views,
            facts=self.facts,
            applier=applier,
            settings=Settings(),
            metrics=Metrics(),
            clock=clock,
        )
        self.relist()

    def relist(self):
        self.memory.doubt_children()
        for kind in ("InstanceType", "Node", "TuningStudy", "TuningTrial", "Pod"):
            items = [one for (k, _, _), one in self.cluster.objects.items() if k == kind]
            version = next(self.cluster.versions)
            self.memory.relist(kind, copy.deepcopy(items), version=version)

    def hear(self, event, obj):
        if event == "DELETED":
            self.memory.remove(obj)
        else:
            self.memory.put(obj)

    def work(self):
        study = self.views.study(KEY)
        if study is not None:
            ended = defaultdict(tuple)
            for (trial, _, _), verdict in self.cluster.verdicts.items():
                ended[trial] += (verdict,)
            final = {
                name: some for name, some in ended.items() if any(v.state.is_final for v in some)
            }
            leaving = self.cluster.leaving()
            self.facts.logs[KEY] = (study.ref.uid, LogView(ended=final, leaving=leaving))
        return LOOP.run_until_complete(self.controller.work(KEY))

    def is_content(self):
        observed = self.controller.observe(KEY)
        return observed is None or not reconcile(observed)


class ControlLoop(RuleBasedStateMachine):
    ahead = False
    """Whether pods are made ahead of their places."""

    @initialize()
    def begin(self):
        self.cluster = Cluster()
        self.number = itertools.count()
        self.lost_sight = 0.0
        self.most_money = SPEC["budget"]["maxCost"]
        self.most_parallel = SPEC["parallelTrials"]
        self.cluster.new(
            {
                "kind": "InstanceType",
                "metadata": {"name": "small"},
                "spec": {"pricePerHour": PRICE},
            }
        )
        self.cluster.new(
            {
                "kind": "TuningStudy",
                "metadata": {"name": "s", "namespace": "ns"},
                "spec": copy.deepcopy(SPEC)
                | ({"workers": {"lookAhead": "Pod"}} if self.ahead else {}),
            }
        )
        self.operator = Operator(self.cluster)

    # Faults of the messages.

    @rule(count=st.integers(1, 6))
    def deliver(self, count):
        for _ in range(min(count, len(self.cluster.news))):
            self.operator.hear(*self.cluster.news.pop(0))

    @rule(index=st.integers(0, 5))
    def deliver_out_of_order(self, index):
        if index < len(self.cluster.news):
            self.operator.hear(*self.cluster.news.pop(index))

    @rule(index=st.integers(0, 5))
    def deliver_twice(self, index):
        if index < len(self.cluster.news):
            self.operator.hear(*self.cluster.news[index])

    @rule()
    def lose_messages_and_list_again(self):
        self.cluster.news.clear()
        self.operator.relist()

    # The operator.

    @rule()
    def work(self):
        self.operator.work()

    @rule(requests=st.integers(0, 6))
    def crash(self, requests):
        self.cluster.crash_after = requests
        with contextlib.suppress(Crash):
            self.operator.work()
        LOOP.run_until_complete(drain())
        self.cluster.crash_after = None
        self.cluster.crashed = False
        self.operator = Operator(self.cluster)

    # Workers and users.

    @rule()
    def propose(self):
        study = self.cluster.objects["TuningStudy", *KEY]
        number = next(self.number)
        owner = {"kind": "TuningStudy", "name": "s", "uid": study["metadata"]["uid"]}
        self.cluster.new(
            {
                "kind": "TuningTrial",
                "metadata": {
                    "name": f"s-0-{number}",
                    "namespace": "ns",
                    "ownerReferences": [{**owner, "controller": True}],
                },
                "spec": {
                    "study": "s",
                    "worker": 0,
                    "number": number,
                    "parameters": {"x": 0.5},
                    "instanceTypes": {"train": "small"},
                },
            }
        )

    @precondition(lambda self: hasattr(self, "cluster") and self.cluster.trials())
    @rule(data=st.data(), rung=st.sampled_from(["1", "3"]))
    def promote(self, data, rung):
        """Any worker, at any time: also before the pause is seen, twice, or of what has ended."""
        trial = data.draw(st.sampled_from(self.cluster.trials()), label="trial")
        self._promote(trial, rung)

    def _promote(self, trial, rung):
        trial = copy.deepcopy(trial)
        known = trial["metadata"].setdefault("annotations", {})
        known[PROMOTED] = max(known.get(PROMOTED, "0"), rung)
        self.cluster.put(trial)

    @rule(
        suspend=st.booleans(),
        parallel=st.integers(0, 3),
        money=st.sampled_from([0.2, 1.0, 2.0]),
        trials=st.integers(1, 6),
    )
    def change_spec(self, suspend, parallel, money, trials):
        study = copy.deepcopy(self.cluster.objects["TuningStudy", *KEY])
        study["spec"] |= {"suspend": suspend, "parallelTrials": parallel}
        study["spec"]["budget"] = {"maxTrials": trials, "maxCost": money}
        study["metadata"]["generation"] += 1
        self.most_money = max(self.most_money, money)
        self.most_parallel = max(self.most_parallel, parallel)
        self.cluster.put(study)

    @rule(price=st.sampled_from([0.5 * PRICE, PRICE]))
    def change_price(self, price):
        offer = copy.deepcopy(self.cluster.objects["InstanceType", "", "small"])
        offer["spec"]["pricePerHour"] = price
        self.cluster.put(offer)

    @rule(seconds=st.sampled_from([1, 20, 200, 1000]))
    def wait(self, seconds):
        self.cluster.now += seconds
        self.cluster.end_holds()
        self.cluster.enforce_deadlines()

    @precondition(lambda self: hasattr(self, "cluster") and self.cluster.pods())
    @rule(data=st.data())
    def delete_a_trial(self, data):
        pod = data.draw(st.sampled_from(self.cluster.pods()), label="pod")
        trial = self.cluster.objects.get(
            ("TuningTrial", "ns", pod["metadata"]["labels"][TRIAL_LABEL])
        )
        if trial is None:
            return
        self.cluster.drop(trial)
        # Nobody counts what its pod costs until it is taken away.
        self.lost_sight += 3 * 1100 * PRICE / 3600

    # Kubelets.

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

    # What must always hold.

    @invariant()
    def one_live_attempt_per_trial(self):
        if not hasattr(self, "cluster"):
            return
        live = [
            one["metadata"]["labels"][TRIAL_LABEL] for one in self.cluster.pods() if is_live(one)
        ]
        owned = [name for name in live if ("TuningTrial", "ns", name) in self.cluster.objects]
        assert len(set(owned)) == len(owned)

    @invariant()
    def no_attempt_is_made_twice(self):
        if hasattr(self, "cluster"):
            for attempts in self.cluster.attempts_made.values():
                assert sorted(set(attempts)) == sorted(attempts)

    @invariant()
    def nobody_passes_a_rung_without_a_promotion(self):
        if not hasattr(self, "cluster"):
            return
        for pod in self.cluster.pods():
            if is_live(pod):
                name = pod["metadata"]["labels"][TRIAL_LABEL]
                assert self.cluster.rungs.get(name, 0.0) <= self.cluster.promoted(name)

    @invariant()
    def spend_keeps_the_budget(self):
        if not hasattr(self, "cluster"):
            return
        now = sum(
            (self.cluster.now - (started(one) or self.cluster.now)) * self.cluster.price(one) / 3600
            for one in self.cluster.pods()
            if is_live(one)
        )
        spent = sum(self.cluster.costs.values()) + now
        stopping = (self.most_parallel + self.most_held) * 90 * PRICE / 3600
        assert spent <= self.most_money + stopping + self.lost_sight + self.cluster.unseen

    @property
    def most_held(self):
        return -(-self.most_parallel // 2) if self.ahead else 0

    @invariant()
    def nobody_runs_without_a_place(self):
        """Of what the operator made: a pod whose trial was deleted may still be there."""
        if not hasattr(self, "cluster"):
            return
        mine = [one for one in self.cluster.pods() if is_live(one)]
        mine = [
            one for one in mine if ("TuningTrial", "ns", place_of(one)[0]) in self.cluster.objects
        ]
        running = [one for one in mine if not is_held(one) and not self.cluster.said(one)]
        assert len(running) <= self.most_parallel
        assert len([one for one in mine if is_held(one)]) <= self.most_held

    @invariant()
    def one_verdict_per_attempt(self):
        if not hasattr(self, "cluster"):
            return
        seen = [(trial, attempt) for trial, attempt, part in self.cluster.verdicts if part != "end"]
        assert len(seen) == len(set(seen))

    def teardown(self):
        if not hasattr(self, "cluster"):
            return
        for turn in range(24):
            if turn in (4, 8):
                for trial in self.cluster.trials():
                    self._promote(trial, "1" if turn == 4 else "3")
            self.cluster.news.clear()
            self.operator.relist()
            for _ in range(8):
                self.operator.work()
                if self.operator.is_content():
                    break
            else:
                pytest.fail("reconciliation does not become stable")
            self.nobody_passes_a_rung_without_a_promotion()
            self.collect_garbage()
            for pod in self.cluster.pods():
                if is_live(pod):
                    told = pod["metadata"]["annotations"].get(COMMAND)
                    self._do("obey" if is_held(pod) and told else "pause", copy.deepcopy(pod))
            self.cluster.now += 30
            self.cluster.end_holds()
        self._settled()

    def _settled(self):
        study = self.cluster.objects["TuningStudy", *KEY]
        assert not [one for one in self.cluster.pods() if is_live(one)]
        suspended = study["spec"].get("suspend")
        idle = study["spec"]["parallelTrials"] == 0
        trials = [
            one for (kind, _, _), one in self.cluster.objects.items() if kind == "TuningTrial"
        ]
        states = [TrialState(one["status"]["state"]) for one in trials]
        if not (suspended or idle):
            assert all(state.is_final for state in states)
        counts = study["status"]["trials"]
        # What was deleted is in the log alone.
        assert counts["completed"] >= states.count(TrialState.COMPLETED)
        assert counts["total"] >= len(states)
        paid = sum(one.cost_usd for one in self.cluster.verdicts.values())
        lost = sum(one.cost_usd for one in self.cluster.verdicts.values() if one.infrastructure)
        assert study["status"]["cost"]["spent"] == pytest.approx(paid, abs=1e-5)
        assert study["status"]["cost"]["preempted"] == pytest.approx(lost, abs=1e-5)
        for trial in trials:
            self._adds_up(trial)

    def _adds_up(self, trial):
        """What a trial's status says it cost is what its verdicts say."""
        mine = [
            verdict
            for (name, _, _), verdict in self.cluster.verdicts.items()
            if name == trial["metadata"]["name"]
        ]
        paid = sum(one.cost_usd for one in mine)
        assert trial["status"].get("cost", 0.0) == pytest.approx(paid, abs=1e-8)


class ControlLoopAhead(ControlLoop):
    """With pods that are made ahead of their places."""

    ahead = True

    @initialize()
    def be_patient(self):
        """The clock leaps: evaluations seem long, and nothing would be made ahead of them."""
        ahead.PATIENT_SECONDS = math.inf

    @rule()
    def fill(self):
        """Every place is taken, and what may be made ahead is."""
        for _ in range(2):
            self.propose()
        for _ in range(3):
            self.deliver(len(self.cluster.news))
            self.operator.work()
            for pod in self.cluster.pods():
                if is_live(pod):
                    self._do("start", copy.deepcopy(pod))

    @rule(told=st.booleans())
    def hand_over(self, told):
        """Trials end, and the log tells of it before the kubelet does."""
        for pod in self.cluster.pods():
            if is_live(pod) and started(pod) is not None:
                self._do("say", copy.deepcopy(pod))
                break
        if told:
            self.deliver(len(self.cluster.news))
            self.operator.work()

    def teardown(self):
        try:
            super().teardown()
        finally:
            ahead.PATIENT_SECONDS = PATIENT_SECONDS


PATIENT_SECONDS = ahead.PATIENT_SECONDS

TestControlLoop = ControlLoop.TestCase
TestControlLoopAhead = ControlLoopAhead.TestCase
TestControlLoop.settings = TestControlLoopAhead.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
