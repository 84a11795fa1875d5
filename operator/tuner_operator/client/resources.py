"""Where the kinds that the operator touches live in the API."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind's place in the API."""

    group: str
    version: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str = "", name: str = "", *, status: bool = False) -> str:
        """The path of a collection, an object, or its status."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root]
        if self.namespaced and namespace:
            parts.append(f"namespaces/{namespace}")
        parts.append(self.plural)
        if name:
            parts.append(name)
        if status:
            parts.append("status")
        return "/".join(parts)


RESOURCES = {
    "TuningStudy": Resource("tuner.dev", "v1alpha1", "tuningstudies"),
    "TuningTrial": Resource("tuner.dev", "v1alpha1", "tuningtrials"),
    "InstanceType": Resource("tuner.dev", "v1alpha1", "instancetypes", namespaced=False),
    "Pod": Resource("", "v1", "pods"),
    "Node": Resource("", "v1", "nodes", namespaced=False),
    "Secret": Resource("", "v1", "secrets"),
    "Event": Resource("", "v1", "events"),
    "ConfigMap": Resource("", "v1", "configmaps"),
    "ServiceAccount": Resource("", "v1", "serviceaccounts"),
    "RoleBinding": Resource("rbac.authorization.k8s.io", "v1", "rolebindings"),
    "Lease": Resource("coordination.k8s.io", "v1", "leases"),
}
API_VERSIONS = {
    kind: f"{one.group}/{one.version}" if one.group else one.version
    for kind, one in RESOURCES.items()
}
