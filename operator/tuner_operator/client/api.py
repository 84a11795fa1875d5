"""Requests to the API server as plain JSON; authentication is the Kubernetes client's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
from kubernetes.aio import client as kube
from kubernetes.aio import config as kube_config

from tuner_operator.client.errors import ApiError, error_of
from tuner_operator.client.resources import API_VERSIONS, RESOURCES
from tuner_operator.names import Object

TIMEOUT_SECONDS = 30.0
PAGE = 500
_MERGE_PATCH = "application/merge-patch+json"


class Api:
    """One connection pool; every method raises an `ApiError`.

    Args:
        client: The Kubernetes client, for addresses and credentials.
        after_change: Called after each request that changed something.
    """

    def __init__(
        self, client: kube.ApiClient, *, after_change: Callable[[str, str], None] | None = None
    ) -> None:
        self._client = client
        self._after_change = after_change

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def get(self, kind: str, *, name: str, namespace: str = "") -> Object:
        """An object."""
        answer = await self._request("GET", RESOURCES[kind].path(namespace, name))
        return _typed(answer, kind)

    async def list(
        self, kind: str, *, namespace: str = "", selector: str = ""
    ) -> tuple[list[Object], int]:
        """All objects of a kind, page by page, and the list's version."""
        items: list[Object] = []
        query = {"limit": str(PAGE), **({"labelSelector": selector} if selector else {})}
        version = 0
        while True:
            page = await self._request("GET", RESOURCES[kind].path(namespace), query=query)
            items += [_typed(item, kind) for item in page.get("items") or ()]
            version = version or int(page["metadata"].get("resourceVersion") or 0)
            token = page["metadata"].get("continue")
            if not token:
                return items, version
            query["continue"] = token

    async def create(self, manifest: Mapping[str, Any], *, timeout: float | None = None) -> Object:
        """Creates an object. Raises AlreadyExists, Forbidden, Invalid."""
        kind = manifest["kind"]
        path = RESOURCES[kind].path(manifest["metadata"].get("namespace", ""))
        return _typed(await self._request("POST", path, body=manifest, timeout=timeout), kind)

    async def patch(
        self, kind: str, body: Mapping[str, Any], *, name: str, namespace: str, status: bool = False
    ) -> Object:
        """Merges into an object, or into its status. Raises Conflict, NotFound, Invalid."""
        path = RESOURCES[kind].path(namespace, name, status=status)
        answer = await self._request("PATCH", path, body=body, content=_MERGE_PATCH)
        return _typed(answer, kind)

    async def replace(self, obj: Mapping[str, Any], *, timeout: float | None = None) -> Object:
        """Replaces an object, if its version is still the one given. Raises Conflict."""
        kind, meta = obj["kind"], obj["metadata"]
        path = RESOURCES[kind].path(meta.get("namespace", ""), meta["name"])
        return _typed(await self._request("PUT", path, body=obj, timeout=timeout), kind)

    async def delete(
        self, kind: str, *, name: str, namespace: str, uid: str, grace_seconds: int | None = None
    ) -> Object | None:
        """Deletes the object of that uid; what is left of it for its grace period, or None."""
        body: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
        }
        if uid:
            body["preconditions"] = {"uid": uid}
        if grace_seconds is not None:
            body["gracePeriodSeconds"] = grace_seconds
        answer = await self._request("DELETE", RESOURCES[kind].path(namespace, name), body=body)
        return None if answer.get("kind") == "Status" else _typed(answer, kind)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content: str = "application/json",
        timeout: float | None = None,
    ) -> dict[str, Any]:
        request = await self._client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json", "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            answer = await self._client.call_api(
                *request, _request_timeout=timeout or TIMEOUT_SECONDS
            )
            data = (await answer.read()) or b"{}"
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise ApiError(f"{method} {path}: {error!r}") from error
        if method != "GET" and self._after_change is not None:
            self._after_change(method, path)
        if answer.status >= 300:
            raise error_of(answer.status, data.decode(errors="replace"))
        document: dict[str, Any] = json.loads(data)
        return document


async def connect(
    kubeconfig: str | None, *, after_change: Callable[[str, str], None] | None = None
) -> Api:
    """A connection with the pod's service account, or with a kubeconfig."""
    configuration = kube.Configuration()
    if kubeconfig:
        await kube_config.load_kube_config(
            config_file=kubeconfig, client_configuration=configuration
        )
    else:
        kube_config.load_incluster_config(client_configuration=configuration)
    configuration.retries = False
    return Api(kube.ApiClient(configuration), after_change=after_change)


def _typed(obj: dict[str, Any], kind: str) -> dict[str, Any]:
    """Items of lists carry neither kind nor version."""
    return {**obj, "kind": kind, "apiVersion": API_VERSIONS[kind]}
