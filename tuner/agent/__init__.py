"""The agent: beside every trial's runner; restores, relays, decides at rungs, stores.

Needs the standard library and, for S3, minio: it is in every trial pod.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tuner.agent.events import Commanded
from tuner.agent.loop import Agent, AgentOptions, CommandSource
from tuner.agent.runner import runner_command, runner_script
from tuner.artifacts import ArtifactStore
from tuner.pipeline.plan import TrialPlan
from tuner.pipeline.result import AgentResult

__all__ = [
    "Agent",
    "AgentOptions",
    "CommandSource",
    "Commanded",
    "run",
    "runner_command",
    "runner_script",
]


def run(
    plan: TrialPlan,
    store: ArtifactStore,
    *,
    options: AgentOptions | None = None,
    command: CommandSource | None = None,
    clock: Callable[[], float] = time.time,
) -> AgentResult | None:
    """Carries out one attempt; None if it was interrupted or the runner was lost.

    Args:
        plan: What to do; its `layout` is the folder shared with the runner.
        store: Where log, cache and checkpoints are.
        options: How; with `start_runner` the runner is a process started here.
        command: Asked several times a second what the trial is told.
        clock: Seconds since the epoch.
    """
    return Agent(plan, store, options=options, command=command, clock=clock).run()
