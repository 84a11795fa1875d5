import pytest

from tuner.cli.code import code_identity


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train.py").write_text("print(1)")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "net.py").write_text("x = 1")
    (tmp_path / "study.yaml").write_text("a: 1")
    return tmp_path


def identity(folder):
    return code_identity(folder, besides=[folder / "study.yaml"])


@pytest.mark.parametrize(
    "path", ["study.yaml", "README.md", ".git", "lib/cached.pyc", ".venv", "notes.md"]
)
def test_what_does_not_matter(folder, path):
    before = identity(folder)
    (folder / path).write_text("something else")
    assert identity(folder) == before


@pytest.mark.parametrize("path", ["train.py", "lib/net.py", "new.txt"])
def test_what_matters(folder, path):
    before = identity(folder)
    (folder / path).write_text("something else")
    assert identity(folder) != before


def test_executable_bits_and_names_matter(folder):
    before = identity(folder)
    (folder / "train.py").chmod(0o755)
    executable = identity(folder)
    (folder / "lib" / "net.py").rename(folder / "lib" / "other.py")
    assert len({before, executable, identity(folder)}) == 3


def test_what_is_kept_does_not_matter_wherever_it_is(folder):
    kept = folder / "kept"
    before = code_identity(folder, besides=[kept])
    (kept / "deep").mkdir(parents=True)
    (kept / "deep" / "object.json").write_text("{}")
    assert code_identity(folder, besides=[kept]) == before
    assert code_identity(folder) != before
