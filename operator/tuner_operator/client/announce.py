"""Publishing events."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from tuner_operator.actions import Tell
from tuner_operator.client.api import Api
from tuner_operator.client.errors import AlreadyExists, ApiError, Forbidden, NotFound

_logger = logging.getLogger(__name__)


class Announcer:
    """Publishes events; the same words about the same object once an hour.

    Args:
        api: Where to.
        build: From a `Tell` and the time to an event's manifest.
        clock: Seconds since the epoch.
    """

    AGAIN_SECONDS = 3600.0

    def __init__(
        self, api: Api, *, build: Callable[..., dict[str, Any]], clock: Callable[[], float]
    ) -> None:
        self._api = api
        self._build = build
        self._clock = clock
        self._told: dict[Tell, float] = {}

    async def tell(self, tell: Tell) -> None:
        """Publishes; what fails is logged, since nothing rests on it."""
        now = self._clock()
        self._told = {one: at for one, at in self._told.items() if now - at < self.AGAIN_SECONDS}
        if tell in self._told:
            return
        self._told[tell] = now
        try:
            await self._api.create(self._build(tell, now=now))
        except (AlreadyExists, Forbidden, NotFound) as error:
            # A namespace that is being deleted takes no more events.
            _logger.debug("event %s about %s: %s", tell.reason, tell.ref.name, error)
        except ApiError as error:
            _logger.warning("event %s about %s: %s", tell.reason, tell.ref.name, error)
