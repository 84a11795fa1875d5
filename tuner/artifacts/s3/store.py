"""A bucket of an S3 service as an object store, through the `minio` client."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

import minio
from minio.credentials.credentials import Credentials as MinioCredentials
from minio.credentials.providers import Provider
from minio.deleteobjects import DeleteObject

from tuner.artifacts._protocol import ObjectInfo
from tuner.artifacts.clock import StoreClock
from tuner.artifacts.credentials import CredentialsProvider
from tuner.artifacts.keys import validate_key, validate_prefix
from tuner.artifacts.s3.errors import from_code, translated
from tuner.artifacts.s3.http import make_pool
from tuner.artifacts.settings import S3Settings
from tuner.errors import ObjectMissing, ObjectTooLarge, StoreError, StoreUnreachable

PART_BYTES = 8 << 20
"""Of a multipart upload. One part at a time is in memory: the agent lives in 64 MB."""

MAX_PARTS = 10_000
CLOCK_SECONDS = 300.0
"""Age at which the estimate of the store's clock is renewed."""

_CHUNK_BYTES = 256 << 10


class S3Store:
    """An `ArtifactStore` in a bucket, which must exist.

    The client retries a request once; whoever must outlast an outage calls again.
    """

    def __init__(
        self,
        settings: S3Settings,
        *,
        credentials: CredentialsProvider,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._bucket = settings.bucket
        self._name = f"{settings.endpoint}/{settings.bucket}"
        self._clock = StoreClock(clock)
        with translated(self._name):
            self._client = _client(settings, credentials, store_clock=self._clock, clock=clock)

    def put(self, key: str, data: bytes | BinaryIO, *, size_bytes: int | None = None) -> None:
        """Writes an object whole; see ArtifactStore."""
        validate_key(key)
        size = len(data) if isinstance(data, bytes) else size_bytes
        if size is None:
            raise StoreError("a stream needs its size")
        stream = io.BytesIO(data) if isinstance(data, bytes) else data
        part_bytes = PART_BYTES * -(-size // (PART_BYTES * MAX_PARTS)) or PART_BYTES
        with self._doing("put", key), _short_stream(key):
            self._client.put_object(
                self._bucket, key, stream, size, part_size=part_bytes, num_parallel_uploads=1
            )

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """Reads an object; see ArtifactStore."""
        return b"".join(self._chunks(key, max_bytes))

    def download(self, key: str, path: Path, *, max_bytes: int) -> None:
        """Streams an object into a new file; see ArtifactStore."""
        with path.open("xb") as file:
            try:
                for chunk in self._chunks(key, max_bytes):
                    file.write(chunk)
            except BaseException:
                path.unlink(missing_ok=True)
                raise

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ObjectInfo]:
        """Objects in key order; see ArtifactStore."""
        validate_prefix(prefix)
        with self._doing("list", prefix):
            for found in self._client.list_objects(
                self._bucket, prefix, recursive=True, start_after=start_after or None
            ):
                yield _info(found)

    def folders(self, prefix: str) -> Iterator[str]:
        """Next segments; see ArtifactStore."""
        if validate_prefix(prefix) and not prefix.endswith("/"):
            raise StoreError(f"prefix {prefix!r} must end with a slash")
        with self._doing("list", prefix):
            for found in self._client.list_objects(self._bucket, prefix):
                if found.is_dir and found.object_name:
                    yield found.object_name[len(prefix) : -1]

    def stat(self, key: str) -> ObjectInfo | None:
        """The object's facts or None; see ArtifactStore."""
        validate_key(key)
        try:
            with self._doing("stat", key):
                return _info(self._client.stat_object(self._bucket, key))
        except ObjectMissing:
            return None

    def delete(self, keys: Iterable[str]) -> None:
        """Removes objects, up to 1,000 a request; see ArtifactStore."""
        objects = [DeleteObject(validate_key(key)) for key in keys]
        if len(objects) == 1:
            with self._doing("delete", objects[0].name):
                self._client.remove_object(self._bucket, objects[0].name)
            return
        with self._doing("delete", f"{len(objects)} objects"):
            # The client sends 1,000 at a time, and nothing for none.
            errors = list(self._client.remove_objects(self._bucket, objects))
        for error in errors:
            if error.code != "NoSuchKey":
                raise from_code(str(error.code), 0, f"{self._name}: delete {error.name}")

    def now(self) -> float:
        """The store's clock; this machine's while the store cannot be asked."""
        if self._clock.age_seconds > CLOCK_SECONDS:
            try:
                with self._doing("ask the time of", ""):
                    self._client.bucket_exists(self._bucket)
            except StoreError:
                # Whoever wants the time is about to write, and will be told then.
                return self._clock.now()
        return self._clock.now()

    def _doing(self, verb: str, key: str) -> AbstractContextManager[None]:
        return translated(f"{self._name}: {verb} {key}")

    def _chunks(self, key: str, max_bytes: int) -> Iterator[bytes]:
        validate_key(key)
        with self._doing("get", key):
            response = self._client.get_object(self._bucket, key)
            try:
                expected = int(response.headers.get("Content-Length", ""))
                if expected > max_bytes:
                    raise ObjectTooLarge(f"{key} has {expected} bytes, more than {max_bytes}")
                received = 0
                for chunk in response.stream(_CHUNK_BYTES):
                    received += len(chunk)
                    yield chunk
                if received != expected:
                    raise StoreUnreachable(f"{key}: {received} of {expected} bytes came")
            finally:
                response.close()
                response.release_conn()


def _client(
    settings: S3Settings,
    credentials: CredentialsProvider,
    *,
    store_clock: StoreClock,
    clock: Callable[[], float],
) -> Any:
    # Any: parts of the client have no types.
    client: Any = minio.Minio
    connected = client(
        settings.endpoint,
        secure=settings.secure,
        region=settings.region,
        credentials=_Provider(credentials),
        http_client=make_pool(store_clock, clock=clock, ca_file=settings.ca_file),
    )
    if settings.path_style:
        connected.disable_virtual_style_endpoint()
    else:
        connected.enable_virtual_style_endpoint()
    return connected


class _Provider(Provider):
    """Hands our credentials to the client, which asks before every request."""

    def __init__(self, source: CredentialsProvider) -> None:
        self._source = source

    def retrieve(self) -> MinioCredentials:
        found = self._source.credentials()
        return MinioCredentials(found.access_key, found.secret_key, found.session_token)


def _info(found: Any) -> ObjectInfo:
    modified = found.last_modified.timestamp() if found.last_modified else 0.0
    return ObjectInfo(str(found.object_name), int(found.size or 0), modified)


class _short_stream:
    """A stream that ends early is the caller's mistake, not the store's."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if type(error) is OSError:
            raise StoreError(f"{self._key}: {error}") from error
