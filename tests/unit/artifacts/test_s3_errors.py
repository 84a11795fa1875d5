"""The S3 store against a server that answers as told: which error, and how many requests."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tuner.artifacts import Credentials, EnvCredentials, S3Settings
from tuner.artifacts.s3 import S3Store
from tuner.artifacts.s3.errors import from_code
from tuner.errors import (
    BucketMissing,
    ObjectMissing,
    StoreDenied,
    StoreError,
    StoreUnreachable,
)

Answer = tuple[int, dict[str, str], bytes]


def failure(status: int, code: str) -> Answer:
    body = f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode()
    return status, {"Content-Type": "application/xml"}, body


class Server(ThreadingHTTPServer):
    """Gives its answers one after the other, the last one for ever."""

    answers: list[Answer]
    requests: list[str]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append(f"{self.command} {self.path}")
        answers = self.server.answers
        status, headers, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        # Said, or the client asks again on the connection that is just being closed.
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _answer

    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.answers, server.requests = [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def make_store(server: Server) -> Callable[..., S3Store]:
    def make() -> S3Store:
        environ = {"TUNER_STORE_ACCESS_KEY": "a", "TUNER_STORE_SECRET_KEY": "s"}
        settings = S3Settings(
            endpoint=f"127.0.0.1:{server.server_address[1]}", bucket="bucket", secure=False
        )
        return S3Store(settings, credentials=EnvCredentials(environ))

    return make


def test_a_passing_failure_is_tried_once_more(server: Server, make_store) -> None:
    server.answers = [failure(503, "SlowDown"), (200, {"ETag": '"x"'}, b"")]
    make_store().put("k", b"data")
    assert server.requests == ["PUT /bucket/k"] * 2


@pytest.mark.parametrize(
    ("status", "code"),
    [(503, "SlowDown"), (500, "InternalError"), (429, "SlowDown"), (507, "XMinioStorageFull")],
)
def test_a_failure_that_stays_is_the_callers(
    server: Server, make_store, status: int, code: str
) -> None:
    server.answers = [failure(status, code)]
    with pytest.raises(StoreUnreachable, match=code):
        make_store().put("k", b"data")
    assert len(server.requests) <= 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (failure(403, "AccessDenied"), StoreDenied),
        (failure(403, "RequestTimeTooSkewed"), StoreDenied),
        (failure(403, "SomethingNew"), StoreDenied),
        (failure(404, "NoSuchBucket"), BucketMissing),
        (failure(404, "NoSuchKey"), ObjectMissing),
        (failure(400, "EntityTooLarge"), StoreError),
        (failure(301, "PermanentRedirect"), StoreError),
        ((502, {"Content-Type": "text/html"}, b"<html>bad gateway</html>"), StoreUnreachable),
        ((403, {"Content-Type": "text/html"}, b"<html>proxy says no</html>"), StoreDenied),
        ((418, {"Content-Type": "text/plain"}, b"a teapot"), StoreError),
    ],
)
def test_what_answers_mean(server: Server, make_store, answer: Answer, error: type) -> None:
    server.answers = [answer]
    with pytest.raises(error) as caught:
        make_store().get("k", max_bytes=100)
    assert caught.type is error
    assert "/bucket: get k" in str(caught.value)


def test_a_body_that_is_cut_off(server: Server, make_store) -> None:
    server.answers = [(200, {"Content-Length": "100"}, b"only this")]
    with pytest.raises(StoreUnreachable):
        make_store().get("k", max_bytes=100)


def test_a_listing_that_is_cut_off(server: Server, make_store) -> None:
    server.answers = [(200, {"Content-Type": "application/xml"}, b"<ListBucketRes")]
    with pytest.raises(StoreUnreachable):
        list(make_store().list("p/"))


def test_a_refused_deletion_among_many(server: Server, make_store) -> None:
    body = (
        b"<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code>"
        b"<Message>m</Message></Error></DeleteResult>"
    )
    server.answers = [(200, {"Content-Type": "application/xml"}, body)]
    with pytest.raises(StoreDenied, match="delete a"):
        make_store().delete(["a", "b"])


def test_no_error_shows_the_secret(server: Server) -> None:
    class Secretive:
        def credentials(self) -> Credentials:
            return Credentials("access", "hush-hush", "hush-token")

    server.answers = [failure(403, "SignatureDoesNotMatch")]
    settings = S3Settings(
        endpoint=f"127.0.0.1:{server.server_address[1]}", bucket="bucket", secure=False
    )
    with pytest.raises(StoreDenied) as caught:
        S3Store(settings, credentials=Secretive()).put("k", b"")
    assert "hush" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_codes_without_a_known_meaning_go_by_status() -> None:
    assert type(from_code("New", 500, "x")) is StoreUnreachable
    assert type(from_code("New", 401, "x")) is StoreDenied
    assert type(from_code("New", 400, "x")) is StoreError
