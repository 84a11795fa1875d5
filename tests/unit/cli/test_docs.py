"""docs/cli.md knows every verb, option and exit code, and no other verb or option."""

import re
from pathlib import Path

import pytest
import typer

from tuner.cli.app import app
from tuner.cli.exits import ExitCode
from tuner.cli.run import INTERRUPTED

GUIDE = (Path(__file__).parents[3] / "docs" / "cli.md").read_text()


def _verbs(command, name):
    if not hasattr(command, "commands"):
        return {name: command}
    return {
        verb: one
        for word, inner in command.commands.items()
        for verb, one in _verbs(inner, f"{name} {word}").items()
    }


COMMAND = typer.main.get_command(app)
VERBS = _verbs(COMMAND, "tuner")


def _options(command):
    return {word for one in command.params for word in one.opts if word.startswith("-")}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_option_is_described(verb):
    assert f"`{verb} " in GUIDE or f"    {verb} " in GUIDE
    missing = {word for word in _options(VERBS[verb]) if not re.search(rf"{word}\b", GUIDE)}
    assert not missing


def test_nothing_is_described_that_is_not_there():
    known = set().union(*map(_options, [COMMAND, *VERBS.values()])) | {"--help"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", GUIDE)) <= known
    heads = {verb.split()[1] for verb in VERBS}
    assert set(re.findall(r"`tuner ([a-z]+)", GUIDE)) <= heads


def test_every_exit_code_is_described():
    for code in [*map(int, ExitCode), INTERRUPTED]:
        assert f"\n| {code} | " in GUIDE
