import re
import subprocess
import sys
from pathlib import Path


def modules_after(code):
    probe = f"import sys; {code}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in run.stdout.split()}


def test_importing_the_command_line_imports_nothing_heavy():
    heavy = {"numpy", "scipy", "kubernetes", "torch", "pydantic", "rich", "typer", "minio"}
    assert not heavy & modules_after("import tuner.cli")


def test_listing_the_verbs_imports_neither_numerics_nor_clients():
    heavy = {"numpy", "scipy", "kubernetes", "torch", "minio", "kopf", "pydantic"}
    assert not heavy & modules_after("import tuner.cli.app")


def test_the_module_runs_like_the_command():
    run = subprocess.run(
        [sys.executable, "-m", "tuner", "--help"], capture_output=True, text=True, check=True
    )
    for verb in ("run", "validate", "status", "front", "trials", "logs", "wait"):
        assert verb in run.stdout


def test_a_wrong_option_exits_as_a_bad_manifest_does():
    run = subprocess.run(
        [sys.executable, "-m", "tuner", "front", "--nope"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert "--nope" in run.stderr


def test_errors_of_this_project_are_one_line_and_exit_code_1(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "tuner", "front", "ranker", "--local", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert run.stderr == f"error: {tmp_path} has no study ranker; it has: none\n"


def test_a_folder_that_is_not_there_is_not_made(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "tuner", "status", "--local", str(tmp_path / "typo")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "there is no folder" in run.stderr
    assert not list(tmp_path.iterdir())


def test_a_store_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    example = Path(__file__).parents[3] / "examples" / "shell"
    words = ["run", str(example), "--store", str(tmp_path / "file" / "store")]
    run = subprocess.run(
        [sys.executable, "-m", "tuner", *words], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert re.fullmatch(r"error: \S+ cannot be written: Not a directory\n", run.stderr)
