"""`tuner prior`: what studies learned from earlier ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tuner.cli.options import Format, Output, Study

prior = typer.Typer(
    name="prior", help="What studies learned from earlier ones.", no_args_is_help=True
)

Local = Annotated[
    Path | None,
    typer.Option("--local", help="The folder of `tuner run`; .tuner if none.", show_default=False),
]
Bucket = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        help="Read the cluster's bucket (TUNER_STORE): a study of this namespace.",
        show_default=False,
    ),
]


@prior.command()
def show(
    study: Study,
    output: Output = Format.TABLE,
    namespace: Bucket = None,
    local: Local = None,
) -> None:
    """Show what a study learned from which earlier studies, and what was missing."""
    from tuner.cli.bucket import open_place
    from tuner.cli.learned import learned_json, learned_lines
    from tuner.cli.output import dump
    from tuner.errors import UnknownObject
    from tuner.transfer.record import get_record
    from tuner.transfer.shelf import PriorShelf

    place = open_place(local=local, namespace=namespace)
    record = get_record(place.store, place.entry(study).prefix)
    if record is None:
        raise UnknownObject(f"{study} has not learned from earlier studies: see spec.transfer")
    shelf = PriorShelf(place.store, f"cache/{place.namespace}")
    found = shelf.get(record.prior) if record.prior else None
    if output is not Format.TABLE:
        typer.echo(dump(learned_json(study, record, found), form=output))
        return
    for line in learned_lines(record, found):
        typer.echo(line)
    if found is not None:
        from tuner.surrogates.prior import describe

        typer.echo(dump(dict(describe(found)), form=Format.YAML))
