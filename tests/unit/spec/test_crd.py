"""The CRDs are what the models make, and keep to what the API server and kubectl can take."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tuner.spec import crd
from tuner.spec.schema import object_schema

ROOT = Path(__file__).parents[3]
LAST_APPLIED_LIMIT = 256 * 1024


def schemas() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every node of every CRD with its path; metadata is the API server's own."""
    for definition in crd.DEFINITIONS:
        root = object_schema(definition.model)
        for name in ("spec", "status"):
            yield from below(root["properties"][name], f"{definition.model.__name__}.{name}")


def below(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from below(child, f"{path}.{name}")
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if key in schema:
            yield from below(schema[key], path + mark)


def test_what_is_committed_is_what_the_models_make(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert crd.main(["--check"]) == 0


def test_check_tells_stale_files(tmp_path, capsys):
    assert crd.main(["--out", str(tmp_path)]) == 0
    assert crd.main(["--out", str(tmp_path), "--check"]) == 0
    (tmp_path / "tuner.dev_instancetypes.yaml").write_text("stale")
    assert crd.main(["--out", str(tmp_path), "--check"]) == 1
    assert "tuner.dev_instancetypes.yaml is out of date" in capsys.readouterr().err


@pytest.mark.parametrize("definition", crd.DEFINITIONS, ids=lambda d: d.plural)
def test_kubectl_apply_can_note_it(definition):
    applied = json.dumps(crd.crd(definition), separators=(",", ":"))
    assert len(applied) < 0.8 * LAST_APPLIED_LIMIT


def test_every_field_is_described():
    silent = [
        path for path, node in schemas() if path[-1] not in "]}" and "description" not in node
    ]
    assert silent == []


def test_everything_is_bounded():
    bounds = {"string": "maxLength", "array": "maxItems"}
    unbounded = [
        path
        for path, node in schemas()
        if (bound := bounds.get(str(node.get("type")))) and bound not in node and "enum" not in node
    ]
    maps = [
        path for path, n in schemas() if "additionalProperties" in n and "maxProperties" not in n
    ]
    assert unbounded + maps == []


def test_keys_of_map_lists_are_required():
    loose = [
        path
        for path, node in schemas()
        if not set(node.get("x-kubernetes-list-map-keys", ()))
        <= set(node.get("items", {}).get("required", ()))
    ]
    assert loose == []


def test_the_form_is_structural():
    words = {"anyOf", "oneOf", "allOf", "not", "$ref", "$defs", "title", "nullable", "const"}
    assert [path for path, node in schemas() if words & set(node)] == []


def test_charts_keep_the_definitions_and_escape_templates():
    for text in crd.chart_templates().values():
        assert yaml.safe_load(text)["metadata"]["annotations"] == {
            "helm.sh/resource-policy": "keep"
        }
        assert "{{" not in text.replace('{{ "{{" }}', "")


def test_columns_point_at_fields():
    fields = {path.replace("[]", "") for path, _ in schemas()}
    for definition in crd.DEFINITIONS:
        paths = [path for _, _, path in definition.columns if "metadata" not in path]
        for path in paths:
            head = path.partition("[?")[0].removesuffix(".cpu").removesuffix(".memory")
            assert f"{definition.model.__name__}{head}" in fields
