from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.agent.commands import CommandFile, HoldFile
from tuner.agent.events import Commanded, Exited, Ready, RunnerGone, Signalled, Started
from tuner.agent.files import make_base, make_folders, script, write_script
from tuner.agent.line import RunnerLine
from tuner.agent.runner import last_lines, runner_script
from tuner.pipeline.layout import Layout
from tuner.pipeline.plan import StagePlan
from tuner.trial import Command

texts = st.text(
    alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30
)


@settings(max_examples=30, deadline=None)
@given(argument=texts, value=texts)
def test_a_script_passes_any_text_on(argument: str, value: str) -> None:
    code = 'printf "%s\\0%s" "$1" "$X"'
    text = script(("/bin/sh", "-c", code, "sh", argument), env={"X": value})
    done = subprocess.run(["/bin/sh", "-c", text], capture_output=True, check=True)
    assert done.stdout.decode() == f"{argument}\0{value}"


def test_names_that_a_shell_cannot_export_go_through_env() -> None:
    text = script(("/usr/bin/env",), env={"a.b": "1 2", "C": "3"})
    done = subprocess.run(["/bin/sh", "-c", text], capture_output=True, check=True, env={})
    assert {"a.b=1 2", "C=3"} <= set(done.stdout.decode().splitlines())


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    make_base(layout)
    return layout


def test_making_the_base_again_keeps_the_fifos(layout: Layout) -> None:
    before = layout.doorbell.stat().st_ino
    make_base(layout)
    assert layout.doorbell.stat().st_ino == before
    assert layout.home.is_dir()


def test_a_lower_level_replaces_the_fidelity_and_keeps_the_reports(layout: Layout) -> None:
    stage = StagePlan(
        name="train",
        argv=("true",),
        env={"TUNER_FIDELITY": "9"},
        parameters={"lr": 0.1},
        key="",
        reuse=True,
        instance_type="cpu",
        price_per_hour=0.0,
        timeout_seconds=None,
        run=True,
    )
    files = layout.stage("train")
    make_folders(layout, stage="train", fresh=True)
    files.reports.write_text("x")
    (files.checkpoint / "old").touch()
    make_folders(layout, stage="train", fresh=False)
    write_script(layout, stage=stage, fidelity="3")
    assert files.reports.read_text() == "x"
    assert not list(files.checkpoint.iterdir())
    assert "export TUNER_FIDELITY=3\n" in files.script.read_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("checkpoint", Commanded(command=Command.CHECKPOINT)),
        ("stop Budget\n", Commanded(command=Command.STOP, reason="Budget")),
        ("", None),
        ("dance", None),
    ],
)
def test_a_command_is_told_once(tmp_path: Path, text: str, expected: Commanded | None) -> None:
    source = CommandFile(tmp_path / "command")
    assert source() is None
    (tmp_path / "command").write_text(text)
    assert source() == expected
    assert source() is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("60\n", 60.0), ("", None), ("soon", 0.0), ("inf", 0.0)]
)
def test_a_file_says_how_long_a_trial_may_wait(
    tmp_path: Path, text: str, seconds: float | None
) -> None:
    source = HoldFile(tmp_path / "hold")
    assert source() is None
    (tmp_path / "hold").write_text(text)
    assert source() == seconds


@pytest.mark.parametrize("left", ["link", "file", "locked folder"])
def test_whatever_a_stage_left_its_folders_are_empty_again(layout: Layout, left: str) -> None:
    make_folders(layout, stage="train", fresh=True)
    output = layout.stage("train").output
    elsewhere = layout.base / "elsewhere"
    elsewhere.mkdir()
    if left == "locked folder":
        (output / "a" / "b").mkdir(parents=True)
        (output / "a" / "b" / "file").touch()
        (output / "a" / "b").chmod(0o500)
        (output / "a").chmod(0o500)
    else:
        output.rmdir()
        output.symlink_to(elsewhere) if left == "link" else output.touch()
    make_folders(layout, stage="train", fresh=False)
    assert not output.is_symlink()
    assert list(output.iterdir()) == []
    assert elsewhere.is_dir()


def test_the_runner_stays_small_enough_for_a_manifest() -> None:
    text = runner_script()
    assert "#" not in text.replace("$#", "")
    assert len(text) < 3000


def test_last_lines_of_no_log_are_none(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "no") == ""
    (tmp_path / "log").write_text("x" * 5000 + "\nlast words\n")
    assert last_lines(tmp_path / "log").endswith("last words")
    assert len(last_lines(tmp_path / "log")) <= 1000


@dataclass
class OtherEnd:
    """The runner's end of the line."""

    layout: Layout
    doorbell: int
    control: int

    def emit(self, *lines: str) -> None:
        with self.layout.events.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)
        os.write(self.doorbell, b".")

    def die(self) -> None:
        os.close(self.doorbell)
        os.close(self.control)


@pytest.fixture
def line(layout: Layout) -> RunnerLine:
    return RunnerLine(layout, clock=lambda: 1000.0)


@pytest.fixture
def other_end(layout: Layout, line: RunnerLine) -> OtherEnd:
    return OtherEnd(layout, os.open(layout.doorbell, os.O_RDWR), os.open(layout.control, os.O_RDWR))


def test_events_come_in_order_and_once(line: RunnerLine, other_end: OtherEnd) -> None:
    other_end.emit("ready", "started train 1")
    other_end.emit("signalled TERM", "what is this", "exited train 1 143")
    heard = list(line.hear())
    assert [type(event) for event in heard] == [Ready, Started, Signalled, Exited]
    assert heard[3] == Exited(number=1, code=143, at=1000.0)
    assert list(line.hear()) == []
    other_end.die()
    line.close()


def test_silence_before_the_runner_came_is_not_death(line: RunnerLine) -> None:
    assert list(line.hear()) == []
    assert not line.tell("run train 1")
    line.close()


def test_death_is_told_once_after_the_last_event(line: RunnerLine, other_end: OtherEnd) -> None:
    other_end.emit("ready")
    assert list(line.hear()) == [Ready()]
    other_end.emit("exited train 1 0")
    other_end.die()
    assert [type(event) for event in line.hear()] == [Exited, RunnerGone]
    assert list(line.hear()) == []
    assert line.doorbell is None


def test_a_restarted_agent_hears_of_a_death_it_missed(
    line: RunnerLine, other_end: OtherEnd, layout: Layout
) -> None:
    other_end.emit("ready", "exited train 1 0")
    other_end.die()
    line.close()
    again = RunnerLine(layout, clock=lambda: 1000.0)
    heard = [*again.hear(), *again.hear()]
    assert [type(event) for event in heard] == [Ready, Exited, RunnerGone]


def test_what_is_told_arrives_as_a_line(line: RunnerLine, other_end: OtherEnd) -> None:
    assert line.tell("run train 1")
    assert os.read(other_end.control, 100) == b"run train 1\n"
    other_end.die()
    line.close()
