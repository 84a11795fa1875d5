"""`tuner validate`: what is wrong with manifests, with line numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli.exits import ExitCode
from tuner.cli.options import Format, Output

if TYPE_CHECKING:
    from tuner.spec import Manifest, Problem

Files = Annotated[
    list[Path],
    typer.Argument(help="Manifests, or folders of them; - is not read.", show_default=False),
]


def validate(files: Files, output: Output = Format.TABLE) -> None:
    """Check manifests: every broken rule, with its line. Exit code 2 if there is one."""
    from tuner.cli.output import dump
    from tuner.spec import load_manifests, problems_of

    manifests = [each for each in load_manifests(files) if each.is_ours]
    problems = [problem for manifest in manifests for problem in problems_of(manifest)]
    if not manifests:
        typer.echo("no document of this project in these files", err=True)
    elif output is not Format.TABLE:
        typer.echo(dump([_as_json(problem) for problem in problems], form=output))
    else:
        typer.echo("\n".join([*map(str, problems)] or _good(manifests)))
    if problems or not manifests:
        raise typer.Exit(ExitCode.BAD_MANIFEST)


def _good(manifests: Sequence[Manifest]) -> list[str]:
    return [
        f"{each.file}: {each.kind} {each.data.get('metadata', {}).get('name', '')} is valid"
        for each in manifests
    ]


def _as_json(problem: Problem) -> dict[str, object]:
    return {
        "file": problem.file,
        "line": problem.line,
        "path": problem.path,
        "message": problem.message,
        "suggestion": problem.suggestion,
    }
