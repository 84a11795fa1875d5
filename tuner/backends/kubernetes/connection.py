"""How a process inside a pod reaches the API server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException

from tuner.errors import BackendError

NOT_FOUND = 404
CONFLICT = 409
GONE = 410
REQUEST_TIMEOUT = (5.0, 30.0)
"""Seconds to connect and to wait for an answer."""

T = TypeVar("T")


def connect() -> client.ApiClient:
    """The API server of the pod's cluster, else that of the kubeconfig.

    Raises:
        BackendError: There is neither.
    """
    settings = client.Configuration()
    try:
        config.load_incluster_config(client_configuration=settings)
    except ConfigException:
        try:
            config.load_kube_config(client_configuration=settings)
        except ConfigException as error:
            raise BackendError("neither in a pod nor is there a kubeconfig") from error
    settings.retries = False
    return client.ApiClient(settings)


def call(request: Callable[[], T], *, passing: int | None = None) -> T | None:
    """The answer to a request; None if the server answers with the status `passing`.

    Raises:
        BackendError: The API server refuses or does not answer.
    """
    try:
        return request()
    except ApiException as error:
        if error.status == passing:
            return None
        raise BackendError(f"the API server refused: {error.status} {error.reason}") from error
    except urllib3.exceptions.HTTPError as error:
        raise BackendError(f"the API server does not answer: {error}") from error
