"""From Python values to the documents of a study, in the words of its manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tuner.backends.local.manifests import Loaded, resolved
from tuner.errors import ManifestError
from tuner.spec import API_VERSION, Manifest, SchedulerVariant, load_manifests

Fields = Mapping[str, object]
Named = Mapping[str, Fields] | Sequence[Fields]

STAGE = "train"
"""The only stage of a pipeline that is not described."""

FREE: Mapping[str, Fields] = {"local": {"pricePerHour": 0.0}}
"""The only instance type where none is named: this machine."""

ENDLESS = 1_000_000
"""Trials of a study without a budget: as many as a manifest can ask for."""

MANY = 10_000
"""Failures of a study that bounds none: as many as a manifest can allow."""

_NAMED = {
    "parameters": "name",
    "objectives": "metric",
    "constraints": "metric",
    "initialTrials": "name",
}
"""Lists of the spec that may be given as mappings, and the field that is then the key."""

_CALLER = "ask-tell"
"""Stands where a manifest has an image and commands: the caller runs the stages."""


def study_document(name: str, spec: Fields) -> dict[str, object]:
    """A TuningStudy, with what a caller who runs the trials may leave out filled in.

    Args:
        name: Of the study.
        spec: Fields of the manifest's spec; None is left out. Lists of named things may be
            mappings from the names to the rest. `stages` stands for `pipeline.stages`, and a
            stage needs no command.
    """
    fields = {key: value for key, value in spec.items() if value is not None}
    stages = _stages(fields.pop("stages", None))
    fields["objectives"] = _directed(fields.get("objectives"))
    for field, key in _NAMED.items():
        if field in fields:
            fields[field] = _listed(fields[field], key=key, where=field)
    fields.setdefault("pipeline", {"image": _CALLER, "stages": stages})
    fields.setdefault("budget", {"maxTrials": ENDLESS})
    fields.setdefault("maxFailedTrials", MANY)
    fidelity = fields.get("fidelity")
    if isinstance(fidelity, Mapping) and stages:
        fields["fidelity"] = {"stage": stages[-1]["name"], **fidelity}
    return {
        "apiVersion": API_VERSION,
        "kind": "TuningStudy",
        "metadata": {"name": name},
        "spec": fields,
    }


def type_documents(specs: Mapping[str, Fields]) -> list[dict[str, object]]:
    """InstanceTypes from their specs by name."""
    return [
        {
            "apiVersion": API_VERSION,
            "kind": "InstanceType",
            "metadata": {"name": name},
            "spec": spec,
        }
        for name, spec in specs.items()
    ]


def checked(documents: Iterable[Fields], *, files: Iterable[str | Path] = ()) -> Loaded:
    """The study in documents and files, valid and resolved.

    Raises:
        ManifestError: A rule is broken; each problem names the field and the rule.
    """
    made = [Manifest(file="", data=document, lines={}) for document in documents]
    return _stopping(resolved([*made, *load_manifests(files)]))


def _stopping(loaded: Loaded) -> Loaded:
    """The study with trials stopped at rungs: a caller cannot be told later to go on with one."""
    spec = loaded.study.spec
    scheduler = spec.early_stopping
    if scheduler.variant is SchedulerVariant.STOPPING:
        return loaded
    if spec.scheduler is not None and "variant" in spec.scheduler.model_fields_set:
        raise ManifestError(
            "spec.scheduler.variant: a caller who runs the trials cannot be told to go on with one "
            "that was paused; use Stopping"
        )
    stopping = scheduler.model_copy(update={"variant": SchedulerVariant.STOPPING})
    spec = spec.model_copy(update={"scheduler": stopping})
    return replace(loaded, study=loaded.study.model_copy(update={"spec": spec}))


def _stages(given: object) -> list[dict[str, object]]:
    listed = _listed([STAGE] if given is None else given, key="name", where="stages")
    named = [{"name": one} if isinstance(one, str) else one for one in listed]
    return [{"command": [_CALLER], **_fields(one, "stages")} for one in named]


def _directed(given: object) -> object:
    """Objectives, where a mapping may name just the direction of each."""
    if not isinstance(given, Mapping):
        return given
    return {
        metric: {"direction": rest} if isinstance(rest, str) else rest
        for metric, rest in given.items()
    }


def _listed(given: object, *, key: str, where: str) -> list[object]:
    """A list of fields, from one or from a mapping by name; their content is validated later."""
    if isinstance(given, Mapping):
        return [{key: name, **_fields(rest, f"{where}[{name}]")} for name, rest in given.items()]
    if isinstance(given, Sequence) and not isinstance(given, str):
        return list(given)
    return [] if given is None else [given]


def _fields(given: object, where: str) -> dict[str, object]:
    if isinstance(given, Mapping):
        return dict(given)
    raise ManifestError(f"spec.{where} should be a mapping of the manifest's fields, not {given!r}")
