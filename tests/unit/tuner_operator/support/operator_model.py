"""One process of the operator against the cluster's model."""

from __future__ import annotations

import asyncio
import copy
from collections import defaultdict

from cluster_model import KEY

from tuner_operator.client.apply import Applier
from tuner_operator.controller import Controller
from tuner_operator.facts import Facts
from tuner_operator.memory import Memory
from tuner_operator.metrics import Metrics
from tuner_operator.observed import LogView, StoreView
from tuner_operator.reconcile import reconcile
from tuner_operator.settings import Settings
from tuner_operator.views import Views

LOOP = asyncio.new_event_loop()


async def drain():
    """Lets what a crashed process left in the loop fail."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*left, return_exceptions=True)


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
