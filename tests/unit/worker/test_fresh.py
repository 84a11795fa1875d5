"""A worker follows the fields of its study that may change."""

import logging

import numpy as np
import pytest

from tuner.errors import TunerError
from tuner.searchers import History, Suggestion
from tuner.worker.fresh import FreshSearcher


class Says:
    """Proposes one instance type, for ever."""

    def __init__(self, name):
        self.name = name

    def suggest(self, history, *, number, rng):
        return Suggestion(parameters={}, instance_types={"train": self.name})


def proposed(searcher):
    answer = searcher.suggest(History(), number=0, rng=np.random.default_rng(0))
    return answer.instance_types["train"]


def test_the_searcher_is_made_anew_when_its_study_changes_and_only_then():
    facts, made = ["small"], []

    def make():
        made.append(facts[0])
        return Says(facts[0])

    searcher = FreshSearcher(lambda: facts[0], make)
    assert [proposed(searcher), proposed(searcher)] == ["small", "small"]
    facts[0] = "large"
    assert [proposed(searcher), proposed(searcher)] == ["large", "large"]
    assert made == ["small", "large"]


def test_what_cannot_be_read_is_tried_again_and_stops_nobody(caplog):
    facts = ["small"]

    def describe():
        if facts[0] is None:
            raise TunerError("cannot be read")
        return facts[0]

    searcher = FreshSearcher(describe, lambda: Says(facts[0]))
    facts[0] = None
    with caplog.at_level(logging.WARNING):
        assert proposed(searcher) == "small"
    assert "cannot be read" in caplog.text
    facts[0] = "large"
    assert proposed(searcher) == "large"


def test_at_the_start_an_error_is_the_callers():
    def make():
        raise TunerError("no types yet")

    with pytest.raises(TunerError, match="no types yet"):
        FreshSearcher(lambda: "", make)
