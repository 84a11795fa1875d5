"""The CustomResourceDefinitions, made from the models.

python -m tuner.spec.crd [--out crds] [--chart charts/tuner] [--docs docs/crd-reference.md]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tuner.spec.base import Model
from tuner.spec.instance_type import InstanceType
from tuner.spec.meta import GROUP, VERSION
from tuner.spec.reference import reference
from tuner.spec.schema import object_schema
from tuner.spec.study import TuningStudy
from tuner.spec.trial import TuningTrial

Column = tuple[str, str, str]
"""Heading, type, and JSON path."""

CHART_FOLDER = Path("templates/crds")
AGE: Column = ("Age", "date", ".metadata.creationTimestamp")
READY = '.status.conditions[?(@.type=="Ready")].status'


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a CRD says beyond its schema."""

    model: type[Model]
    plural: str
    singular: str
    scope: str
    columns: tuple[Column, ...]
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: dict[str, Any] = field(default_factory=lambda: {"status": {}})

    @property
    def file_name(self) -> str:
        """The file that holds it."""
        return f"{GROUP}_{self.plural}.yaml"


DEFINITIONS = (
    Definition(
        model=TuningStudy,
        plural="tuningstudies",
        singular="tuningstudy",
        scope="Namespaced",
        short_names=("study", "studies"),
        categories=("all",),
        subresources={
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.parallelTrials",
                "statusReplicasPath": ".status.parallelTrials",
                "labelSelectorPath": ".status.selector",
            },
        },
        columns=(
            ("State", "string", ".status.state"),
            ("Trials", "string", ".status.summary.trials"),
            ("Running", "integer", ".status.trials.running"),
            ("Front", "integer", ".status.frontSize"),
            ("Best", "string", ".status.summary.best"),
            ("Spent", "string", ".status.summary.spent"),
            ("Left", "string", ".status.summary.left"),
            AGE,
        ),
    ),
    Definition(
        model=TuningTrial,
        plural="tuningtrials",
        singular="tuningtrial",
        scope="Namespaced",
        short_names=("tt",),
        columns=(
            ("State", "string", ".status.state"),
            ("Type", "string", ".status.summary.type"),
            ("Fidelity", "string", ".status.summary.fidelity"),
            ("Objectives", "string", ".status.summary.objectives"),
            ("Cost", "number", ".status.cost"),
            AGE,
        ),
    ),
    Definition(
        model=InstanceType,
        plural="instancetypes",
        singular="instancetype",
        scope="Cluster",
        columns=(
            ("Price", "number", ".spec.pricePerHour"),
            ("Capacity", "string", ".spec.capacityType"),
            ("CPU", "string", ".spec.resources.cpu"),
            ("Memory", "string", ".spec.resources.memory"),
            ("GPU", "string", ".status.summary.gpu"),
            ("Nodes", "integer", ".status.nodes"),
            ("Running", "integer", ".status.runningTrials"),
            ("Ready", "string", READY),
        ),
    ),
)


def crd(definition: Definition) -> dict[str, Any]:
    """One CustomResourceDefinition."""
    names: dict[str, Any] = {
        "kind": definition.model.__name__,
        "listKind": f"{definition.model.__name__}List",
        "plural": definition.plural,
        "singular": definition.singular,
    }
    if definition.short_names:
        names["shortNames"] = list(definition.short_names)
    if definition.categories:
        names["categories"] = list(definition.categories)
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": definition.subresources,
        "additionalPrinterColumns": [
            {"name": name, "type": kind, "jsonPath": path}
            for name, kind, path in definition.columns
        ],
        "schema": {"openAPIV3Schema": object_schema(definition.model)},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{definition.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": definition.scope,
            "names": names,
            "versions": [version],
        },
    }


def manifests() -> dict[str, str]:
    """The CRDs as YAML, by file name."""
    return {definition.file_name: _dump(crd(definition)) for definition in DEFINITIONS}


def chart_templates() -> dict[str, str]:
    """The same for a chart: kept when the release goes, and safe from the template engine."""
    return {definition.file_name: _template(crd(definition)) for definition in DEFINITIONS}


def _template(document: dict[str, Any]) -> str:
    document["metadata"]["annotations"] = {"helm.sh/resource-policy": "keep"}
    return _dump(document).replace("{{", '{{ "{{" }}')


def _dump(document: dict[str, Any]) -> str:
    header = "# Made by python -m tuner.spec.crd from the models in tuner/spec; do not edit.\n"
    return header + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=4096)


class _Dumper(yaml.SafeDumper):
    """Writes equal values out instead of naming the first, and text that kubectl reads as text."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never an alias."""
        return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes what was asked for, or checks it; with nothing asked for, everything.

    Returns:
        The exit status: 1 if a checked file is not what the models make.
    """
    options = _parser().parse_args(arguments)
    everything = not (options.out or options.chart or options.docs)
    files: dict[Path, str] = {}
    if options.out or everything:
        files |= _below(options.out or Path("crds"), manifests())
    if options.chart or everything:
        files |= _below((options.chart or Path("charts/tuner")) / CHART_FOLDER, chart_templates())
    if options.docs or everything:
        schemas = {d.model.__name__: object_schema(d.model) for d in DEFINITIONS}
        files[options.docs or Path("docs/crd-reference.md")] = reference(schemas)
    return _compare(files) if options.check else _write(files)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tuner.spec.crd",
        description="Makes the CRDs, the chart's copies and the reference from the models.",
    )
    parser.add_argument("--out", type=Path, help="folder for the CRDs (crds)")
    parser.add_argument("--chart", type=Path, help="the chart (charts/tuner)")
    parser.add_argument("--docs", type=Path, help="file for the reference (docs/crd-reference.md)")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    return parser


def _below(folder: Path, files: Mapping[str, str]) -> dict[Path, str]:
    return {folder / name: text for name, text in files.items()}


def _compare(files: Mapping[Path, str]) -> int:
    stale = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    for path in stale:
        print(f"{path} is out of date: run python -m tuner.spec.crd", file=sys.stderr)
    return 1 if stale else 0


def _write(files: Mapping[Path, str]) -> int:
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
