import io
import os
import socket
import tarfile
import threading
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuner.cache import Limits
from tuner.cache.links import portable_target, stays_inside
from tuner.cache.packing import MAX_WARNINGS, pack
from tuner.cache.unpacking import unpack
from tuner.errors import ArtifactError

SECRET = b"the credentials of the object store"


def packed_bytes(folder: Path, **options) -> bytes:
    buffer = io.BytesIO()
    pack(folder, into=buffer, **options)
    return buffer.getvalue()


def tree(folder: Path) -> dict[str, object]:
    """Content, executable bit and links below a folder."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        elif path.is_dir():
            found[name] = None
        else:
            found[name] = (path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return found


def test_round_trip(output: Path, tmp_path: Path) -> None:
    unpack(io.BytesIO(packed_bytes(output)), tmp_path / "restored")
    assert tree(tmp_path / "restored") == tree(output)
    assert tree(output)["sub/best"] == "-> ../model.bin"


names = st.text(
    alphabet=st.characters(exclude_characters="/\0", exclude_categories=["Cs"]),
    min_size=1,
    max_size=40,
).filter(lambda name: name not in (".", "..") and len(name.encode()) <= 255)
contents = st.tuples(st.binary(max_size=2000), st.booleans())
trees = st.dictionaries(
    st.lists(names, min_size=1, max_size=3).map(tuple), contents, min_size=0, max_size=6
)


@settings(max_examples=50, deadline=None)
@given(files=trees)
def test_any_tree_comes_back(tmp_path_factory: pytest.TempPathFactory, files) -> None:
    folder = tmp_path_factory.mktemp("tree")
    for parts, (content, executable) in files.items():
        path = folder.joinpath(*parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
        path.chmod(0o700 if executable else 0o600)
    data = packed_bytes(folder)
    restored = tmp_path_factory.mktemp("restored")
    unpack(io.BytesIO(data), restored)
    assert tree(restored) == tree(folder)
    assert packed_bytes(restored) == data


def test_a_name_that_is_no_text_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe")).write_bytes(b"x")
    unpack(io.BytesIO(packed_bytes(folder)), tmp_path / "restored")
    assert os.listdir(os.fsencode(tmp_path / "restored")) == [b"\xff\xfe"]


def test_equal_content_has_an_equal_digest(tmp_path: Path) -> None:
    for number, order in enumerate(("abc", "cab")):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name in order:
            (folder / name).write_text(name)
            (folder / name).chmod(0o600 if number else 0o644)
            os.utime(folder / name, (number, number))
    assert packed_bytes(tmp_path / "0") == packed_bytes(tmp_path / "1")
    (tmp_path / "1" / "a").chmod(0o700)
    assert packed_bytes(tmp_path / "0") != packed_bytes(tmp_path / "1")


def test_what_is_no_file_is_left_out_with_a_warning(output: Path) -> None:
    os.mkfifo(output / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        cwd = Path.cwd()
        os.chdir(output)  # the path of a socket is short
        try:
            server.bind("socket")
        finally:
            os.chdir(cwd)
        packed = pack(output, into=io.BytesIO())
    assert packed.files == 4
    assert [warning.partition(":")[0] for warning in packed.warnings] == [
        "left out 'fifo'",
        "left out 'socket'",
    ]


def test_warnings_are_bounded(tmp_path: Path) -> None:
    for number in range(MAX_WARNINGS + 10):
        (tmp_path / f"link{number}").symlink_to("/etc/passwd")
    assert len(pack(tmp_path, into=io.BytesIO()).warnings) == MAX_WARNINGS


def test_links_to_secrets_are_not_followed(output: Path, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "secretKey").write_bytes(SECRET)
    (output / "file").symlink_to(secrets / "secretKey")
    (output / "folder").symlink_to(secrets)
    (output / "relative").symlink_to("../secrets/secretKey")
    (output / "roundabout").symlink_to("sub/../../secrets/secretKey")
    data = packed_bytes(output)
    assert SECRET not in data
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert [m.name for m in archive if m.issym()] == ["sub/best"]


def test_a_folder_that_is_a_link_is_refused(output: Path, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "secretKey").write_bytes(SECRET)
    stage = tmp_path / "base" / "stages" / "train"
    stage.mkdir(parents=True)
    (stage / "output").symlink_to(secrets)
    with pytest.raises(ArtifactError):
        packed_bytes(stage / "output", beneath=tmp_path / "base")
    stage.rename(tmp_path / "base" / "stages" / "other")
    stage.symlink_to(secrets)
    with pytest.raises(ArtifactError):
        packed_bytes(stage / "output", beneath=tmp_path / "base")


@pytest.mark.parametrize("folder", ["missing", "../secrets", "file"])
def test_no_such_folder(tmp_path: Path, folder: str) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "file").write_text("")
    (tmp_path / "secrets").mkdir()
    with pytest.raises(ArtifactError):
        packed_bytes(tmp_path / "base" / folder, beneath=tmp_path / "base")


def test_a_race_for_a_link_is_not_won(tmp_path: Path) -> None:
    # The stage swaps files and folders for links to a secret while the folder is packed.
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "data").write_bytes(SECRET)
    folder = tmp_path / "output"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "data").write_bytes(b"harmless")
    (folder / "data").write_bytes(b"harmless")
    (tmp_path / "aside-file").symlink_to(secrets / "data")
    (tmp_path / "aside-folder").symlink_to(secrets)
    stop = threading.Event()

    def swap() -> None:
        spare_file, spare_folder = tmp_path / "spare-file", tmp_path / "spare-folder"
        while not stop.is_set():
            for spare, real, aside in (
                (spare_file, folder / "data", tmp_path / "aside-file"),
                (spare_folder, folder / "sub", tmp_path / "aside-folder"),
            ):
                real.rename(spare)
                aside.rename(real)
                real.rename(aside)
                spare.rename(real)

    thread = threading.Thread(target=swap)
    thread.start()
    packed = 0
    try:
        for _ in range(300):
            try:
                data = packed_bytes(folder)
            except ArtifactError:
                continue
            packed += 1
            assert SECRET not in data
    finally:
        stop.set()
        thread.join()
    assert packed > 0


def test_limits(output: Path) -> None:
    with pytest.raises(ArtifactError, match="larger"):
        packed_bytes(output, limits=Limits(size_bytes=1000))
    with pytest.raises(ArtifactError, match="files"):
        packed_bytes(output, limits=Limits(files=2))
    with pytest.raises(ArtifactError, match="deep"):
        packed_bytes(output, limits=Limits(depth=0))


@pytest.mark.parametrize(
    ("target", "link", "stored"),
    [
        ("model", "best", "model"),
        ("./a//b", "best", "./a//b"),
        ("../model", "sub/best", "../model"),
        ("/out/model", "best", "model"),
        ("/out/model", "a/b/best", "../../model"),
        ("/out", "best", None),
        ("/outer/model", "best", None),
        ("/etc/passwd", "best", None),
        ("../model", "best", None),
        ("../../x", "sub/best", None),
        ("sub/../../x", "best", None),
        ("sub/../x", "best", None),
        ("/out/../x", "best", None),
    ],
)
def test_targets_of_links(target: str, link: str, stored: str | None) -> None:
    assert portable_target(target, link=PurePosixPath(link), folder="/out") == stored


steps = st.sampled_from(["..", ".", "a", "b", "c", ""])


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    links=st.dictionaries(
        st.sampled_from(["a", "b", "c", "d/a", "d/b", "d/e/a", "d/e/c"]),
        st.lists(steps, min_size=1, max_size=5).map("/".join),
    )
)
def test_links_that_stay_inside_never_lead_out(
    tmp_path_factory: pytest.TempPathFactory, links: dict[str, str]
) -> None:
    root = tmp_path_factory.mktemp("outside") / "root"
    (root / "d" / "e").mkdir(parents=True)
    for name in "abc":
        (root.parent / name).mkdir()
    kept = [link for link, to in links.items() if stays_inside(to, link=PurePosixPath(link))]
    for link in kept:
        (root / link).symlink_to(links[link])
    for link in kept:
        try:
            resolved = (root / link).resolve(strict=True)
        except (OSError, RuntimeError):  # it dangles, or is a loop
            continue
        assert resolved.is_relative_to(root)
