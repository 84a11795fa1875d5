"""One study, as a worker reads it."""

from __future__ import annotations

from typing import Any

from kubernetes import client

from tuner.backends.kubernetes.connection import NOT_FOUND, REQUEST_TIMEOUT, call
from tuner.backends.kubernetes.objects import Object
from tuner.pipeline import StudyIdentity
from tuner.spec.meta import GROUP, VERSION


def fetch_study(api: client.ApiClient, study: StudyIdentity) -> Object | None:
    """The TuningStudy of that name, or None. Raises BackendError."""
    found: Any = call(
        lambda: client.CustomObjectsApi(api).get_namespaced_custom_object(
            GROUP,
            VERSION,
            study.namespace,
            "tuningstudies",
            study.name,
            _request_timeout=REQUEST_TIMEOUT,
        ),
        passing=NOT_FOUND,
    )
    return None if found is None else dict(found)
