"""Guards on the shape of the repository itself."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_operator_folder_does_not_shadow_the_standard_library() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()
    subprocess.run([sys.executable, "-S", "-c", "import collections"], cwd=ROOT, check=True)


def test_no_package_markers_below_tests() -> None:
    assert [str(path) for path in (ROOT / "tests").rglob("__init__.py")] == []


def test_requirement_files_are_hashed_and_name_no_hosts() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "--hash=sha256:" in text, path
        assert "://" not in text, path
