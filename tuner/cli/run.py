"""`tuner run`: the same manifests on this machine, without a cluster."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli.options import Format, InstanceTypes, Manifests

if TYPE_CHECKING:
    from tuner.backends.local.manifests import Loaded
    from tuner.cli.live import Display
    from tuner.cli.session import Session

POLL_SECONDS = 0.5
INTERRUPTED = 130

Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "--input", help="NAME=PATH: where an input of the study is here.", show_default=False
    ),
]
Store = Annotated[Path, typer.Option("--store", help="The folder for what is kept.")]
Again = Annotated[
    bool,
    typer.Option("--again", help="Start a new run of the study; it reuses cached stages."),
]
Output = Annotated[
    Format, typer.Option("--output", "-o", help="How to print the front at the end.")
]


def run(
    manifests: Manifests,
    instance_types: InstanceTypes = None,
    inputs: Inputs = None,
    store: Store = Path(".tuner"),
    again: Again = False,
    output: Output = Format.TABLE,
) -> None:
    """Run a study on this machine. Interrupted, it goes on where it was the next time.

    Its last lines are what `tuner front -o json` prints.
    """
    from tuner.backends.local.manifests import load
    from tuner.cli.live import open_display
    from tuner.cli.session import RunOptions, Session

    loaded = load(manifests, instance_types=instance_types or ())
    options = RunOptions(store=store, again=again, inputs=_inputs(inputs or [], loaded=loaded))
    session = Session(loaded, options)
    stop = _on_signals()
    display = open_display()
    try:
        _greet(session, loaded, display)
        interrupted = _work(session, display, stop=stop)
    finally:
        display.close()
        session.close()
    if interrupted:
        typer.echo("interrupted; the same command goes on from here", err=True)
        raise typer.Exit(INTERRUPTED)
    _finish(loaded.study.metadata.name, store=store, output=output)


def _work(session: Session, display: Display, *, stop: threading.Semaphore) -> bool:
    """Runs to the end; whether it was interrupted."""
    if session.end is not None and not session.reopens:
        display.say(
            f"{session.study.name} has ended ({session.end.reason}); "
            "--again starts a new run, which reuses cached stages"
        )
        return False
    session.open()
    if session.lesson is not None:
        from tuner.cli.learned import learned_lines

        for line in learned_lines(session.lesson.record, session.lesson.prior):
            display.say(line)
    while session.end is None:
        events = session.step(timeout_seconds=POLL_SECONDS)
        display.show(events, summary=session.summary())
        if stop.acquire(blocking=False):
            display.say("saving checkpoints; interrupt again to leave without")
            session.pause(give_up=lambda: stop.acquire(blocking=False))
            return True
    display.say(f"{session.end.reason}: {session.end.message}")
    return False


def _greet(session: Session, loaded: Loaded, display: Display) -> None:
    from tuner.cli.outline import outline

    for line in outline(loaded, resumed=session.resumed, uid=session.study.uid):
        display.say(line)


def _finish(study: str, *, store: Path, output: Format) -> None:
    """Prints the front as `tuner front` does, last of all as JSON."""
    from tuner.cli.follow import exit_code
    from tuner.cli.front import front_text
    from tuner.cli.local import LocalSource
    from tuner.cli.output import dump

    report = LocalSource(store).report(study)
    if output is Format.TABLE:
        typer.echo(front_text(report))
        output = Format.JSON
    typer.echo(dump(report.summary.to_json(), form=output))
    raise typer.Exit(exit_code(report))


def _on_signals() -> threading.Semaphore:
    """Counts interrupts; nothing is cut off in the middle."""
    interrupts = threading.Semaphore(0)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: interrupts.release())
    return interrupts


def _inputs(given: list[str], *, loaded: Loaded) -> dict[str, str]:
    known = {each.name for each in loaded.study.spec.inputs or ()}
    inputs: dict[str, str] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals or name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise typer.BadParameter(
                f"{text!r} is not NAME=PATH of an input; there are: {names}", param_hint="--input"
            )
        inputs[name] = path
    return inputs
