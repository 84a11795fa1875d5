"""Guards on the shape of the repository itself."""

import re
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


def test_links_between_documents_lead_somewhere() -> None:
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*/*.md")]
    documents += ROOT.glob("tests/cluster/*.md")
    lost = []
    for path in documents:
        for file, heading in re.findall(r"\]\((?![a-z]+:)([^)#]*)#?([^)]*)\)", path.read_text()):
            target = path.parent / file if file else path
            if not target.exists() or (heading and heading not in _headings(target)):
                lost.append(f"{path.relative_to(ROOT)}: {file}#{heading}")
    assert lost == []


def _headings(document: Path) -> set[str]:
    lines = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in lines}
