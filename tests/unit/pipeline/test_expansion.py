from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import PipelineError
from tuner.pipeline.expansion import expand, expand_command, references

VALUES = {"TUNER_STUDY": "ranker", "HOME": "/h"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(TUNER_STUDY)", "ranker"),
        ("x-$(TUNER_STUDY)-$(HOME)", "x-ranker-/h"),
        ("$(OTHER)", "$(OTHER)"),
        ("$$(TUNER_STUDY)", "$(TUNER_STUDY)"),
        ("$$$(TUNER_STUDY)", "$ranker"),
        ("$$", "$"),
        ("$x ${y} $(", "$x ${y} $("),
        ("$(date +%s)", "$(date +%s)"),
    ],
)
def test_expansion_follows_kubernetes(text: str, expanded: str) -> None:
    assert expand(text, values=VALUES, where="stage train") == expanded


def test_unknown_names_of_ours_are_refused() -> None:
    with pytest.raises(PipelineError, match=r"stage train: \$\(TUNER_PARAM_X\)"):
        expand("$(TUNER_PARAM_X)", values=VALUES, where="stage train")


@given(st.text(alphabet=st.characters(exclude_characters="$")))
def test_text_without_dollars_stays(text: str) -> None:
    assert expand(text, values=VALUES, where="here") == text


@given(st.text())
def test_doubled_dollars_protect_everything(text: str) -> None:
    assert expand(text.replace("$", "$$"), values=VALUES, where="here") == text


def test_arguments_are_spliced() -> None:
    argv = expand_command(
        ["run", "$(TUNER_ARGS)", "-v"], arguments=["--a=1", "--b=x y"], values={}, where="here"
    )
    assert argv == ("run", "--a=1", "--b=x y", "-v")


def test_no_arguments_leave_no_element() -> None:
    assert expand_command(["run", "$(TUNER_ARGS)"], arguments=[], values={}, where="here") == (
        "run",
    )


def test_arguments_within_an_element_are_quoted_for_a_shell() -> None:
    argv = expand_command(
        ["sh", "-c", "run $(TUNER_ARGS)"], arguments=["--b=x y"], values={}, where="here"
    )
    assert argv == ("sh", "-c", "run '--b=x y'")


def test_references_are_named_without_the_escaped() -> None:
    assert references("$(A) $$(B) $(C)") == ("A", "C")
