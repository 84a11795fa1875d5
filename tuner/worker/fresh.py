"""A searcher that follows its study: the fields of a manifest that may change while it runs."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np

from tuner.errors import TunerError
from tuner.searchers import History, Searcher, Suggestion

_logger = logging.getLogger(__name__)


class FreshSearcher:
    """Proposes with a searcher that is made anew whenever what it was made from has changed.

    Args:
        describe: What the searcher is made from, as a text to compare. May raise TunerError.
        make: Makes it. May raise TunerError: the first time to the caller; later the searcher
            that there is goes on.
    """

    def __init__(self, describe: Callable[[], str], make: Callable[[], Searcher]) -> None:
        self._describe = describe
        self._make = make
        self._made_from = describe()
        self._searcher = make()

    def suggest(
        self, history: History, *, number: int, rng: np.random.Generator
    ) -> Suggestion | None:
        """What the searcher of now proposes."""
        self._follow()
        return self._searcher.suggest(history, number=number, rng=rng)

    def _follow(self) -> None:
        try:
            described = self._describe()
            if described != self._made_from:
                self._searcher, self._made_from = self._make(), described
                _logger.info("the study has changed: the searcher was made anew")
        except TunerError as error:
            _logger.warning("the searcher goes on as it was: %s", error)
