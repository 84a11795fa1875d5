"""Objects the cluster itself needs."""

import json
from typing import Any

import certs
from components import kubectl

_READ = ["get", "list", "watch"]


def apply() -> None:
    """Let Prometheus and the DNS server read what they serve."""
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": certs.OBSERVERS},
        "rules": [
            _rule("", ["pods", "services", "endpoints", "namespaces", "nodes"]),
            _rule("discovery.k8s.io", ["endpointslices"]),
        ],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": certs.OBSERVERS},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": certs.OBSERVERS,
        },
        "subjects": [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": certs.OBSERVERS}
        ],
    }
    items = {"apiVersion": "v1", "kind": "List", "items": [role, binding]}
    kubectl("apply", "-f", "-", stdin=json.dumps(items))


def _rule(group: str, resources: list[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": resources, "verbs": _READ}
