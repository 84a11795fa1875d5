"""Which store: a folder or a bucket, as a frozen value with a JSON form. No credentials in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import cast

from tuner.errors import StoreError


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSettings:
    """A folder in place of a bucket: `tuner run` and tests."""

    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    """A bucket of an S3 service.

    Attributes:
        endpoint: Host and, if need be, port; no scheme, no path.
        bucket: Its name; it must exist.
        region: Of the bucket; never asked for, so that policies need not grant it.
        secure: Whether to speak TLS.
        path_style: Bucket in the path, not in the host name; what most services but AWS want.
        ca_file: PEM file of the authorities to trust; None for the usual ones.
    """

    endpoint: str
    bucket: str
    region: str = "us-east-1"
    secure: bool = True
    path_style: bool = True
    ca_file: str | None = None

    def __post_init__(self) -> None:
        if not self.endpoint or "/" in self.endpoint:
            raise StoreError(f"endpoint {self.endpoint!r} must be host or host:port")
        if not self.bucket:
            raise StoreError("the name of the bucket is empty")


StoreSettings = FolderSettings | S3Settings


def encode_settings(settings: StoreSettings) -> str:
    """The settings as one line of JSON."""
    return json.dumps(asdict(settings), sort_keys=True)


def decode_settings(text: str) -> StoreSettings:
    """The reverse of `encode_settings`; unknown fields are refused. Raises StoreError."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise StoreError(f"the store's settings are not JSON: {error}") from error
    if not isinstance(document, Mapping):
        raise StoreError("the store's settings must be a JSON object")
    return _from_mapping(cast("Mapping[str, object]", document))


def _from_mapping(document: Mapping[str, object]) -> StoreSettings:
    kind: type[StoreSettings] = FolderSettings if "folder" in document else S3Settings
    for name, value in document.items():
        wanted = _TYPES.get(name) if name in {field.name for field in fields(kind)} else None
        if wanted is None:
            raise StoreError(f"unknown field {name!r} in the store's settings")
        if not isinstance(value, wanted):
            raise StoreError(f"field {name!r} of the store's settings has a wrong type")
    try:
        # Each value's type has just been checked.
        return kind(**document)  # type: ignore[arg-type]
    except TypeError as error:
        raise StoreError(f"the store's settings lack a field: {error}") from error


_TYPES: Mapping[str, tuple[type, ...]] = {
    "folder": (str,),
    "endpoint": (str,),
    "bucket": (str,),
    "region": (str,),
    "secure": (bool,),
    "path_style": (bool,),
    "ca_file": (str, type(None)),
}
