"""The verbs, and how their errors become messages and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from tuner.cli.exits import ExitCode
from tuner.cli.explain import explain
from tuner.cli.follow import logs, wait
from tuner.cli.front import front
from tuner.cli.pretrain import pretrain
from tuner.cli.prior import prior
from tuner.cli.run import run
from tuner.cli.status import status, trials
from tuner.cli.validate import validate
from tuner.errors import ManifestError, TunerError

app = typer.Typer(
    name="tuner",
    help="Tune machine-learning pipelines over parameters and instance types.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

VERBS: tuple[Callable[..., Any], ...] = (
    run,
    validate,
    status,
    front,
    trials,
    explain,
    logs,
    wait,
    pretrain,
)
"""Their modules import no more than the parser; what a verb needs it loads when it is called."""

for verb in VERBS:
    app.command()(verb)
app.add_typer(prior)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(version("tuner"))
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
]


@app.callback()
def _options(version: Version = False) -> None:
    """Tune machine-learning pipelines over parameters and instance types."""


def run_app() -> None:
    """Runs the command line; errors of this project become one message and an exit code."""
    try:
        app()
    except ManifestError as error:
        typer.echo(error, err=True)
        sys.exit(ExitCode.BAD_MANIFEST)
    except TunerError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(ExitCode.FAILED)
