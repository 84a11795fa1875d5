"""Arguments and options that several verbs share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


Study = Annotated[str, typer.Argument(help="The study's name.", show_default=False)]
Manifests = Annotated[
    list[Path],
    typer.Argument(help="Manifests or folders: one study, its instance types.", show_default=False),
]
InstanceTypes = Annotated[
    list[Path] | None,
    typer.Option(
        "--instance-types", help="Further manifests, of instance types.", show_default=False
    ),
]
TrialName = Annotated[str, typer.Argument(help="The trial's name.", show_default=False)]
Output = Annotated[Format, typer.Option("--output", "-o", help="How to print the result.")]
Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace", "-n", help="The study's namespace in the cluster.", show_default=False
    ),
]
Context = Annotated[
    str | None,
    typer.Option("--context", help="The kubeconfig context to use.", show_default=False),
]
Local = Annotated[
    Path | None,
    typer.Option(
        "--local",
        help="Read the studies of `tuner run` in this folder, not the cluster. Without it, a "
        "study in ./.tuner goes before one in the cluster.",
        show_default=False,
    ),
]
