"""The whole control loop against a cluster that loses, repeats, delays and crashes."""

from __future__ import annotations

import contextlib
import copy
import itertools
import math

import pytest
from cluster_model import KEY, Cluster, Crash, is_held, is_live, place_of, started
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from kubelets import Kubelets
from operator_model import LOOP, Operator, drain

from tuner.spec.trial import TrialState
from tuner_operator.names import COMMAND, PROMOTED, TRIAL_LABEL
from tuner_operator.reconcile import ahead

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


class ControlLoop(Kubelets, RuleBasedStateMachine):
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
