"""Running programs: here, and inside the cluster's network namespace."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from settings import NAMESPACE_FILE


class CommandFailed(RuntimeError):
    """A program ended with a non-zero code; the message carries its last words."""


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
) -> str:
    """Run a program to its end and return what it wrote to standard output."""
    words = [str(word) for word in argv]
    done = subprocess.run(
        words,
        env={**os.environ, **(env or {})},
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        raise CommandFailed(f"{' '.join(words)}: exit code {done.returncode}\n{tail}")
    return done.stdout


def succeeds(argv: Sequence[str | Path]) -> bool:
    """Whether a program ends with code 0; its output is dropped."""
    words = [str(word) for word in argv]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def inside(argv: Sequence[str | Path]) -> list[str]:
    """The command line that runs `argv` in the cluster's network namespace.

    `ip netns exec` would mount a new /sys, without the cgroups that the kubelet needs.
    """
    return ["nsenter", f"--net={NAMESPACE_FILE}", *(str(word) for word in argv)]


def wait_until(
    condition: Callable[[], bool], *, what: str, seconds: float, interval: float = 0.2
) -> None:
    """Poll until `condition()` is true.

    Raises:
        TimeoutError: it was not within `seconds`; the message names `what`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:g} s")
        time.sleep(interval)


def say(message: str) -> None:
    """Tell the user what is being done, on standard error."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Tell the user what is being done and how long it took."""
    start = time.monotonic()
    verdict = "failed"
    try:
        yield
        verdict = "done"
    finally:
        say(f"  {what}: {verdict} in {time.monotonic() - start:.1f} s")
