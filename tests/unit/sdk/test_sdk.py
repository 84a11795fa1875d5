from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import tuner
from tuner.sdk import stopping


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "parameters.json").write_text('{"lr": 0.1, "layers": 2, "a-b": "x"}')
    for name, value in {
        "TUNER_REPORTS": "reports.jsonl",
        "TUNER_PARAMETERS": "parameters.json",
        "TUNER_CHECKPOINT_DIR": "checkpoint",
        "TUNER_OUTPUT_DIR": "output",
        "TUNER_STAGE_PREPARE_DATA_DIR": "prepared",
        "TUNER_INPUT_CLICKS": "clicks",
    }.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    monkeypatch.setenv("TUNER_FIDELITY", "27")
    return tmp_path


@pytest.fixture
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("TUNER_REPORTS", "TUNER_PARAMETERS", "TUNER_FIDELITY"):
        monkeypatch.delenv(name, raising=False)


def test_reports_are_lines(trial: Path) -> None:
    tuner.report({"val/loss": 0.5}, epoch=1)
    tuner.report(epoch=2, loss=float("nan"))
    lines = (trial / "reports.jsonl").read_text().splitlines()
    assert json.loads(lines[0]) == {"val/loss": 0.5, "epoch": 1.0}
    assert len(lines) == 2


def test_what_float_takes_can_be_reported(trial: Path) -> None:
    class Scalar:
        def __float__(self) -> float:
            return 0.25

    tuner.report(loss=Scalar())
    assert json.loads((trial / "reports.jsonl").read_text()) == {"loss": 0.25}


def test_what_is_no_number_is_an_error_at_once(trial: Path) -> None:
    with pytest.raises(ValueError, match="high"):
        tuner.report({"loss": "high"})  # type: ignore[dict-item]
    assert not (trial / "reports.jsonl").exists()


@pytest.mark.usefixtures("trial")
def test_parameters_are_typed() -> None:
    p = tuner.parameters(lr=5.0, momentum=0.9)
    assert (p.lr, p.layers, p["a-b"], p.momentum) == (0.1, 2, "x", 0.9)
    assert isinstance(p.layers, int)
    assert "lr" in p
    assert p.get("other", 7) == 7
    assert dict(**p) == {"lr": 0.1, "layers": 2, "a-b": "x", "momentum": 0.9}


def test_folders_are_those_of_the_trial(trial: Path) -> None:
    assert tuner.in_trial()
    assert tuner.checkpoint_dir() == trial / "checkpoint"
    assert tuner.output_dir().is_dir()
    assert tuner.stage_dir("prepare-data") == trial / "prepared"
    assert tuner.input_dir("clicks") == trial / "clicks"
    assert tuner.fidelity() == 27.0
    with pytest.raises(KeyError):
        tuner.stage_dir("other")


@pytest.mark.usefixtures("_alone")
def test_outside_of_a_trial_everything_works(capsys: pytest.CaptureFixture[str]) -> None:
    assert not tuner.in_trial()
    tuner.report(loss=0.5, epoch=1)
    assert json.loads(capsys.readouterr().out) == {"loss": 0.5, "epoch": 1.0}
    assert tuner.parameters(lr=0.1).lr == 0.1
    assert tuner.checkpoint_dir().is_dir()
    assert tuner.input_dir("clicks") == Path("clicks")
    assert tuner.fidelity(3) == 3.0


def test_after_a_stop_the_next_report_raises(trial: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "_installed", True)
    stopping._requested.set()
    try:
        with pytest.raises(tuner.TrialStopped):
            tuner.report(loss=0.5)
    finally:
        stopping._requested.clear()
    assert (trial / "reports.jsonl").exists()


def test_sigterm_ends_a_stage_at_its_next_report(trial: Path) -> None:
    code = (
        "import os, signal, tuner\n"
        "tuner.report(epoch=1)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "try: tuner.report(epoch=2)\n"
        "except tuner.TrialStopped: raise SystemExit(7)\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, check=False)
    assert done.returncode == 7
    assert len((trial / "reports.jsonl").read_text().splitlines()) == 2


def test_the_sdk_is_light() -> None:
    code = "import sys, tuner; print(sorted(m for m in sys.modules if m.startswith('tuner')))"
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, check=True, capture_output=True, text=True
    )
    loaded = set(json.loads(done.stdout.replace("'", '"')))
    assert loaded <= {
        "tuner",
        "tuner.errors",
        "tuner.sdk",
        "tuner.sdk.context",
        "tuner.sdk.reporting",
        "tuner.sdk.stopping",
    }
