"""What only a real S3 service shows: outages, refusals, its clock, and the memory it costs."""

import io
import time
from pathlib import Path

import pytest

from tuner.artifacts import EnvCredentials, FileCredentials, Patience, S3Settings, open_store
from tuner.artifacts.s3 import S3Store
from tuner.errors import BucketMissing, ObjectMissing, StoreDenied, StoreUnreachable
from tuner.log import Kind, StudyLog


def test_killed_and_started_again(own_minio, credentials) -> None:
    store = open_store(own_minio.new_bucket(), credentials=credentials())
    store.put("before", b"1")
    own_minio.kill()
    with pytest.raises(StoreUnreachable):
        store.put("while", b"2")
    with pytest.raises(StoreUnreachable):
        store.get("before", max_bytes=1)
    with pytest.raises(StoreUnreachable):
        list(store.list(""))
    with pytest.raises(StoreUnreachable):
        store.stat("before")
    with pytest.raises(StoreUnreachable):
        store.delete(["before", "while"])
    assert abs(store.now() - time.time()) < 5
    own_minio.start()
    store.put("after", b"3")
    assert [info.key for info in store.list("")] == ["after", "before"]
    assert store.get("before", max_bytes=1) == b"1"


def test_the_log_outlasts_an_outage(own_minio, credentials) -> None:
    store = open_store(own_minio.new_bucket(), credentials=credentials())
    restarts: list[float] = []

    def sleep(seconds: float) -> None:
        restarts.append(seconds)
        own_minio.start()

    log = StudyLog(store, "studies/ns/s.u", patience=Patience(seconds=60, sleep=sleep))
    log.append(Kind.PROPOSED, trial="s-0-0", attempt=0, body={"x": 1})
    own_minio.kill()
    log.append(Kind.RESULT, trial="s-0-0", attempt=1, body={"x": 2})
    assert len(restarts) == 1
    assert [dict(record.body) for record in log.read_all()] == [{"x": 1}, {"x": 2}]


def test_wrong_credentials(minio_server, credentials) -> None:
    settings = minio_server.new_bucket()
    for provider in (credentials("nobody"), credentials(secret_key="wrong-secret")):
        store = open_store(settings, credentials=provider)
        with pytest.raises(StoreDenied, match="credentials"):
            store.put("k", b"")
        with pytest.raises(StoreDenied):
            store.get("k", max_bytes=1)
        with pytest.raises(StoreDenied):
            list(store.list(""))
        with pytest.raises(StoreDenied):
            store.stat("k")
        with pytest.raises(StoreDenied):
            store.delete(["a", "b"])


def test_credentials_that_are_replaced_are_used_at_once(
    minio_server, credentials, tmp_path: Path
) -> None:
    (tmp_path / "accessKey").write_text("nobody")
    (tmp_path / "secretKey").write_text("wrong-secret")
    store = open_store(minio_server.new_bucket(), credentials=FileCredentials(tmp_path))
    with pytest.raises(StoreDenied):
        store.put("k", b"1")
    (tmp_path / "accessKey").write_text(credentials().access_key + "\n")
    (tmp_path / "secretKey").write_text(credentials().secret_key + "\n")
    store.put("k", b"1")
    assert store.get("k", max_bytes=1) == b"1"


def test_no_credentials(minio_server) -> None:
    store = open_store(minio_server.new_bucket(), credentials=EnvCredentials({}))
    with pytest.raises(StoreDenied, match="TUNER_STORE_ACCESS_KEY"):
        store.put("k", b"1")


def test_missing_bucket(minio_server, credentials) -> None:
    settings = S3Settings(endpoint=minio_server.endpoint, bucket="not-there", secure=False)
    store = open_store(settings, credentials=credentials())
    with pytest.raises(BucketMissing, match="not-there"):
        store.put("k", b"")
    with pytest.raises(BucketMissing):
        store.get("k", max_bytes=1)
    with pytest.raises(BucketMissing):
        list(store.list(""))
    with pytest.raises(BucketMissing):
        store.delete(["a", "b"])


def test_nobody_listens(credentials) -> None:
    settings = S3Settings(endpoint="127.0.0.1:1", bucket="bucket", secure=False)
    with pytest.raises(StoreUnreachable, match=r"127\.0\.0\.1:1/bucket"):
        open_store(settings, credentials=credentials()).put("k", b"")


def test_tls_to_a_server_without(minio_server, credentials) -> None:
    settings = S3Settings(endpoint=minio_server.endpoint, bucket="bucket", secure=True)
    with pytest.raises(StoreUnreachable, match="SSL"):
        open_store(settings, credentials=credentials()).put("k", b"")


def test_the_clock_is_the_stores(minio_server, credentials) -> None:
    store = S3Store(
        minio_server.new_bucket(), credentials=credentials(), clock=lambda: time.time() + 1000.0
    )
    assert abs(store.now() - time.time()) < 2.5


def test_a_stream_that_fails_in_the_middle_stores_nothing(minio_server, credentials) -> None:
    class Breaking(io.RawIOBase):
        def __init__(self) -> None:
            self.left = 10 << 20

        def read(self, size: int = -1) -> bytes:
            if self.left <= 0:
                raise PermissionError("unreadable")
            count = min(size, self.left)
            self.left -= count
            return bytes(count)

    store = open_store(minio_server.new_bucket(), credentials=credentials())
    with pytest.raises(Exception, match="unreadable"):
        store.put("k", Breaking(), size_bytes=20 << 20)
    with pytest.raises(ObjectMissing):
        store.get("k", max_bytes=1)
