"""Fixtures for every suite."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import settings

from tuner.spec import load_manifests

Edit = Callable[[str, Mapping[str, Any]], dict[str, Any]]

DATA = Path(__file__).parent / "data"

# Under CI the same examples each time, so that a commit is judged for what it changes; everywhere
# else new ones, so that something is found.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture(scope="session")
def spec_objects() -> dict[str, dict[str, Any]]:
    """The valid objects of data/study.yaml by name."""
    manifests = load_manifests([DATA / "study.yaml"])
    return {str(m.data["metadata"]["name"]): dict(m.data) for m in manifests}


@pytest.fixture(scope="session")
def edit(spec_objects: dict[str, dict[str, Any]]) -> Edit:
    """Makes a copy of one of them with values set by path; None removes."""

    def make(name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        result = copy.deepcopy(spec_objects[name])
        for path, value in changes.items():
            _set(result, path, value)
        return result

    return make


def _set(root: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = (int(step) if step.isdigit() else step for step in path.split("."))
    node: Any = root
    for step in parents:
        node = node[step] if isinstance(step, int) else node.setdefault(step, {})
    if isinstance(last, int) and last == len(node):
        node.append(value)
    elif value is None:
        del node[last]
    else:
        node[last] = value


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """An argument `refusal` or `change` runs over the table in data/refusals or data/changes."""
    for argument in ("refusal", "change"):
        if argument in metafunc.fixturenames:
            table = yaml.safe_load((DATA / f"{argument}s.yaml").read_text())
            metafunc.parametrize(argument, table, ids=[case["name"] for case in table])
