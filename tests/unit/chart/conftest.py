"""Fixtures: the chart as helm renders it."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
CHART = ROOT / "charts" / "tuner"

Documents = list[dict[str, Any]]
Render = Callable[..., Documents]


def _cached_helm() -> str | None:
    user_cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = Path(os.environ.get("TUNER_CACHE") or user_cache / "tuner")
    return shutil.which("helm", path=cache / "bin")


@pytest.fixture(scope="session")
def helm() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs helm."""
    program = shutil.which("helm") or _cached_helm()
    if program is None:
        reason = "helm is neither on PATH nor built (make cluster)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *words], capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture(scope="session")
def template(
    helm: Callable[..., subprocess.CompletedProcess[str]],
) -> Callable[[Iterable[str]], subprocess.CompletedProcess[str]]:
    """Runs helm template with values such as minio.enabled=true."""

    def run(values: Iterable[str]) -> subprocess.CompletedProcess[str]:
        options = [word for value in values for word in ("--set", value)]
        return helm("template", "tuner", CHART, "--namespace=tuner-system",
                    "--kube-version=1.34.0", *options)  # fmt: skip

    return run


@pytest.fixture(scope="session")
def render(template: Callable[[Iterable[str]], subprocess.CompletedProcess[str]]) -> Render:
    """The chart's objects; a trial installation with MinIO unless `minio=False`."""

    def run(*values: str, minio: bool = True) -> Documents:
        done = template([*(["minio.enabled=true"] if minio else []), *values])
        assert done.returncode == 0, done.stderr
        return [document for document in yaml.safe_load_all(done.stdout) if document]

    return run


@pytest.fixture(scope="session")
def find() -> Callable[..., dict[str, Any]]:
    """The one object of a kind and name."""

    def one(documents: Documents, kind: str, name: str, **metadata: str) -> dict[str, Any]:
        wanted = {"name": name, **metadata}
        found = [
            document
            for document in documents
            if document["kind"] == kind and wanted.items() <= document["metadata"].items()
        ]
        assert len(found) == 1, [(d["kind"], d["metadata"]["name"]) for d in documents]
        return found[0]

    return one
