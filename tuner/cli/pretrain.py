"""`tuner pretrain`: trains the prior of a study before it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tuner.cli.options import Format, InstanceTypes, Manifests, Output

Local = Annotated[
    Path | None,
    typer.Option("--store", help="The folder of `tuner run`; .tuner if none.", show_default=False),
]
Bucket = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        help="Use the cluster's bucket (TUNER_STORE) and the studies of this namespace.",
        show_default=False,
    ),
]


def pretrain(
    manifests: Manifests,
    instance_types: InstanceTypes = None,
    store: Local = None,
    namespace: Bucket = None,
    output: Output = Format.TABLE,
) -> None:
    """Learn from the studies that `spec.transfer` names, and store what was learned.

    A study does so by itself when it starts; this takes the seconds out of its start, and shows
    what it will go by.
    """
    from tuner.backends.local.manifests import load
    from tuner.cli.bucket import open_place
    from tuner.cli.learned import learned_json, learned_lines
    from tuner.cli.output import dump
    from tuner.errors import ManifestError
    from tuner.pipeline import StudyIdentity
    from tuner.transfer.learning import Recipe, teach
    from tuner.transfer.selecting import select

    loaded = load(manifests, instance_types=instance_types or ())
    study, spec = loaded.study.metadata.name, loaded.study.spec
    if spec.transfer is None:
        raise ManifestError(f"{study} has no spec.transfer: name studies to learn from there")
    place = open_place(local=store, namespace=namespace)
    identity = StudyIdentity(name=study, namespace=place.namespace, uid="")
    types = {name: one.spec for name, one in loaded.instance_types.items()}
    lesson = teach(
        select(place.store, spec.transfer, study=identity),
        Recipe.of(spec, choices=loaded.choices, instance_types=types),
        store=place.store,
        study=identity,
    )
    if output is not Format.TABLE:
        said = {**learned_json(study, lesson.record, lesson.prior), "trained": lesson.trained}
        typer.echo(dump(said, form=output))
        return
    for line in learned_lines(lesson.record, lesson.prior):
        typer.echo(line)
    if lesson.prior is not None:
        typer.echo(f"{'trained' if lesson.trained else 'was there'}: {lesson.record.prior}")
