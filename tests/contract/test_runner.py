"""The runner in every shell that images bring: dash, busybox ash and bash."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tuner.agent import runner_command, runner_script
from tuner.agent.files import make_base
from tuner.pipeline.layout import Layout

DEADLINE_SECONDS = 20.0
SHELLS = {"dash": ["dash"], "ash": ["busybox", "ash"], "bash": ["bash"]}


@dataclass
class Runner:
    layout: Layout
    process: subprocess.Popen[bytes]
    doorbell: int

    def stage(self, name: str, script: str) -> None:
        files = self.layout.stage(name)
        files.folder.mkdir(parents=True, exist_ok=True)
        files.script.write_text(script)

    def tell(self, line: str) -> None:
        control = os.open(self.layout.control, os.O_WRONLY | os.O_NONBLOCK)
        os.write(control, f"{line}\n".encode())
        os.close(control)

    def events(self) -> list[str]:
        if not self.layout.events.exists():
            return []
        return self.layout.events.read_text().splitlines()

    def await_event(self, event: str) -> None:
        self.await_that(lambda: event in self.events(), what=f"{event} among {self.events}")

    def await_that(self, condition: Callable[[], bool], *, what: str) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not come: {self.events()}"
            time.sleep(0.01)

    def await_up(self, stage: str) -> None:
        """Until the stage has set its traps and made a file beside its script."""
        up = Path(f"{self.layout.stage(stage).script}.up")
        self.await_that(up.exists, what=f"stage {stage}")

    def await_death_notice(self) -> None:
        """End-of-file on the doorbell."""
        poll = select.poll()
        poll.register(self.doorbell, select.POLLIN)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            poll.poll(1000)
            try:
                if not os.read(self.doorbell, 4096):
                    return
            except BlockingIOError:
                continue
        pytest.fail("no death notice")

    def wait(self) -> int:
        return self.process.wait(timeout=DEADLINE_SECONDS)


def _available(shell: str) -> list[str]:
    command = SHELLS[shell]
    if shutil.which(command[0]) is None:
        if os.environ.get("CI"):
            pytest.fail(f"{command[0]} is not installed")
        pytest.skip(f"{command[0]} is not installed")
    return command


@pytest.fixture(params=sorted(SHELLS))
def shell(request: pytest.FixtureRequest) -> list[str]:
    return _available(str(request.param))


@pytest.fixture
def start(tmp_path: Path, shell: list[str]) -> Iterator[Callable[..., Runner]]:
    """Starts a runner in this shell, with a prefix to its command if need be."""
    started: list[Runner] = []

    def begin(*prefix: str) -> Runner:
        layout = Layout(tmp_path)
        make_base(layout)
        doorbell = os.open(layout.doorbell, os.O_RDONLY | os.O_NONBLOCK)
        with (tmp_path / "output").open("wb") as output:
            process = subprocess.Popen(
                [*prefix, *shell, "-c", runner_script(), "runner", str(tmp_path)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        runner = Runner(layout, process, doorbell)
        started.append(runner)
        runner.await_event("ready")
        return runner

    yield begin
    for runner in started:
        os.close(runner.doorbell)
        if runner.process.poll() is None:
            os.killpg(runner.process.pid, signal.SIGKILL)
            runner.process.wait()


@pytest.fixture
def runner(start: Callable[..., Runner]) -> Runner:
    return start()


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_exit_code_of_the_stage_is_told_and_kept(runner: Runner, code: int) -> None:
    runner.stage("train", f"exit {code}")
    runner.tell("run train 1")
    runner.await_event(f"exited train 1 {code}")
    runner.tell(f"quit {code}")
    assert runner.wait() == code
    assert runner.events() == ["ready", "started train 1", f"exited train 1 {code}", "bye"]


def test_stages_run_one_after_the_other(runner: Runner, tmp_path: Path) -> None:
    for number, name in enumerate(["first", "second"], start=1):
        runner.stage(name, f"echo {name}; echo done >'{tmp_path}/{name}.done'")
        runner.tell(f"run {name} {number}")
        runner.await_event(f"exited {name} {number} 0")
    runner.tell("quit 0")
    assert runner.wait() == 0
    assert (tmp_path / "first.done").exists()
    assert (tmp_path / "output").read_text().split() == ["first", "second"]


def test_a_repeated_command_runs_the_stage_once(runner: Runner, tmp_path: Path) -> None:
    runner.stage("train", f"echo once >>'{tmp_path}/count'; sleep 0.2")
    for _ in range(3):
        runner.tell("run train 1")
    runner.await_event("exited train 1 0")
    runner.tell("run train 1")
    runner.tell("nonsense with words")
    runner.tell("")
    runner.tell("quit 0")
    assert runner.wait() == 0
    assert (tmp_path / "count").read_text() == "once\n"


def test_the_same_stage_may_run_again_under_a_new_number(runner: Runner, tmp_path: Path) -> None:
    runner.stage("train", f"echo once >>'{tmp_path}/count'")
    for number in (1, 2):
        runner.tell(f"run train {number}")
        runner.await_event(f"exited train {number} 0")
    assert (tmp_path / "count").read_text() == "once\nonce\n"


def test_stop_reaches_the_stage_at_once_and_keeps_its_exit_code(runner: Runner) -> None:
    runner.stage("train", "trap 'exit 5' TERM; echo up >>\"$0.up\"; while :; do sleep 0.05; done")
    runner.tell("run train 1")
    runner.await_up("train")
    runner.tell("stop 60")
    runner.await_event("exited train 1 5")
    runner.tell("quit 0")
    assert runner.wait() == 0


def test_stop_right_behind_run_is_not_lost(runner: Runner) -> None:
    runner.stage("train", "exec sleep 600")
    runner.tell("run train 1\nstop 60")
    runner.await_event("exited train 1 143")


def test_a_stage_that_ignores_sigterm_is_killed_after_the_grace(runner: Runner) -> None:
    runner.stage("train", "trap '' TERM; echo >\"$0.up\"; while :; do sleep 0.05; done")
    runner.tell("run train 1")
    runner.await_up("train")
    runner.tell("stop 0.3")
    runner.await_event("exited train 1 137")
    runner.await_death_notice()
    assert "bye" in runner.events()


def test_nothing_runs_after_a_stop(runner: Runner, tmp_path: Path) -> None:
    runner.stage("train", "exec sleep 600")
    runner.stage("next", f"echo >'{tmp_path}/wrong'")
    runner.tell("run train 1")
    runner.tell("stop 60")
    runner.await_event("exited train 1 143")
    runner.tell("run next 2")
    runner.tell("quit 0")
    assert runner.wait() == 0
    assert not (tmp_path / "wrong").exists()


def test_sigterm_is_told_and_passed_on(runner: Runner) -> None:
    runner.stage("train", "trap 'exit 9' TERM; echo >\"$0.up\"; while :; do sleep 0.05; done")
    runner.tell("run train 1")
    runner.await_up("train")
    runner.process.send_signal(signal.SIGTERM)
    runner.await_event("signalled TERM")
    runner.await_event("exited train 1 9")
    runner.tell("quit 9")
    assert runner.wait() == 9


def test_sigterm_without_a_stage_is_told(runner: Runner) -> None:
    runner.process.send_signal(signal.SIGTERM)
    runner.await_event("signalled TERM")
    runner.tell("quit 143")
    assert runner.wait() == 143


def test_a_killed_stage_has_the_code_of_its_signal(runner: Runner) -> None:
    runner.stage("train", "kill -KILL $$")
    runner.tell("run train 1")
    runner.await_event("exited train 1 137")


def test_death_of_the_runner_is_noticed_while_the_stage_goes_on(runner: Runner) -> None:
    runner.stage("train", "exec sleep 600")
    runner.tell("run train 1")
    runner.await_event("started train 1")
    os.kill(runner.process.pid, signal.SIGKILL)
    runner.await_death_notice()
    os.killpg(runner.process.pid, signal.SIGKILL)


def test_it_outlives_its_agent(runner: Runner) -> None:
    """No reader at either FIFO: nothing blocks, nothing is lost, no SIGPIPE."""
    runner.stage("train", "sleep 0.2; exit 3")
    runner.tell("run train 1")
    os.close(runner.doorbell)
    runner.await_event("exited train 1 3")
    runner.doorbell = os.open(runner.layout.doorbell, os.O_RDONLY | os.O_NONBLOCK)
    runner.tell("quit 3")
    runner.await_death_notice()
    assert runner.wait() == 3
    assert runner.events() == ["ready", "started train 1", "exited train 1 3", "bye"]


def test_stages_hold_neither_fifo(runner: Runner) -> None:
    runner.stage("train", 'ls -l /proc/$$/fd >"$0.fds"')
    runner.tell("run train 1")
    runner.await_event("exited train 1 0")
    held = Path(f"{runner.layout.stage('train').script}.fds").read_text()
    assert "doorbell" not in held
    assert "control" not in held


def test_a_missing_command_is_an_exit_code(runner: Runner) -> None:
    runner.stage("train", "exec no-such-command-here")
    runner.tell("run train 1")
    runner.await_event("exited train 1 127")


def _as_pid_1() -> list[str]:
    prefix = ["unshare", "--pid", "--fork", "--mount-proc"]
    probe = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    if probe.returncode:
        if os.environ.get("CI"):
            pytest.fail("cannot make a PID namespace")
        pytest.skip("cannot make a PID namespace")
    return prefix


def test_as_pid_1_it_kills_everything_but_itself(start: Callable[..., Runner]) -> None:
    runner = start(*_as_pid_1())
    runner.stage("train", "trap '' TERM; sleep 600 & echo >\"$0.up\"; while :; do sleep 0.05; done")
    runner.tell("run train 1")
    runner.await_up("train")
    runner.tell("stop 0.3")
    runner.await_event("exited train 1 137")
    runner.tell("quit 0")
    assert runner.wait() == 0


def test_as_pid_1_it_sweeps_what_a_stage_left_behind(
    start: Callable[..., Runner], tmp_path: Path
) -> None:
    runner = start(*_as_pid_1())
    left = tmp_path / "left"
    runner.stage("train", f"(while :; do echo . >>'{left}'; sleep 0.02; done) & sleep 0.1; exit 0")
    runner.tell("run train 1")
    runner.await_event("exited train 1 0")
    size = left.stat().st_size
    runner.stage("next", "sleep 0.3")
    runner.tell("run next 2")
    runner.await_event("exited next 2 0")
    assert left.stat().st_size <= size + 2
    runner.tell("quit 0")
    assert runner.wait() == 0


def test_as_pid_1_it_reaps_orphans_when_pinged(
    start: Callable[..., Runner], tmp_path: Path
) -> None:
    runner = start(*_as_pid_1())
    count = "for f in /proc/[0-9]*/stat; do read -r _ _ s _ <$f && [ $s = Z ] && echo $f; done"
    clean = tmp_path / "clean"
    runner.stage(
        "train",
        "i=0; while [ $i -lt 5 ]; do (sleep 0.05 & ); i=$((i+1)); done; sleep 0.3\n"
        f'while [ -n "$({count})" ]; do sleep 0.05; done\n'
        f"echo >'{clean}'; exit 0",
    )
    runner.tell("run train 1")

    def pinged() -> bool:
        runner.tell("ping")
        return clean.exists()

    runner.await_that(pinged, what="an end of the orphans")
    runner.await_event("exited train 1 0")


def test_as_pid_1_it_outlives_a_stage_that_kills_all_it_can(start: Callable[..., Runner]) -> None:
    """The supervisor dies too, so nobody tells the end: the next ping finds out."""
    runner = start(*_as_pid_1())
    runner.stage("train", 'echo >"$0.up"; kill -KILL -1; kill -KILL $$')
    runner.tell("run train 1")
    runner.await_up("train")

    def told() -> bool:
        runner.tell("ping")
        return "exited train 1 137" in runner.events()

    runner.await_that(told, what="the end of the stage")
    runner.stage("next", "sleep 0.3; exit 4")
    runner.tell("run next 2\nping\nping")
    runner.await_event("exited next 2 4")
    runner.tell("quit 0")
    assert runner.wait() == 0


def test_in_kubernetes_every_dollar_is_doubled() -> None:
    doubled = runner_command("/tuner")
    assert doubled[:2] == ["/bin/sh", "-c"]
    assert doubled[2].replace("$$", "") == runner_command("/tuner", kubernetes=False)[2].replace(
        "$", ""
    )
    assert doubled[3:] == ["runner", "/tuner"]
