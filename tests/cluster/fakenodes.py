"""Fake nodes of any instance type, played by kwok."""

import json
from typing import Any

from components import kubectl
from configs import FAKE_NODE_ANNOTATION

_LABEL = "tuner.dev/fake-node"
TAINT = "kwok.x-k8s.io/node"
"""On every fake node: a real pod that landed there would seem to run. Fake pods tolerate it."""


def add(instance_type: str, *, count: int, cpu: int, memory: str, gpus: int) -> None:
    """Create nodes; those of the same names are changed instead."""
    for index in range(1, count + 1):
        name = f"fake-{instance_type.replace('.', '-')}-{index}"
        node = _node(name, instance_type, capacity=_capacity(cpu, memory, gpus))
        kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(node))


def remove() -> None:
    """Delete all of them, and with them the pods that ran there."""
    kubectl("delete", "nodes", f"--selector={_LABEL}", "--ignore-not-found")


def _capacity(cpu: int, memory: str, gpus: int) -> dict[str, str]:
    capacity = {"cpu": str(cpu), "memory": memory, "pods": "1000"}
    return {**capacity, "nvidia.com/gpu": str(gpus)} if gpus else capacity


def _node(name: str, instance_type: str, *, capacity: dict[str, str]) -> dict[str, Any]:
    annotation, _, value = FAKE_NODE_ANNOTATION.partition("=")
    labels = {
        _LABEL: "true",
        "node.kubernetes.io/instance-type": instance_type,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {annotation: value}},
        "spec": {"taints": [{"key": TAINT, "value": "fake", "effect": "NoSchedule"}]},
        "status": {"capacity": capacity, "allocatable": capacity},
    }
