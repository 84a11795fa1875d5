"""The edge to the API server: the only place that imports the Kubernetes client."""

from tuner_operator.client.api import Api, connect
from tuner_operator.client.errors import (
    AlreadyExists,
    ApiError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
)

__all__ = [
    "AlreadyExists",
    "Api",
    "ApiError",
    "Conflict",
    "Forbidden",
    "Invalid",
    "NotFound",
    "connect",
]
