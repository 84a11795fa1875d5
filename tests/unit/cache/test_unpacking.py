import io
import tarfile
from pathlib import Path

import pytest

from tuner.cache import Limits
from tuner.cache.packing import pack
from tuner.cache.unpacking import unpack
from tuner.errors import ArtifactError, ObjectCorrupt

Entry = tuple[str, bytes, str]


def archive(*entries: Entry) -> bytes:
    """A tar file of (name, type, content or target)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, kind, text in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(text)
                tar.addfile(info, io.BytesIO(text.encode()))
            else:
                info.linkname = text
                tar.addfile(info)
    return buffer.getvalue()


FILE, LINK, FOLDER = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE


@pytest.mark.parametrize(
    "entries",
    [
        [("/abs", FILE, "x")],
        [("../up", FILE, "x")],
        [("a/../../up", FILE, "x")],
        [("..", FOLDER, "")],
        [(".", FOLDER, "")],
        [("link", LINK, "/etc")],
        [("link", LINK, "..")],
        [("link", LINK, "../outside")],
        [("d", FOLDER, ""), ("d/link", LINK, "x/../../..")],
        [("hard", tarfile.LNKTYPE, "/etc/passwd")],
        [("device", tarfile.CHRTYPE, "")],
        [("fifo", tarfile.FIFOTYPE, "")],
    ],
)
def test_what_pack_never_writes_is_refused(tmp_path: Path, entries: list[Entry]) -> None:
    with pytest.raises(ObjectCorrupt):
        unpack(io.BytesIO(archive(*entries)), tmp_path / "base" / "out", beneath=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base"]
    assert sorted(path.name for path in (tmp_path / "base").iterdir()) == ["out"]


@pytest.mark.parametrize(
    "entries",
    [
        [("d", FOLDER, ""), ("link", LINK, "d"), ("link/file", FILE, "x")],
        [("link", LINK, "target"), ("link", FILE, "x")],
        [("file", FILE, "x"), ("file", FILE, "y")],
        [("missing/file", FILE, "x")],
        [("file", FILE, "x"), ("file/below", FILE, "y")],
    ],
)
def test_nothing_is_written_through_a_link_or_over_a_file(
    tmp_path: Path, entries: list[Entry]
) -> None:
    with pytest.raises((ArtifactError, ObjectCorrupt)):
        unpack(io.BytesIO(archive(*entries)), tmp_path / "out")
    assert not (tmp_path / "out" / "d" / "file").exists()
    assert not (tmp_path / "out" / "target").exists()


@pytest.mark.parametrize("cut", [0, 1, 511, 512, 600, 1024])
def test_truncated_archives(output: Path, tmp_path: Path, cut: int) -> None:
    buffer = io.BytesIO()
    pack(output, into=buffer)
    with pytest.raises(ObjectCorrupt):
        unpack(io.BytesIO(buffer.getvalue()[:cut]), tmp_path / "restored")


def test_garbage(tmp_path: Path) -> None:
    with pytest.raises(ObjectCorrupt):
        unpack(io.BytesIO(b"not a tar file" * 100), tmp_path / "out")


def test_the_folder_must_be_empty(output: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="empty"):
        unpack(io.BytesIO(archive()), output)
    (tmp_path / "empty").mkdir()
    unpack(io.BytesIO(archive(("a", FILE, "x"))), tmp_path / "empty")
    assert (tmp_path / "empty" / "a").read_text() == "x"


def test_the_folder_must_be_no_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "stage").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArtifactError):
        unpack(
            io.BytesIO(archive(("a", FILE, "x"))),
            tmp_path / "base" / "stage" / "output",
            beneath=tmp_path / "base",
        )
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    "limits",
    [Limits(files=1), Limits(size_bytes=2), Limits(depth=0)],
    ids=["files", "bytes", "depth"],
)
def test_limits(tmp_path: Path, limits: Limits) -> None:
    data = archive(("d", FOLDER, ""), ("d/file", FILE, "xyz"))
    with pytest.raises(ObjectCorrupt):
        unpack(io.BytesIO(data), tmp_path / "out", limits=limits)


def test_modes_of_an_archive_are_not_taken_over(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("setuid")
        info.mode, info.uid = 0o6777, 4242
        tar.addfile(info)
    unpack(io.BytesIO(buffer.getvalue()), tmp_path / "out")
    assert (tmp_path / "out" / "setuid").stat().st_mode & 0o7000 == 0
