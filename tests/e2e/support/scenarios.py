"""Studies for the fault tests: shell scripts in busybox, seconds long."""

from collections.abc import Mapping, Sequence
from typing import Any

IMAGE = "docker.io/library/busybox:1"

REPORT = 'echo "{\\"loss\\": $TUNER_PARAM_X}" >> "$TUNER_REPORTS"\n'
"""One report, and the stage is done."""

STEPS = """
done=0
if [ -f "$TUNER_CHECKPOINT_DIR/done" ]; then read -r done < "$TUNER_CHECKPOINT_DIR/done"; fi
while [ "$done" -lt "${TUNER_FIDELITY%.*}" ]; do
    sleep 1
    done=$((done + 1))
    echo "$done" > "$TUNER_CHECKPOINT_DIR/new"
    mv "$TUNER_CHECKPOINT_DIR/new" "$TUNER_CHECKPOINT_DIR/done"
    echo "{\\"step\\": $done, \\"loss\\": $TUNER_PARAM_X}" >> "$TUNER_REPORTS"
done
echo "$TUNER_PARAM_X" > "$TUNER_OUTPUT_DIR/x"
"""
"""A report and a checkpoint each second, as many as the fidelity says; goes on where it was."""


def stage(script: str, *, name: str = "train", **fields: Any) -> dict[str, Any]:
    """A stage that runs a shell script."""
    return {"name": name, "command": ["sh", "-euc", script], **fields}


def study(
    name: str,
    *stages: Mapping[str, Any],
    types: Sequence[str],
    steps: int | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """A study of one parameter; `steps` is its fidelity, and no trial is stopped early."""
    fields: dict[str, Any] = {
        "objectives": [{"metric": "loss", "direction": "Minimize"}],
        "parameters": [{"name": "x", "float": {"min": 0, "max": 1}}],
        "hardware": {"instanceTypes": list(types)},
        "pipeline": {"image": IMAGE, "stages": list(stages)},
        "searcher": {"type": "Random", "seed": 11},
        "parallelTrials": 2,
        "budget": {"maxTrials": 3},
        "trialLimits": {"maxDuration": "10m"},
    }
    if steps is not None:
        fields["fidelity"] = {"name": "step", "stage": "train", "max": steps}
        fields["scheduler"] = {"type": "None"}
    return {
        "apiVersion": "tuner.dev/v1alpha1",
        "kind": "TuningStudy",
        "metadata": {"name": name},
        "spec": {**fields, **spec},
    }
