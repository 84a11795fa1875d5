"""Errors of the S3 client in this project's words."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree.ElementTree import ParseError

import urllib3.exceptions
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError

from tuner.errors import (
    BucketMissing,
    ObjectMissing,
    StoreDenied,
    StoreError,
    StoreUnreachable,
)

_DENIED = frozenset(
    {
        "AccessDenied",
        "AccountProblem",
        "AllAccessDisabled",
        "AuthorizationHeaderMalformed",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)
_PASSING = frozenset(
    {
        "BandwidthLimitExceeded",
        "IncompleteBody",
        "InternalError",
        "OperationAborted",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "SlowDownRead",
        "SlowDownWrite",
        "XMinioServerNotInitialized",
        "XMinioStorageFull",
    }
)
_MISSING = frozenset({"NoSuchKey", "NoSuchObject", "ResourceNotFound"})


def from_code(code: str, status: int, what: str) -> StoreError:
    """The error that an S3 error code and HTTP status stand for."""
    if code in _MISSING:
        return ObjectMissing(f"{what}: no such object")
    if code == "NoSuchBucket":
        return BucketMissing(f"{what}: the bucket does not exist; create it or change its name")
    if code in _PASSING or status == 429 or status >= 500:
        return StoreUnreachable(f"{what}: {code or status}")
    if code in _DENIED or status in (401, 403):
        return StoreDenied(f"{what}: {code or status}; check the store's credentials and policy")
    return StoreError(f"{what}: {code or status}")


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turns whatever the client raises into a StoreError; `what` names the operation."""
    try:
        yield
    except S3Error as error:
        status = getattr(error.response, "status", 0) or 0
        raise from_code(str(error.code), int(status), what) from error
    except ServerError as error:
        raise from_code("", error.status_code, what) from error
    except InvalidResponseError as error:
        raise from_code("", int((error.args and _status(error)) or 0), what) from error
    except (urllib3.exceptions.HTTPError, ConnectionError, TimeoutError, ssl.SSLError) as error:
        raise StoreUnreachable(f"{what}: {_brief(error)}") from error
    except ParseError as error:
        raise StoreUnreachable(f"{what}: an answer that is cut off or no XML: {error}") from error
    except (MinioException, ValueError) as error:
        raise StoreError(f"{what}: {_brief(error)}") from error


def _status(error: InvalidResponseError) -> int:
    # Private, and in no public place of the error but its sentence.
    return int(getattr(error, "_code", 0) or 0)


def _brief(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or error
    return f"{type(reason).__name__}: {reason}"[:300]
