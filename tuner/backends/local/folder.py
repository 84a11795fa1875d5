"""The folder of one attempt: what is written before it starts, and what is left of it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from tuner.backends.attempts import Attempt, Cause, Order, Phase
from tuner.errors import PipelineError
from tuner.pipeline import AgentResult, Layout, plan_from_json, plan_to_json
from tuner.study.budget import Bound, Grant
from tuner.trial import Command, Outcome

MAX_OUTPUT_BYTES = 1 << 20
"""What is kept of an attempt's output once it has ended."""


class AttemptFolder:
    """The files of one attempt, below `Layout`'s base.

    Args:
        base: The folder; made when the attempt is written down.
    """

    def __init__(self, base: Path) -> None:
        self.base = base
        self.plan = base / "plan.json"
        self.grant = base / "grant.json"
        self.command = base / "command"
        self.result = base / "result.json"
        self.agent_log = base / "agent.log"
        self.started = base / "started"

    def write(self, order: Order) -> None:
        """Writes an order down; the grant comes last and says that all is there."""
        self.base.mkdir(parents=True, exist_ok=True)
        self.plan.write_text(plan_to_json(order.plan), encoding="utf-8")
        grant = {**asdict(order.grant), "bound": str(order.grant.bound)}
        self._whole(self.grant, json.dumps(grant))

    def read(self) -> Order | None:
        """The order, or None if it was not written whole."""
        try:
            grant: Mapping[str, object] = json.loads(self.grant.read_text(encoding="utf-8"))
            plan = plan_from_json(self.plan.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError, PipelineError):
            return None
        # What `write` wrote: JSON keeps the types of all fields but one.
        values = {**grant, "bound": Bound(str(grant["bound"]))}
        return Order(plan=plan, grant=Grant(**values))  # type: ignore[arg-type]

    def mark_started(self) -> None:
        """Notes the time from which on the attempt costs money."""
        self.started.touch()

    def tell(self, command: Command, *, reason: str = "") -> None:
        """Writes the command that the agent watches for."""
        self._whole(self.command, f"{command} {reason}".strip())

    def outcome(self) -> AgentResult | None:
        """What the agent said at the end, or None."""
        try:
            return AgentResult.from_json(self.result.read_text(encoding="utf-8"))
        except (FileNotFoundError, PipelineError):
            return None

    def leftover(self, order: Order) -> Attempt:
        """The attempt as a crash of `tuner run` left it: ended when it last wrote a file.

        One that was still waiting for its place is not counted as lost.
        """
        start = self.started.stat().st_mtime if self.started.exists() else 0.0
        times = [path.stat().st_mtime for path in self._signs() if path.exists()]
        result = self.outcome() if start else never_ran(Command.CHECKPOINT)
        return Attempt(
            order=order,
            phase=Phase.ENDED,
            start=start,
            end=max(start, *times) if times else start,
            result=result,
            cause=Cause.NONE if result else Cause.LOST,
            message="" if result else "tuner run was killed",
        )

    def last_words(self) -> str:
        """The end of the agent's own log: why it ended without a result."""
        try:
            lines = self.agent_log.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return lines[-1][:300] if lines else ""

    def clear(self) -> None:
        """Frees the disk: of an attempt that has ended only the end of its output is kept.

        The order goes last, so that a crash in between leaves a folder that is found again.
        """
        output = Layout(self.base).output_log
        for path in self.base.iterdir() if self.base.is_dir() else ():
            if path == output:
                _keep_end(path)
            elif path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif path not in (self.plan, self.grant):
                path.unlink(missing_ok=True)
        self.plan.unlink(missing_ok=True)
        self.grant.unlink(missing_ok=True)

    def _signs(self) -> list[Path]:
        layout = Layout(self.base)
        stages = self.base / "stages"
        reports = [one / "reports.jsonl" for one in stages.iterdir()] if stages.is_dir() else []
        return [layout.state, layout.events, layout.output_log, self.agent_log, *reports]

    def _whole(self, path: Path, text: str) -> None:
        temporary = path.with_name(f".{path.name}")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)


def never_ran(command: Command) -> AgentResult:
    """What is said of an attempt that was told to end before it had started."""
    outcome = Outcome.PAUSED if command is Command.CHECKPOINT else Outcome.STOPPED
    return AgentResult(
        outcome=outcome,
        reason="Command",
        message="had not started",
        fidelity=0.0,
        metrics={},
        stages=(),
    )


def _keep_end(path: Path) -> None:
    size = path.stat().st_size
    if size <= MAX_OUTPUT_BYTES:
        return
    with path.open("rb") as file:
        file.seek(size - MAX_OUTPUT_BYTES)
        end = file.read()
    path.write_bytes(b"[...]\n" + end)
    os.utime(path)
