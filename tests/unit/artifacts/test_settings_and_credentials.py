import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.artifacts import (
    Credentials,
    EnvCredentials,
    FileCredentials,
    FolderSettings,
    FolderStore,
    S3Settings,
    decode_settings,
    encode_settings,
    open_store,
)
from tuner.errors import StoreDenied, StoreError

_names = st.text(alphabet="abc.-:9", min_size=1)


@given(
    st.one_of(
        st.builds(FolderSettings, folder=st.text(min_size=1)),
        st.builds(
            S3Settings,
            endpoint=_names,
            bucket=_names,
            region=_names,
            secure=st.booleans(),
            path_style=st.booleans(),
            ca_file=st.none() | st.text(),
        ),
    )
)
def test_settings_round_trip(settings: FolderSettings | S3Settings) -> None:
    assert decode_settings(encode_settings(settings)) == settings


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"bucket": "b"}',
        '{"endpoint": "e", "bucket": "b", "secretKey": "s"}',
        '{"endpoint": "e", "bucket": "b", "folder": "/x"}',
        '{"endpoint": "http://e", "bucket": "b"}',
        '{"endpoint": "e", "bucket": ""}',
        '{"endpoint": "e", "bucket": "b", "secure": "no"}',
        '{"endpoint": "e", "bucket": 1}',
    ],
)
def test_bad_settings_are_refused(text: str) -> None:
    with pytest.raises(StoreError):
        decode_settings(text)


def test_settings_hold_no_credentials() -> None:
    text = encode_settings(S3Settings(endpoint="host:9000", bucket="b"))
    assert set(json.loads(text)) == {
        "endpoint", "bucket", "region", "secure", "path_style", "ca_file",
    }  # fmt: skip


def test_open_a_folder(tmp_path: Path) -> None:
    assert isinstance(open_store(FolderSettings(folder=str(tmp_path))), FolderStore)


def test_credentials_do_not_print_their_secret() -> None:
    assert "hush" not in repr(Credentials("access", "hush", "hush"))


def test_env_credentials() -> None:
    environ = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}
    assert EnvCredentials(environ).credentials() == Credentials("a", "s", "t")
    environ |= {"TUNER_STORE_ACCESS_KEY": "ta", "TUNER_STORE_SECRET_KEY": "ts"}
    assert EnvCredentials(environ).credentials() == Credentials("ta", "ts")


def test_file_credentials_follow_the_files(tmp_path: Path) -> None:
    provider = FileCredentials(tmp_path)
    with pytest.raises(StoreDenied, match="accessKey"):
        provider.credentials()
    (tmp_path / "accessKey").write_text("a\n")
    (tmp_path / "secretKey").write_text("s\n")
    assert provider.credentials() == Credentials("a", "s")
    (tmp_path / "secretKey").write_text("longer")
    assert provider.credentials() == Credentials("a", "longer")


def test_file_credentials_follow_a_mounted_secret(tmp_path: Path) -> None:
    # The kubelet swaps the link `..data` to a new folder.
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "accessKey").write_text(version)
        (tmp_path / version / "secretKey").write_text(version)
    data = tmp_path / "..data"
    data.symlink_to("one")
    for name in ("accessKey", "secretKey"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    provider = FileCredentials(tmp_path)
    assert provider.credentials() == Credentials("one", "one")
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").rename(data)
    assert provider.credentials() == Credentials("two", "two")


def test_unreadable_credentials(tmp_path: Path) -> None:
    (tmp_path / "accessKey").mkdir()
    (tmp_path / "secretKey").write_text("s")
    with pytest.raises(StoreDenied, match="accessKey"):
        FileCredentials(tmp_path).credentials()
