"""What the agent leaves behind: the termination message of a pod, a file in `tuner run`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tuner.errors import PipelineError
from tuner.trial import Outcome, StageOutcome, StageResult, TrialResult

MAX_BYTES = 4096
"""What Kubernetes keeps of a termination message."""

HOLD_ENDED = "HoldEnded"
"""Reason of an attempt that was made ahead and found no place in time; nothing of it has run."""

_VERSION = 1
_MESSAGE_LENGTHS = (1000, 300, 100, 0)
_METRICS_KEPT = 16
"""More than a study's objectives with cost and run time, which come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentResult:
    """How an attempt ended, in at most 4 KB.

    Attributes:
        outcome: How it ended.
        reason: One word: `Rung`, `Command`, `ExitCode`, `Timeout`, `MissingMetric`...
        message: One sentence for people.
        fidelity: Fidelity reached.
        metrics: By metric, objectives and built-ins first, as far as known.
        stages: How each stage went; shortened to name and numbers where space is scarce.
        saved_usd: What the stages found in the cache cost when they were run.
        checkpoint: Whether a checkpoint was stored from which another attempt can go on.
        key: The key of the log's `result` record.
        warnings: How often something odd was seen in reports, by what it was.
        rung: The rung at which the trial was paused; None if it was not.
    """

    outcome: Outcome
    reason: str
    message: str
    fidelity: float
    metrics: Mapping[str, float]
    stages: tuple[StageResult, ...]
    saved_usd: float = 0.0
    checkpoint: bool = False
    key: str = ""
    warnings: Mapping[str, int] = field(default_factory=dict)
    rung: float | None = None

    def to_json(self) -> str:
        """One line of JSON of at most 4 KB, for a longer one would be cut off and say nothing.

        Messages are cut first; then go the stages' metrics, the last of the trial's metrics, and
        the earliest stages. The log's `result` record has all of them.
        """
        for length in _MESSAGE_LENGTHS:
            text = self._shortened(length)._document(metrics=True)
            if _fits(text):
                return text
        bare = replace(self._shortened(0), warnings={})
        text = bare._document(metrics=False)
        while not _fits(text) and len(bare.metrics) > _METRICS_KEPT:
            kept = max(_METRICS_KEPT, len(bare.metrics) * 3 // 4)
            bare = replace(bare, metrics=dict(list(bare.metrics.items())[:kept]))
            text = bare._document(metrics=False)
        while not _fits(text) and bare.stages:
            bare = replace(bare, stages=bare.stages[1:])
            text = bare._document(metrics=False)
        return text

    def _shortened(self, length: int) -> AgentResult:
        stages = tuple(replace(stage, message=stage.message[:length]) for stage in self.stages)
        return replace(self, message=self.message[: max(length, 200)], stages=stages)

    def _document(self, *, metrics: bool) -> str:
        document: dict[str, Any] = {"v": _VERSION, **asdict(self)}
        if not metrics:
            for stage in document["stages"]:
                stage["metrics"] = {}
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> AgentResult:
        """Reads a termination message.

        Raises:
            PipelineError: It is not one: empty, cut off or written by something else.
        """
        try:
            return cls._read(json.loads(text))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise PipelineError(f"Not a result of the agent: {error!r}.") from error

    @classmethod
    def _read(cls, data: Mapping[str, Any]) -> AgentResult:
        return cls(
            outcome=Outcome(data["outcome"]),
            reason=str(data["reason"]),
            message=str(data["message"]),
            fidelity=float(data["fidelity"]),
            metrics={str(k): float(v) for k, v in data["metrics"].items()},
            stages=tuple(stage_from_dict(item) for item in data["stages"]),
            saved_usd=float(data["saved_usd"]),
            checkpoint=bool(data["checkpoint"]),
            key=str(data["key"]),
            warnings={str(k): int(v) for k, v in data["warnings"].items()},
            rung=None if data.get("rung") is None else float(data["rung"]),
        )

    def trial_result(self, *, trial: str, attempt: int) -> TrialResult:
        """The same as a value of the trial layer."""
        return TrialResult(
            trial=trial,
            attempt=attempt,
            outcome=self.outcome,
            reason=self.reason,
            message=self.message,
            fidelity=self.fidelity,
            metrics=self.metrics,
            stages=self.stages,
            rung=self.rung,
        )


def _fits(text: str) -> bool:
    return len(text.encode()) <= MAX_BYTES


_STAGE_OUTCOMES = {str(one): one for one in StageOutcome}
"""By name: a long log tells of millions."""


def stage_from_dict(data: Mapping[str, Any]) -> StageResult:
    """Reads one stage's result as it stands in results and `stage` records."""
    code = data["exit_code"]
    return StageResult(
        stage=str(data["stage"]),
        outcome=_STAGE_OUTCOMES[data["outcome"]],
        seconds=float(data["seconds"]),
        cost_usd=float(data["cost_usd"]),
        first_run_seconds=float(data["first_run_seconds"]),
        instance_type=str(data["instance_type"]),
        predicted=bool(data["predicted"]),
        metrics={str(k): float(v) for k, v in data["metrics"].items()},
        exit_code=None if code is None else int(code),
        message=str(data["message"]),
    )
