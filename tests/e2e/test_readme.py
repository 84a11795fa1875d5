"""The commands of the README's cluster section, as they stand there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kube import Kube
from release import SECRET

ROOT = Path(__file__).parents[2]
NAMESPACE = "default"
MINUTES = 60


@pytest.fixture
def clean(kube: Kube, release: str) -> Iterator[None]:
    """The store's Secret in the default namespace, and no study of that name before or after."""
    secret = kube.get("secrets", SECRET, release)
    assert secret is not None
    metadata = {"name": SECRET, "namespace": NAMESPACE}
    kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": secret["data"]})
    kube.delete("tuningstudies", "digits", NAMESPACE)
    yield
    kube.delete("tuningstudies", "digits", NAMESPACE)


def commands() -> list[str]:
    """The lines after `helm install`, which the fixture `release` has done."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.S | re.M)
    (block,) = [one for one in blocks if "helm install" in one]
    return [line for line in block.splitlines() if line.startswith(("kubectl ", "tuner "))]


@pytest.mark.timeout(16 * MINUTES)
@pytest.mark.alone
def test_the_commands_end_with_a_front_on_two_instance_types(clean: None) -> None:
    printed: dict[str, str] = {}
    for line in commands():
        words = line.split("#")[0].replace("'", "").split()
        if words[0] == "tuner":
            words = [sys.executable, "-m", *words]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=15 * MINUTES)
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        print(done.stdout)
        printed[line] = done.stdout
    assert "Succeeded" in printed["kubectl get study digits"]
    words = [sys.executable, "-m", "tuner", "front", "digits", "-n", NAMESPACE, "-o", "json"]
    front = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    points = front["paretoFront"]
    assert len(points) >= 2
    assert len({name for point in points for name in point["instanceTypes"].values()}) >= 2
