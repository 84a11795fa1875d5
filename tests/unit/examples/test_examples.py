"""The examples' stages, run one by one as an agent would: the contract and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tuner.spec import load_manifests, validate

EXAMPLES = Path(__file__).parents[3] / "examples"


class Pipeline:
    """Stages of one trial in a folder."""

    def __init__(self, example, folder, *, programs=""):
        self.source, self.folder, self.programs = EXAMPLES / example, folder, programs
        self.outputs = {}

    def run(self, stage, command, *, parameters, fidelity=9):
        """Runs a stage; returns its reports."""
        folder = self.folder / stage
        output, checkpoint = folder / "output", folder / "checkpoint"
        for path in (output, checkpoint):
            path.mkdir(parents=True, exist_ok=True)
        (folder / "parameters.json").write_text(json.dumps(parameters))
        reports = folder / "reports.jsonl"
        reports.write_text("")
        path = [self.programs, str(Path(sys.executable).parent), os.environ["PATH"]]
        env = {
            "PATH": os.pathsep.join(filter(None, path)),
            "HOME": str(self.folder),
            "OMP_NUM_THREADS": "1",
            "TUNER_SEED": "1",
            "TUNER_FIDELITY": str(fidelity),
            "TUNER_PARAMETERS": str(folder / "parameters.json"),
            "TUNER_REPORTS": str(reports),
            "TUNER_OUTPUT_DIR": str(output),
            "TUNER_CHECKPOINT_DIR": str(checkpoint),
            **{f"TUNER_STAGE_{name.upper()}_DIR": str(path) for name, path in self.outputs.items()},
            **{f"TUNER_PARAM_{name.upper()}": str(value) for name, value in parameters.items()},
        }
        done = subprocess.run(
            command, cwd=self.source, env=env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        self.outputs[stage] = output
        return [json.loads(line) for line in reports.read_text().splitlines()]


@pytest.mark.parametrize("example", ["digits", "shell", "torch-conv"])
def test_manifests_are_valid(example):
    manifests = load_manifests(sorted((EXAMPLES / example).glob("*.yaml")))
    assert {manifest.data["kind"] for manifest in manifests} == {"TuningStudy", "InstanceType"}
    assert [str(problem) for manifest in manifests for problem in validate(manifest)] == []


def test_digits_learns_and_goes_on_from_its_checkpoint(tmp_path):
    pipeline = Pipeline("digits", tmp_path)
    pipeline.run("prepare", ["python3", "prepare.py"], parameters={"components": 16})
    parameters = {"width": 128, "dropout": 0.1, "batch_size": 128, "lr": 0.005, "optimizer": "adam"}

    def train(fidelity):
        return pipeline.run(
            "train", ["python3", "train.py"], parameters=parameters, fidelity=fidelity
        )

    first, more = train(1), train(3)
    assert [report["epoch"] for report in first + more] == [1, 2, 3]
    assert more[-1]["error"] < min(0.15, first[0]["error"])
    (measured,) = pipeline.run("evaluate", ["python3", "evaluate.py"], parameters={})
    assert measured["test_error"] < 0.2
    assert measured["latency_ms"] > 0


def test_torch_conv_learns_and_goes_on_from_its_checkpoint(tmp_path):
    pipeline = Pipeline("torch-conv", tmp_path)
    parameters = {"channels": 8, "blocks": 1, "batch_size": 32, "lr": 0.02}

    def train(fidelity):
        return pipeline.run(
            "train", ["python3", "train.py"], parameters=parameters, fidelity=fidelity
        )

    reports = train(1) + train(2)
    assert [report["epoch"] for report in reports] == [1, 2]
    assert reports[-1]["error"] < 0.5, "nine of ten would be guessed wrong"


def test_letters_learns_and_goes_on_from_its_checkpoint(tmp_path, shell):
    pipeline = Pipeline("shell", tmp_path, programs=shell)
    pipeline.run("split", ["sh", "split.sh"], parameters={"letters": "lower"})
    parameters = {"order": 3, "smoothing": 0.5}

    def train(fidelity):
        return pipeline.run("train", ["sh", "train.sh"], parameters=parameters, fidelity=fidelity)

    first, more = train(2), train(9)
    assert [report["part"] for report in first + more] == list(range(1, 10))
    assert more[-1]["bits"] < 3 < first[0]["bits"]
    unpruned, pruned = (
        pipeline.run("pack", ["sh", "pack.sh"], parameters={**parameters, "least": least})[0]
        for least in (1, 3)
    )
    assert unpruned["packed_bits"] == pytest.approx(more[-1]["bits"])
    assert pruned["kilobytes"] < unpruned["kilobytes"]
    assert pruned["packed_bits"] > unpruned["packed_bits"]


@pytest.fixture(params=["machine", "busybox"])
def shell(request, tmp_path_factory):
    """A folder for the front of PATH: nothing, or all of busybox, as in the image."""
    if request.param == "machine":
        return ""
    applets = tmp_path_factory.mktemp("busybox")
    try:
        names = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True)
    except FileNotFoundError:
        pytest.fail("busybox is not installed") if os.environ.get("CI") else pytest.skip("busybox")
    program = subprocess.run(["which", "busybox"], capture_output=True, text=True, check=True)
    for name in names.stdout.split():
        (applets / name).symlink_to(program.stdout.strip())
    return str(applets)
