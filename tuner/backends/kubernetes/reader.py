"""Reads studies, trials and logs of one namespace for the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException

from tuner.errors import BackendError
from tuner.spec.meta import GROUP, VERSION

Object = Mapping[str, Any]
T = TypeVar("T")

STUDIES = "tuningstudies"
TRIALS = "tuningtrials"
STAGE_CONTAINER = "stage"
_PAGE = 500
_TIMEOUT_SECONDS = 30.0
_NOT_FOUND = 404


class ClusterReader:
    """What `tuner status`, `front`, `trials`, `logs` and `wait` need of a cluster; reads only.

    Every method raises BackendError if the API server does not answer or refuses.

    Args:
        api: A configured client.
        namespace: The namespace that is read.
    """

    def __init__(self, api: client.ApiClient, *, namespace: str) -> None:
        self.namespace = namespace
        self._objects = client.CustomObjectsApi(api)
        self._core = client.CoreV1Api(api)

    @classmethod
    def connect(cls, *, namespace: str | None, context: str | None) -> ClusterReader:
        """Connects as kubectl does: $KUBECONFIG or ~/.kube/config, else from inside a pod.

        Args:
            namespace: None for that of the context, else `default`.
            context: None for the current one.
        """
        settings = client.Configuration()
        try:
            config.load_kube_config(context=context, client_configuration=settings)
            current = _current_context(context)
        except ConfigException as error:
            if context is not None:
                raise BackendError(f"no such context in the kubeconfig: {context}") from error
            current = {}
            try:
                config.load_incluster_config(client_configuration=settings)
            except ConfigException:
                raise BackendError(
                    "no cluster to read from: set KUBECONFIG, or name the folder of `tuner run` "
                    "with --local"
                ) from error
        chosen = namespace or str(current.get("namespace") or "default")
        return cls(client.ApiClient(settings), namespace=chosen)

    def list_studies(self) -> Sequence[Object]:
        """Every TuningStudy of the namespace."""
        return self._list(STUDIES)

    def get_study(self, name: str) -> Object | None:
        """One TuningStudy, or None."""
        return self._get(STUDIES, name)

    def list_trials(self, study: str) -> Sequence[Object]:
        """The TuningTrials of a study."""
        return [each for each in self._list(TRIALS) if each["spec"]["study"] == study]

    def get_trial(self, name: str) -> Object | None:
        """One TuningTrial, or None."""
        return self._get(TRIALS, name)

    def pod_log(self, pod: str) -> Iterator[str]:
        """What the stages of a pod printed, in pieces; nothing if the pod is gone."""
        response: Any = self._call(
            lambda: self._core.read_namespaced_pod_log(
                pod, self.namespace, container=STAGE_CONTAINER, _preload_content=False
            )
        )
        if response is not None:
            for piece in response.stream(65_536):
                yield piece.decode("utf-8", errors="replace")

    def _get(self, plural: str, name: str) -> Object | None:
        found: Any = self._call(
            lambda: self._objects.get_namespaced_custom_object(
                GROUP, VERSION, self.namespace, plural, name, _request_timeout=_TIMEOUT_SECONDS
            )
        )
        return None if found is None else dict(found)

    def _list(self, plural: str) -> list[Object]:
        found: list[Object] = []
        proceed = ""
        while True:
            page = self._page(plural, proceed)
            if page is None:
                raise BackendError(
                    f"the cluster does not know {plural}.{GROUP}: is the chart installed?"
                )
            found.extend(page["items"])
            proceed = page["metadata"].get("continue") or ""
            if not proceed:
                return found

    def _page(self, plural: str, token: str) -> Any:
        return self._call(
            lambda: self._objects.list_namespaced_custom_object(
                GROUP,
                VERSION,
                self.namespace,
                plural,
                limit=_PAGE,
                _continue=token,
                _request_timeout=_TIMEOUT_SECONDS,
            )
        )

    def _call(self, request: Callable[[], T]) -> T | None:
        """The answer, or None for something that does not exist."""
        try:
            return request()
        except ApiException as error:
            if error.status == _NOT_FOUND:
                return None
            raise BackendError(f"the API server refused: {_reason(error)}") from error
        except urllib3.exceptions.HTTPError as error:
            raise BackendError(f"the API server does not answer: {error}") from error


def _current_context(name: str | None) -> Mapping[str, Any]:
    contexts, active = config.list_kube_config_contexts()
    chosen = active if name is None else next(each for each in contexts if each["name"] == name)
    details: Mapping[str, Any] = chosen.get("context") or {}
    return details


def _reason(error: ApiException) -> str:
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return f"{error.status} {error.reason}"
