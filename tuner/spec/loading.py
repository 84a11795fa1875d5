"""Manifests from files: read as kubectl reads them, problems with their lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tuner.errors import ManifestError
from tuner.spec.instance_type import InstanceType
from tuner.spec.meta import API_VERSION, GROUP
from tuner.spec.problems import Location, Problem, did_you_mean
from tuner.spec.structure import structural_problems
from tuner.spec.study import TuningStudy
from tuner.spec.trial import TuningTrial
from tuner.spec.validation import check
from tuner.spec.yaml_reader import read_documents

KINDS: Mapping[str, type[TuningStudy] | type[TuningTrial] | type[InstanceType]] = {
    "TuningStudy": TuningStudy,
    "TuningTrial": TuningTrial,
    "InstanceType": InstanceType,
}
MAX_BYTES = 4 * 1024 * 1024
"""A larger file is no manifest."""

TunerObject = TuningStudy | TuningTrial | InstanceType


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One document of a file.

    Attributes:
        file: The file's path as it was given.
        data: The document as JSON values.
        lines: The 1-based line of each location.
    """

    file: str
    data: Mapping[str, Any]
    lines: Mapping[Location, int]

    @property
    def kind(self) -> str:
        """The object's kind; empty if it has none."""
        return str(self.data.get("kind", ""))

    @property
    def is_ours(self) -> bool:
        """Whether the document is of this project's group."""
        return str(self.data.get("apiVersion", "")).startswith(f"{GROUP}/")

    def parse(self) -> TunerObject:
        """The typed object.

        Raises:
            ManifestError: A rule is broken; `problems` says which, with lines.
        """
        problems = validate(self)
        if problems:
            raise ManifestError(f"{self.file} is not valid", problems=problems)
        return KINDS[self.kind].model_validate(self.data)

    def line(self, location: Location) -> int:
        """The line of a location, or of the nearest thing around it that is in the file."""
        for end in range(len(location), -1, -1):
            if location[:end] in self.lines:
                return self.lines[location[:end]]
        return 1


def load_manifests(paths: Iterable[str | Path]) -> list[Manifest]:
    """The documents of files, and of the YAML and JSON files of folders, in order.

    Documents of other groups are returned too; `Manifest.is_ours` tells them apart.

    Raises:
        ManifestError: A file cannot be read or is not YAML, or a document is not a mapping.
    """
    return [manifest for path in paths for file in _files(Path(path)) for manifest in _read(file)]


def validate(manifest: Manifest) -> list[Problem]:
    """Everything that is wrong with a manifest, by line. Documents of other groups have none."""
    if not manifest.is_ours:
        return []
    if manifest.data["apiVersion"] != API_VERSION or manifest.kind not in KINDS:
        return [_unknown_kind(manifest)]
    try:
        model = KINDS[manifest.kind].model_validate(manifest.data)
    except ValidationError as error:
        problems = structural_problems(error, data=manifest.data, model=KINDS[manifest.kind])
    else:
        problems = check(model)
    placed = (_place(problem, manifest) for problem in problems)
    return sorted(placed, key=lambda problem: (problem.line, problem.path))


def _place(problem: Problem, manifest: Manifest) -> Problem:
    return dataclasses.replace(problem, file=manifest.file, line=manifest.line(problem.location))


def _unknown_kind(manifest: Manifest) -> Problem:
    if manifest.kind not in KINDS:
        field, value, hint = "kind", manifest.kind, did_you_mean(manifest.kind, KINDS)
    else:
        field, value = "apiVersion", str(manifest.data["apiVersion"])
        hint = f"use {API_VERSION}"
    return Problem(
        path=field,
        message=f'"{value}" is unknown',
        suggestion=hint,
        file=manifest.file,
        line=manifest.line((field,)),
        location=(field,),
    )


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(p for p in path.iterdir() if p.suffix in {".yaml", ".yml", ".json"})
    else:
        yield path


def _read(path: Path) -> Iterator[Manifest]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ManifestError(f"{path} is larger than {MAX_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path} cannot be read: {error}") from error
    for document in read_documents(text, source=str(path)):
        if not isinstance(document.value, dict):
            raise ManifestError(f"{path}:{document.lines[()]} not a mapping of fields")
        yield Manifest(file=str(path), data=document.value, lines=document.lines)
