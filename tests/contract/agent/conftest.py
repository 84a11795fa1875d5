"""A trial of shell stages over a store in a folder, with the real runner and no cluster."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tuner.agent import Agent, AgentOptions, Commanded
from tuner.agent.runner import kill_runner
from tuner.artifacts import FolderStore
from tuner.log import Kind, Record, StudyLog
from tuner.pipeline.layout import Layout
from tuner.pipeline.plan import FidelityPlan, ObjectivePlan, StagePlan, TrialPlan
from tuner.pipeline.result import AgentResult

DEADLINE_SECONDS = 30.0
STUDY = "studies/local/digits.local"

TRAIN = """
k=$(cat $TUNER_CHECKPOINT_DIR/k 2>/dev/null || echo 0)
while [ $k -lt ${TUNER_FIDELITY:-3} ]; do
    k=$((k+1)); echo $k >$TUNER_CHECKPOINT_DIR/new
    mv $TUNER_CHECKPOINT_DIR/new $TUNER_CHECKPOINT_DIR/k
    echo "{\\"epoch\\": $k, \\"loss\\": 0.$((9-k))}" >>$TUNER_REPORTS
    sleep ${PACE:-0}
done
echo model >$TUNER_OUTPUT_DIR/model
"""


@dataclass
class Bench:
    """Makes plans and runs agents on them."""

    folder: Path
    store: FolderStore
    options: AgentOptions
    bases: list[Path] = field(default_factory=list)

    @property
    def log(self) -> StudyLog:
        return StudyLog(self.store, STUDY)

    def plan(
        self,
        stages: Mapping[str, str],
        *,
        trial: str = "digits-0-0",
        attempt: int = 1,
        metrics: Mapping[str, str | None] | None = None,
        fidelity: FidelityPlan | None = None,
        changes: Mapping[str, Mapping[str, Any]] | None = None,
        **fields: Any,
    ) -> TrialPlan:
        """A plan of shell scripts by stage; `changes` replaces fields of stages."""
        base = self.folder / f"{trial}.{attempt}.{fields.get('segment', 0)}"
        plans: list[StagePlan] = []
        for name, script in stages.items():
            stage = self._stage(base, name, script, before=plans, fidelity=fidelity)
            plans.append(replace(stage, **(changes or {}).get(name, {})))
        objectives = tuple(
            ObjectivePlan(metric=metric, minimize=True, best=False, stage=stage)
            for metric, stage in (metrics or {}).items()
        )
        defaults: dict[str, Any] = {"segment": 0, "last": True, "grace_seconds": 60.0}
        return TrialPlan(
            study_prefix=STUDY,
            cache_prefix="cache/local",
            trial=trial,
            attempt=attempt,
            bracket=0,
            stages=tuple(plans),
            objectives=objectives,
            fidelity=fidelity,
            layout=str(base),
            **{**defaults, **fields},
        )

    def _stage(
        self,
        base: Path,
        name: str,
        script: str,
        *,
        before: list[StagePlan],
        fidelity: FidelityPlan | None,
    ) -> StagePlan:
        files = Layout(base).stage(name)
        env = {
            "TUNER_REPORTS": str(files.reports),
            "TUNER_OUTPUT_DIR": str(files.output),
            "TUNER_CHECKPOINT_DIR": str(files.checkpoint),
            "TUNER_PARAMETERS": str(files.parameters),
        }
        for earlier in before:
            output = Layout(base).stage(earlier.name).output
            env[f"TUNER_STAGE_{earlier.name.upper()}_DIR"] = str(output)
        if fidelity is not None and fidelity.stage == name:
            env["TUNER_FIDELITY"] = f"{fidelity.maximum:g}"
        previous = before[-1].key if before else ""
        return StagePlan(
            name=name,
            argv=("/bin/sh", "-c", script),
            env=env,
            parameters={"lr": 0.1},
            key=hashlib.sha256(f"{previous} {name} {script}".encode()).hexdigest(),
            reuse=True,
            instance_type="cpu",
            price_per_hour=3600.0,
            timeout_seconds=None,
            run=True,
        )

    def agent(self, plan: TrialPlan, **arguments: Any) -> Agent:
        self.bases.append(Path(plan.layout))
        options = arguments.pop("options", self.options)
        return Agent(plan, self.store, options=options, **arguments)

    def run(self, plan: TrialPlan, **arguments: Any) -> AgentResult | None:
        return self.agent(plan, **arguments).run()

    def completed(self, plan: TrialPlan, **arguments: Any) -> AgentResult:
        result = self.run(plan, **arguments)
        assert result is not None
        return result

    def records(self, kind: Kind, trial: str = "digits-0-0") -> list[Record]:
        return [one for one in self.log.read_all() if one.kind is kind and one.trial == trial]

    def waiting(self, condition: Callable[[], bool]) -> None:
        """Sleeps until the condition holds."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "it did not come to pass"
            time.sleep(0.01)

    def when(self, condition: Callable[[], bool], command: Commanded) -> Callable[[], Any]:
        """A command source that speaks once, as soon as the condition holds."""
        told: list[bool] = []

        def source() -> Commanded | None:
            if told or not condition():
                return None
            told.append(True)
            return command

        return source


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    options = AgentOptions(start_runner=True, tick_seconds=0.02, heartbeat_seconds=600.0)
    bench = Bench(tmp_path, FolderStore(str(tmp_path / "store")), options)
    yield bench
    for base in set(bench.bases):
        kill_runner(Layout(base))


@pytest.fixture
def epochs() -> FidelityPlan:
    return FidelityPlan(
        name="epoch",
        stage="train",
        maximum=3.0,
        rungs=(1.0,),
        reduction_factor=3.0,
        restart=False,
    )


@pytest.fixture
def train() -> str:
    return TRAIN


@pytest.fixture(autouse=True)
def _no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PACE", raising=False)
    assert "TUNER_REPORTS" not in os.environ
