"""What the API server can answer instead of what was asked for.

ApiError
+-- Conflict         409: the object changed since it was read
|   +-- AlreadyExists
+-- NotFound         404
+-- Forbidden        403: quota, limit range, pod security, or missing rights
+-- Invalid          422
"""

from __future__ import annotations

import json

from tuner.errors import TunerError


class ApiError(TunerError):
    """A request failed; `status` is 0 if there was no answer."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Conflict(ApiError):
    """The object changed since it was read."""


class AlreadyExists(Conflict):
    """There is an object of that name."""


class NotFound(ApiError):
    """There is no such object."""


class Forbidden(ApiError):
    """The request is not allowed."""


class Invalid(ApiError):
    """The object breaks the schema or a rule."""


_ERRORS = {404: NotFound, 403: Forbidden, 422: Invalid}


def error_of(status: int, body: str) -> ApiError:
    """The error that an answer stands for."""
    message, reason = _said(body)
    if status == 409:
        kind: type[ApiError] = AlreadyExists if reason == "AlreadyExists" else Conflict
    else:
        kind = _ERRORS.get(status, ApiError)
    return kind(message or f"HTTP {status}", status=status)


def _said(body: str) -> tuple[str, str]:
    try:
        document = json.loads(body)
    except ValueError:
        return body[:500], ""
    if not isinstance(document, dict):
        return body[:500], ""
    return str(document.get("message", "")), str(document.get("reason", ""))
