"""What the README shows is what the project does."""

import re
from pathlib import Path

import pytest

from tuner.spec import load_manifests, validate

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def block(language: str, containing: str) -> str:
    """The fenced block of that language that holds the text."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    (found,) = [one for one in blocks if containing in one]
    return str(found)


def test_the_study_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "ranker.yaml"
    path.write_text(block("yaml", "kind: TuningStudy"))
    (manifest,) = load_manifests([path])
    assert validate(manifest) == []


def test_the_refusal_is_what_validate_prints(tmp_path: Path) -> None:
    shown = block("console", "$ tuner validate ranker.yaml").splitlines()[1]
    path = tmp_path / "ranker.yaml"
    study = block("yaml", "kind: TuningStudy")
    path.write_text(study.replace("[lr, batch_size]", "[lr, batchsize]"))
    (manifest,) = load_manifests([path])
    (problem,) = validate(manifest)
    assert str(problem).replace(f"{tmp_path}/", "") == shown


@pytest.mark.parametrize("target", ["demo", "test", "cluster", "cluster-env", "bench"])
def test_the_targets_named_exist(target: str) -> None:
    assert f"make {target}" in README or f"make -s {target}" in README
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []
