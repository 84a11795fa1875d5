"""Object storage behind one Protocol: a folder or a bucket of an S3 service.

Needs the standard library only; `minio` is imported when an S3 store is opened.
"""

from tuner.artifacts._protocol import ArtifactStore, ObjectInfo
from tuner.artifacts.credentials import (
    Credentials,
    CredentialsProvider,
    EnvCredentials,
    FileCredentials,
)
from tuner.artifacts.folder import FolderStore
from tuner.artifacts.keys import validate_key, validate_prefix
from tuner.artifacts.opening import delete_prefix, open_store
from tuner.artifacts.patience import Patience
from tuner.artifacts.settings import (
    FolderSettings,
    S3Settings,
    StoreSettings,
    decode_settings,
    encode_settings,
)

__all__ = [
    "ArtifactStore",
    "Credentials",
    "CredentialsProvider",
    "EnvCredentials",
    "FileCredentials",
    "FolderSettings",
    "FolderStore",
    "ObjectInfo",
    "Patience",
    "S3Settings",
    "StoreSettings",
    "decode_settings",
    "delete_prefix",
    "encode_settings",
    "open_store",
    "validate_key",
    "validate_prefix",
]
