"""`tuner logs` and `tuner wait`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli.exits import ExitCode
from tuner.cli.options import Context, Format, Local, Namespace, Output, Study, TrialName

if TYPE_CHECKING:
    from tuner.cli.report import StudyReport

Timeout = Annotated[
    str | None,
    typer.Option(
        "--timeout", help="Give up after this long, such as 90s or 2h.", show_default=False
    ),
]
_POLL_SECONDS = 2.0
_FRONT_SECONDS = 10.0
"""A front is read from the log, so that it may come a moment after the study's last state."""


def logs(
    trial: TrialName, namespace: Namespace = None, context: Context = None, local: Local = None
) -> None:
    """Print what the stages of a trial printed."""
    from tuner.cli.source import open_source, study_of

    source = open_source(local=local, namespace=namespace, context=context, study=study_of(trial))
    empty = True
    for piece in source.logs(trial):
        empty = False
        typer.echo(piece, nl=False)
    if empty:
        typer.echo(f"nothing is left of what {trial} printed", err=True)


def wait(
    study: Study,
    timeout: Timeout = None,
    output: Output = Format.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    local: Local = None,
) -> None:
    """Wait for the end of a study; the exit code says how it ended."""
    from tuner.cli.output import show
    from tuner.cli.source import open_source
    from tuner.cli.status import status_text

    seconds = None if timeout is None else _seconds(timeout)
    source = open_source(local=local, namespace=namespace, context=context, study=study)
    report = wait_for_end(
        lambda: source.overview(study)[0],
        timeout_seconds=seconds,
    )
    show(output, text=lambda: status_text([report]), shape=report.to_json)
    if not report.finished:
        typer.echo(f"{study} has not ended within {timeout}", err=True)
    raise typer.Exit(exit_code(report))


def _seconds(timeout: str) -> float:
    from tuner.errors import ManifestError
    from tuner.spec import duration_seconds

    try:
        return duration_seconds(timeout)
    except ManifestError as error:
        raise typer.BadParameter(str(error), param_hint="--timeout") from None


def wait_for_end(
    read: Callable[[], StudyReport],
    *,
    timeout_seconds: float | None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> StudyReport:
    """The study's report once it has ended, or when the time is over.

    Args:
        read: Reads the report.
        timeout_seconds: How long to wait; None for as long as it takes.
        clock: Seconds.
        sleep: Waits for that many seconds.
    """
    start = clock()
    ended = None
    while True:
        report = read()
        now = clock()
        left = None if timeout_seconds is None else start + timeout_seconds - now
        if report.finished and ended is None:
            ended = now
        settled = ended is not None and (_is_whole(report) or now - ended >= _FRONT_SECONDS)
        if (report.finished and settled) or (left is not None and left <= 0):
            return report
        sleep(_POLL_SECONDS if left is None else min(_POLL_SECONDS, left))


def _is_whole(report: StudyReport) -> bool:
    return bool(report.summary.front) or not report.summary.counts.completed


def exit_code(report: StudyReport) -> ExitCode:
    """How a study ended, as an exit code; one that has not ended counts as failed."""
    if not report.finished:
        return ExitCode.FAILED
    if report.nothing_feasible and report.summary.counts.completed:
        return ExitCode.NOTHING_FEASIBLE
    return ExitCode.OK if report.state == "Succeeded" else ExitCode.FAILED
