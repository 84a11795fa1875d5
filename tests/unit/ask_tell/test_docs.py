"""What docs/ask-tell.md and the README show runs as it stands, and says what they say."""

import re
from pathlib import Path

import pytest

from tuner.ask_tell import Optimizer

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "ask-tell.md").read_text()
README = (ROOT / "README.md").read_text()


def blocks(text, language="python"):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_the_guide_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks(GUIDE):
        exec(compile(block, "docs/ask-tell.md", "exec"), names)
    printed = capsys.readouterr().out
    (shown,) = blocks(GUIDE, language="text")
    assert shown in printed
    assert "production" in printed
    assert (tmp_path / ".tuner" / "studies" / "local" / "kept.local-1").is_dir()


@pytest.mark.parametrize("text", [GUIDE, README], ids=["guide", "readme"])
def test_the_first_example_is_ten_lines(text):
    (example, *_) = [one for one in blocks(text) if "for trial in opt" in one]
    assert len([line for line in example.splitlines() if line.strip()]) <= 10


def test_the_readme_tunes_something():
    names = {"train": lambda lr, depth: abs(lr - 0.01) + depth}
    (example,) = [one for one in blocks(README) if "Optimizer" in one]
    exec(compile(example, "README.md", "exec"), names)
    assert isinstance(names["opt"], Optimizer)
    assert names["opt"].best is not None


def test_every_public_method_is_in_the_guide():
    methods = [name for name in vars(Optimizer) if not name.startswith("_")]
    assert [name for name in methods if name not in GUIDE and name != "close"] == []
