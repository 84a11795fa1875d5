"""Where agent, runner and stages find each other's files (docs/design/0001)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

POD_BASE = "/tuner"
"""Where the shared volume is mounted in a pod."""


@dataclass(frozen=True, slots=True)
class StageFiles:
    """The files of one stage, below `<base>/stages/<stage>`."""

    folder: Path

    @property
    def script(self) -> Path:
        """What the runner starts: exports and exec of the command, written by the agent."""
        return self.folder / "run.sh"

    @property
    def parameters(self) -> Path:
        """TUNER_PARAMETERS: the stage's parameters as JSON."""
        return self.folder / "parameters.json"

    @property
    def reports(self) -> Path:
        """TUNER_REPORTS: JSON lines written by the stage."""
        return self.folder / "reports.jsonl"

    @property
    def output(self) -> Path:
        """TUNER_OUTPUT_DIR: becomes the stage's artifact."""
        return self.folder / "output"

    @property
    def checkpoint(self) -> Path:
        """TUNER_CHECKPOINT_DIR: kept across attempts and pauses."""
        return self.folder / "checkpoint"


@dataclass(frozen=True, slots=True)
class Layout:
    """Every path below the folder that agent and runner share.

    Attributes:
        base: `/tuner` in a pod, a folder of the attempt's own in `tuner run`.
    """

    base: Path

    @property
    def io(self) -> Path:
        """The folder of messages between agent and runner."""
        return self.base / "io"

    @property
    def events(self) -> Path:
        """Runner to agent: append-only text lines."""
        return self.io / "events"

    @property
    def doorbell(self) -> Path:
        """FIFO rung after each event; its end-of-file says that the runner is dead."""
        return self.io / "doorbell"

    @property
    def control(self) -> Path:
        """FIFO from agent to runner, one command a line."""
        return self.io / "control"

    @property
    def state(self) -> Path:
        """What the agent has done so far; read by a restarted agent."""
        return self.io / "agent.json"

    @property
    def runner_pid(self) -> Path:
        """Process id of the runner, where the agent itself started it."""
        return self.io / "runner.pid"

    @property
    def output_log(self) -> Path:
        """What runner and stages print, where the agent itself started the runner."""
        return self.base / "output.log"

    @property
    def home(self) -> Path:
        """A writable HOME for the stages of a pod."""
        return self.base / "home"

    @property
    def tmp(self) -> Path:
        """A writable TMPDIR for the stages of a pod."""
        return self.base / "tmp"

    def stage(self, name: str) -> StageFiles:
        """The files of the stage of that name."""
        return StageFiles(self.base / "stages" / name)
